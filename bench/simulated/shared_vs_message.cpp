// SPDX-License-Identifier: BSD-3-Clause
// The Multikernel's Figure 3, on simulated cores: the contests are those that are measured on real ones.
#include "shared_vs_message/contest.hpp"
#include "simulated/simulation.hpp"

namespace cooper::bench::simulated {
namespace {

namespace contests = bench::shared_vs_message;

struct operations {
  std::uint64_t warm_up, count;  // of each client
};

result<measurement> measure(simulation& on, const contests::setting& s, operations each_does) {
  auto made = on.make(s.cores, [](simulation_options& o) { o.poll_budget = std::chrono::seconds{1}; });
  if (!made) return made.error();
  machine& m = **made;
  const auto one = contests::contest::make(m, s);
  const auto opened = one->open([&](core_id where, const auto& work) { return on.call(m, where, work); });
  if (!opened) return opened.error();
  const traffic before = traffic_of(m, one->shared());
  if (const auto begun = one->begin(each_does.count, each_does.warm_up); !begun) return begun.error();
  const auto over = [&] { return one->over(); };
  if (const auto ended = on.run(m, over, "the last operation"); !ended) return ended.error();
  const traffic after = traffic_of(m, one->shared());
  made = error{errc::stopped};  // the machine goes before what runs on it
  return measurement{.name = s.contender,
                     .at = {{"k", static_cast<std::int64_t>(s.lines)}, {"cores", static_cast<std::int64_t>(s.cores)}},
                     .value = one->line.ns / static_cast<double>(each_does.count),
                     .unit = "ns",
                     .per = "operation",
                     .moved = each(after, before, one->clients() * (each_does.count + each_does.warm_up))};
}

result<void> run(simulation& on) {
  const auto contenders =
      on.choices("contenders", {"shared", "shared_atomic", "shared_locked", "message", "message_pipelined"});
  if (!contenders) return contenders.error();
  const auto counts = on.counts("core_counts", 2);
  if (!counts) return counts.error();
  const auto lines = on.choices("lines", {"1", "2", "4", "8"});
  if (!lines) return lines.error();
  for (const std::string& contender : *contenders) {
    for (const std::string& k : *lines) {
      for (const std::size_t cores : *counts) {
        const contests::setting s{
            .contender = contender,
            .cores = cores,
            .lines = static_cast<std::size_t>(k.front() - '0'),
            .update = on.handler("update"),
            .window = contender == "message_pipelined" ? static_cast<std::uint64_t>(on.number("window")) : 1};
        auto row = measure(on, s,
                           {.warm_up = static_cast<std::uint64_t>(on.number("warm_up")),
                            .count = static_cast<std::uint64_t>(on.number("operations"))});
        if (!row) return row.error();
        on.add(*std::move(row));
      }
    }
  }
  return {};
}

}  // namespace

program shared_vs_message() {
  return {
      .about = {.name = "shared_vs_message",
                .words = "Updating k lines in place, or by calling a server (The Multikernel, Figure 3)",
                .load = {{.key = "contenders",
                          .words =
                              "of shared, shared_atomic, shared_locked, message, message_pipelined; all unless told",
                          .otherwise = std::string{}},
                         {.key = "core_counts",
                          .words = "with how many cores; else 2, 4, 8, ... and all",
                          .otherwise = std::string{}},
                         {.key = "lines",
                          .words = "how many are updated, of 1, 2, 4, 8; all unless told",
                          .otherwise = std::string{}},
                         {.key = "operations",
                          .words = "of each core that are counted",
                          .otherwise = std::int64_t{50},
                          .least = 1,
                          .most = 10'000'000},
                         {.key = "warm_up",
                          .words = "operations of each core before them",
                          .otherwise = std::int64_t{10},
                          .least = 1,
                          .most = 1'000'000},
                         {.key = "window",
                          .words = "calls under way of message_pipelined",
                          .otherwise = std::int64_t{16},
                          .least = 1,
                          .most = 1024}},
                .handlers = {"update"}},
      .run = run,
      .plot_over = "cores"};
}

}  // namespace cooper::bench::simulated
