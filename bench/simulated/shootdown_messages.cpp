// SPDX-License-Identifier: BSD-3-Clause
// The Multikernel's Figure 6: one core tells all others something and hears that all have it, in four ways.
//
//   broadcast       over one line that all cores read; answers by message
//   unicast         a message to each, one by one
//   multicast       to the own package's cores and to a leader of each other package, who tells the cores of its own
//   numa_multicast  the same, but leaders first and longest tail first, and each channel's memory at its receiver's
//
// In all but the last the memory of all channels is at the root's node, as it is in the paper until there.
#include <cstring>
#include <deque>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include <cooper/protocols/multicast.hpp>

#include "simulated/simulation.hpp"

namespace cooper::bench::simulated {
namespace {

using protocol = protocols::hosted_multicast;

// What the protocol's patience is counted in: far longer than any round without faults.
constexpr duration tick_length = std::chrono::microseconds{10};

// A core's part: the protocol's node, on a bare core.
class node final : public protocols::effects<protocol::message, protocol::report> {
 public:
  node(std::size_t self, std::deque<node>& all, shared_line& board, cost deliver)
      : part_{core_number(self)}, all_{all}, board_{board}, deliver_{deliver} {}

  // On its core.
  void open(core& here, const protocol::route& r, bool reads_board) {
    here_ = &here;
    const auto opened = here.open(&node::on_line, this);
    COOPER_ASSERT(opened && part_.install(0, r), "a route of this program's fits");
    self_ = *opened;
    if (reads_board) here.defer([this] { look(); });
  }
  void begin() {
    completed_ = false;
    begun_at_ = here_->now();
    part_.begin(0, {}, protocols::combining::sum, *this);
  }
  void end() { ended_ = true; }

  bool completed() const { return completed_; }
  duration took() const { return completed_at_ - begun_at_; }
  std::uint64_t missing() const { return missing_; }

  void send(core_id to, const protocol::message& m) override {
    static_cast<void>(here_->post(all_[to.value].self_, 0, m));
  }
  void publish(const protocol::message& m) override {
    std::uint64_t words[shared_line::words - 1];
    std::memcpy(words, &m, sizeof(m));
    for (std::size_t i = 0; i < std::size(words); ++i) board_.store(*here_, words[i], i);
    board_.store(*here_, ++published_, sequence);
  }
  void set_timer(std::uint8_t timer, protocols::tick after) override {
    cancel_timer(timer);
    timers_[timer] = here_->after(static_cast<std::int64_t>(after) * tick_length, [this, timer] {
      timers_.erase(timer);
      part_.expired(timer, *this);
    });
  }
  void cancel_timer(std::uint8_t timer) override {
    const auto at = timers_.find(timer);
    if (at == timers_.end()) return;
    here_->cancel(at->second);
    timers_.erase(at);
  }
  void report(const protocol::report& r) override {
    if (r.what == protocol::event::delivered) return here_->spend(deliver_);
    completed_ = true;
    completed_at_ = here_->now();
    missing_ += r.missing;
  }

 private:
  static constexpr std::size_t sequence = shared_line::words - 1;
  static_assert(sizeof(protocol::message) == sequence * sizeof(std::uint64_t));

  static void on_line(void* self, core&, const line_view& line) {
    auto& me = *static_cast<node*>(self);
    me.part_.receive(line.from, line.as<protocol::message>(), me);
  }
  // Reads the root's line turn by turn, as a core does that polls it.
  void look() {
    const std::uint64_t there = board_.load(*here_, sequence);
    if (there != published_) {
      published_ = there;
      std::uint64_t words[shared_line::words - 1];
      for (std::size_t i = 0; i < std::size(words); ++i) words[i] = board_.load(*here_, i);
      protocol::message m;
      std::memcpy(&m, words, sizeof(m));
      part_.receive(core_id{0}, m, *this);
    }
    if (!ended_) here_->defer([this] { look(); });
  }

  protocol part_;
  std::deque<node>& all_;
  shared_line& board_;
  cost deliver_;
  core* here_ = nullptr;
  address self_;
  std::map<std::uint8_t, timer_id> timers_;
  std::uint64_t published_ = 0, missing_ = 0;
  instant begun_at_, completed_at_;
  bool completed_ = false, ended_ = false;
};

// Who tells whom; the root is core 0.
struct tree {
  std::vector<std::vector<std::size_t>> children;
  std::vector<std::size_t> parent;
  std::uint16_t levels = 1;

