// SPDX-License-Identifier: BSD-3-Clause
#include "simulated/simulation.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <cooper/runtime/metrics.hpp>
#include <cooper/runtime/trace.hpp>
#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/nearest.hpp>

namespace cooper::bench::simulated {
namespace {

using std::chrono::steady_clock;

// An interrupt is looked for so often: between them lies less than a millisecond.
constexpr std::uint64_t turns_between_looks = 1024;

// Counts the host's time where it is spent on turns.
class stopwatch {
 public:
  explicit stopwatch(double& into) : into_{into} {}
  ~stopwatch() { into_ += std::chrono::duration<double>(steady_clock::now() - begin_).count(); }
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;

 private:
  double& into_;
  steady_clock::time_point begin_ = steady_clock::now();
};

std::vector<std::string> words_in(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    std::string_view word = list.substr(0, end);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    words.emplace_back(word);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

}  // namespace

result<simulation::machine_ptr> simulation::make(std::size_t cores,
                                                 const std::function<void(simulation_options&)>& adjust) {
  COOPER_ASSERT(cores <= plan_.cores.size(), "a program asks for cores that the scenario has");
  simulation_options options;
  options.cores.assign(plan_.cores.begin(), plan_.cores.begin() + static_cast<std::ptrdiff_t>(cores));
  options.seed = plan_.seed;
  options.costs = plan_.costs;
  for (const fault& f : plan_.faults) {
    const bool of_link = f.kind == fault_kind::delay || f.kind == fault_kind::fill;
    if (f.core.value < cores && (!of_link || f.to.value < cores)) options.faults.push_back(f);
  }
  if (adjust) adjust(options);
  auto made = machine::simulate(plan_.where, options);
  if (!made) return made.error();
  ++host_.machines;
  if (plan_.trace && host_.machines == 1) {
    // By hand and not by a job, so that a run that is traced is the run that was not.
    for (const core_id c : (*made)->adopted()) {
      const auto seat = (*made)->adopt(c);
      if (!seat) return seat.error();
      if (const auto on = (*seat)->trace().switch_on(); !on) return on.error();
    }
  }
  return machine_ptr{made->release(), closer{this}};
}

void simulation::closer::operator()(machine* m) const {
  of->host_.messages += static_cast<std::uint64_t>(traffic_of(*m).messages);
  if (of->plan_.trace && of->trace_.empty()) of->trace_ = m->chrome_trace();
  delete m;
}

result<void> simulation::may_go_on(const machine& m, std::string_view awaited) {
  if (++host_.turns > plan_.turns_max) {
    return error{errc::deadline_passed,
                 fmt::format("{} turns were made, and {} has not come about, at {} ns of virtual time; --turns allows "
                             "more",
                             plan_.turns_max, awaited, m.now().ns)};
  }
  if (host_.turns % turns_between_looks == 0 && plan_.interrupted && plan_.interrupted()) {
    interrupted_ = true;
    return error{errc::cancelled, "interrupted"};
  }
  return {};
}

result<void> simulation::run(machine& m, const std::function<bool()>& done, std::string_view awaited) {
  const stopwatch watch{host_.seconds};
  while (!done()) {
    if (const auto good = may_go_on(m, awaited); !good) return good.error();
    if (m.step(limit())) continue;
    if (plan_.until && m.step(never)) {
      return error{
          errc::deadline_passed,
          fmt::format("until {} ns of virtual time {} has not come about; until_ms is the bound", limit().ns, awaited)};
    }
    return error{
        errc::deadline_passed,
        fmt::format("nothing is left to happen after {} ns of virtual time, and {} has not come about{}", m.now().ns,
                    awaited, plan_.faults.empty() ? "" : "; it may be the faults, which are listed above")};
  }
  return {};
}

result<void> simulation::call(machine& m, core_id where, const std::function<void(core&)>& work) {
  bool done = false;
  const auto posted = m.post(where, [&](core& here) {
    work(here);
    done = true;
  });
  if (!posted) return posted.error();
  return run(
      m, [&] { return done; }, fmt::format("a turn of core {}", where.value));
}

result<void> simulation::rest(machine& m, duration d) {
  const stopwatch watch{host_.seconds};
  const instant until = m.now() + d;
  while (m.step(until)) {
    if (const auto good = may_go_on(m, "the end of a pause"); !good) return good.error();
  }
  m.run_until(until);
  return {};
}

std::int64_t simulation::number(std::string_view key) const {
  const auto at = std::find_if(plan_.load.begin(), plan_.load.end(), [&](const auto& one) { return one.first == key; });
  COOPER_ASSERT(at != plan_.load.end(), "a plan has every key of its program");
  return std::get<std::int64_t>(at->second);
}

const std::string& simulation::text(std::string_view key) const {
  const auto at = std::find_if(plan_.load.begin(), plan_.load.end(), [&](const auto& one) { return one.first == key; });
  COOPER_ASSERT(at != plan_.load.end(), "a plan has every key of its program");
  return std::get<std::string>(at->second);
}

cost simulation::handler(std::string_view name) const {
  for (const auto& [key, c] : plan_.handlers) {
    if (key == name) return c;
  }
  return {};
}

result<std::vector<std::size_t>> simulation::counts(std::string_view key, std::size_t least) const {
  const std::size_t most = cores().size();
  std::vector<std::size_t> all;
  if (text(key).empty()) {
    for (std::size_t n = 1; n < most; n *= 2) {
      if (n >= least) all.push_back(n);
    }
    if (most >= least) all.push_back(most);
  }
  for (const std::string& word : words_in(text(key))) {
    std::size_t n = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), n);
    if (failed != std::errc{} || end != word.data() + word.size() || n < least || n > most ||
        (!all.empty() && n <= all.back())) {
      return error{
          errc::bad_option,
          fmt::format("load.{}: '{}'; write ascending numbers from {} to {}, which is how many cores there are", key,
                      word.substr(0, 40), least, most)};
    }
    all.push_back(n);
  }
  if (all.empty()) {
    return error{errc::bad_option, fmt::format("there are {} cores, and this program needs {}", most, least)};
  }
  return all;
}

result<std::vector<std::string>> simulation::choices(std::string_view key, const std::vector<std::string>& all) const {
  if (text(key).empty()) return all;
  std::vector<std::string> chosen = words_in(text(key));
  for (const std::string& one : chosen) {
    if (std::find(all.begin(), all.end(), one) != all.end()) continue;
    const auto meant = nearest_name(one, all);
    return error{errc::unknown_name,
                 fmt::format("load.{}: '{}'. {}There are: {}", key, one.substr(0, 40),
                             meant ? fmt::format("Did you mean '{}'? ", *meant) : "", fmt::join(all, " "))};
  }
  return chosen;
}

traffic traffic_of(machine& m, const std::vector<const shared_line*>& shared) {
  traffic t;
  for (const core_id c : m.adopted()) {
    const auto seat = m.adopt(c);
    if (!seat) continue;
    const core_metrics& counted = (*seat)->metrics();
    const auto sent = static_cast<double>(counted.lines_sent.read());
    t.messages += sent + static_cast<double>(counted.lines_local.read());
    t.crossings += sent;
    t.lines += sent + static_cast<double>(counted.credit_returns.read());
  }
  for (const shared_line* line : shared) t.lines += static_cast<double>(line->moves());
  return t;
}

traffic each(const traffic& after, const traffic& before, std::uint64_t count) {
  const auto n = static_cast<double>(count);
  return {.messages = (after.messages - before.messages) / n,
          .crossings = (after.crossings - before.crossings) / n,
          .lines = (after.lines - before.lines) / n};
}

}  // namespace cooper::bench::simulated