  explicit tree(std::size_t cores) : children(cores), parent(cores, 0) {}
  void put(std::size_t below, std::size_t child) {
    children[below].push_back(child);
    parent[child] = below;
  }
  protocol::route route_of(std::size_t core) const {
    std::vector<protocols::tree_child> below;
    for (const std::size_t c : children[core]) {
      below.push_back(
          {.core = static_cast<std::uint16_t>(c), .cores = static_cast<std::uint16_t>(1 + children[c].size())});
    }
    if (core == 0) return protocol::route::root(below, levels);
    return protocol::route::below(core_number(parent[core]), below, below.empty() ? 0 : 1);
  }
};

tree star(std::size_t cores) {
  tree t{cores};
  for (std::size_t i = 1; i < cores; ++i) t.put(0, i);
  return t;
}

tree two_levels(const simulation& on, std::size_t cores, bool leaders_first) {
  const auto package_of = [&](std::size_t i) { return on.where().thread(on.cores()[i]).package; };
  std::vector<std::vector<std::size_t>> packages;
  for (std::size_t i = 0; i < cores; ++i) {
    const auto same = [&](const std::vector<std::size_t>& p) { return package_of(p.front()) == package_of(i); };
    const auto at = std::find_if(packages.begin(), packages.end(), same);
    if (at == packages.end()) {
      packages.push_back({i});
    } else {
      at->push_back(i);
    }
  }
  const std::vector<std::size_t> own = packages.front();
  packages.erase(packages.begin());
  if (leaders_first) {
    std::stable_sort(packages.begin(), packages.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }
  tree t{cores};
  t.levels = packages.empty() ? 1 : 2;
  const auto tell_own = [&] {
    for (std::size_t i = 1; i < own.size(); ++i) t.put(0, own[i]);
  };
  if (!leaders_first) tell_own();
  for (const auto& p : packages) t.put(0, p.front());
  if (leaders_first) tell_own();
  for (const auto& p : packages) {
    for (std::size_t i = 1; i < p.size(); ++i) t.put(p.front(), p[i]);
  }
  return t;
}

result<measurement> measure(simulation& on, const std::string& contender, std::size_t cores) {
  const bool broadcast = contender == "broadcast", numa = contender == "numa_multicast";
  const tree t = broadcast || contender == "unicast" ? star(cores) : two_levels(on, cores, numa);
  const auto rounds = static_cast<std::size_t>(on.number("rounds"));
  const auto warm_up = static_cast<std::size_t>(on.number("warm_up"));

  shared_line board;
  std::deque<node> nodes;
  for (std::size_t i = 0; i < cores; ++i) nodes.emplace_back(i, nodes, board, on.handler("deliver"));
  auto made = on.make(cores, [&](simulation_options& o) {
    if (!numa) o.channel_memory = core_id{0};
    // All poll, and look at every ring, as the paper's cores do.
    o.poll_budget = std::chrono::seconds{1};
    o.hint_threshold = static_cast<std::size_t>(on.number("hint_threshold"));
  });
  if (!made) return made.error();
  machine& m = **made;
  for (std::size_t i = 0; i < cores; ++i) {
    const auto route = broadcast ? t.route_of(i).published() : t.route_of(i);
    const auto opened =
        on.call(m, core_number(i), [&](core& here) { nodes[i].open(here, route, broadcast && i != 0); });
    if (!opened) return opened.error();
  }

  duration total{};
  traffic before;
  node& root = nodes.front();
  for (std::size_t round = 0; round < warm_up + rounds; ++round) {
    if (round == warm_up) before = traffic_of(m, {&board});
    auto good = on.call(m, core_id{0}, [&](core&) { root.begin(); });
    if (good)
      good = on.run(
          m, [&] { return root.completed(); }, "the end of a round");
    if (!good) return good.error();
    if (round >= warm_up) total += root.took();
    // Not a multiple of anything, so that rounds begin at all places of the others' polling.
    good = on.rest(m, duration{on.number("gap_ns") + 137 * static_cast<std::int64_t>(round)});
    if (!good) return good.error();
  }
  measurement row{.name = contender,
                  .at = {{"cores", static_cast<std::int64_t>(cores)}},
                  .value = static_cast<double>(total.count()) / static_cast<double>(rounds),
                  .unit = "ns",
                  .per = "round",
                  .moved = each(traffic_of(m, {&board}), before, rounds)};
  if (root.missing() != 0) row.note = fmt::format("{} answers were missing in all rounds", root.missing());
  for (node& n : nodes) n.end();
  return row;
}

result<void> run(simulation& on) {
  const auto contenders = on.choices("contenders", {"broadcast", "unicast", "multicast", "numa_multicast"});
  if (!contenders) return contenders.error();
  const auto counts = on.counts("core_counts", 2);
  if (!counts) return counts.error();
  for (const std::string& contender : *contenders) {
    for (const std::size_t cores : *counts) {
      auto row = measure(on, contender, cores);
      if (!row) return row.error();
      on.add(*std::move(row));
    }
  }
  return {};
}

}  // namespace

program shootdown_messages() {
  return {.about = {.name = "shootdown_messages",
                    .words = "One core tells all and hears from all, in four ways (The Multikernel, Figure 6)",
                    .load = {{.key = "contenders",
                              .words = "of broadcast, unicast, multicast, numa_multicast; all unless told",
                              .otherwise = std::string{}},
                             {.key = "core_counts",
                              .words = "with how many cores; else 2, 4, 8, ... and all",
                              .otherwise = std::string{}},
                             {.key = "rounds",
                              .words = "that are counted",
                              .otherwise = std::int64_t{50},
                              .least = 1,
                              .most = 1'000'000},
                             {.key = "warm_up",
                              .words = "rounds before them",
                              .otherwise = std::int64_t{10},
                              .least = 0,
                              .most = 1'000'000},
                             {.key = "gap_ns",
                              .words = "rest between rounds, each a little longer than the last",
                              .otherwise = std::int64_t{20'000},
                              .least = 0,
                              .most = 1'000'000'000},
                             {.key = "hint_threshold",
                              .words = "peers from which on a core asks for hints",
                              .otherwise = std::int64_t{4096},
                              .least = 1,
                              .most = 4096}},
                    .handlers = {"deliver"}},
          .run = run,
          .plot_over = "cores"};
}

}  // namespace cooper::bench::simulated
