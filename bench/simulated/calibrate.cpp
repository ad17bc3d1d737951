// SPDX-License-Identifier: BSD-3-Clause
#include "simulated/calibrate.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/assert.hpp>

#include "call_rtt/call_rtt.hpp"
#include "line_rtt/line_rtt.hpp"
#include "line_stream/line_stream.hpp"
#include "lrpc/lrpc.hpp"
#include "parcel_rtt/parcel_rtt.hpp"
#include "shared_vs_message/contest.hpp"
#include "simulated/bursts.hpp"
#include "support/actor_rig.hpp"
#include "support/interrupt.hpp"
#include "support/measure.hpp"
#include "support/noise.hpp"

namespace cooper::bench {
namespace {

constexpr double window_ns = 2e6;
// Shorter than those of other benchmarks: a round of all items should see one level of the floor.
constexpr std::uint64_t floor_round_trips = 5'000;
constexpr std::size_t rounds_least = 5;
constexpr std::size_t windows_least = 3;

// One thing that is measured: windows of so many operations, each between two of the floor.
struct item {
  timed_operations operations;
  row windows;
  std::uint64_t count = 16;

  void find_count() {
    double ns = operations(count);
    while (ns < window_ns / 4 && count < (1u << 20) && !interrupted()) ns = operations(count *= 2);
    count = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(count) * window_ns / ns));
  }
  double median(level at) const { return windows.levels[static_cast<std::size_t>(at)].median; }
};

// Who takes part, by name of their rows.
enum which : std::size_t {
  rtt,
  stream,
  line_message,
  callback,
  coroutine,
  parcel,
  atomic_1,
  atomic_8,
  message_1,
  message_8,
  pipelined_8,  // predicted
  local_line,
  local_message,
  local_callback,
  local_coroutine,
  local_parcel,  // on one core
  item_count
};
constexpr std::array<std::string_view, item_count> names{"line_rtt/cooper_driver",
                                                         "line_stream/cooper_driver",
                                                         "call_rtt/line_message",
                                                         "call_rtt/callback",
                                                         "call_rtt/coroutine",
                                                         "parcel_rtt/cooper",
                                                         "shared_vs_message/shared_atomic/k=1",
                                                         "shared_vs_message/shared_atomic/k=8",
                                                         "shared_vs_message/message/k=1",
                                                         "shared_vs_message/message/k=8",
                                                         "shared_vs_message/message_pipelined/k=8",
                                                         "lrpc/cooper",
                                                         "call_rtt/line_message/same_core",
                                                         "call_rtt/callback/same_core",
                                                         "call_rtt/coroutine/same_core",
                                                         "parcel_rtt/cooper/same_core"};
constexpr std::size_t predicted_count = local_line;

actor_conversation actors_of(std::size_t i) {
  switch (i) {
    case line_message:
    case local_message:
      return call_rtt::line_messages(i == local_message);
    case callback:
    case local_callback:
      return call_rtt::callbacks(i == local_callback);
    case coroutine:
    case local_coroutine:
      return call_rtt::coroutines(i == local_coroutine);
    default:
      return parcel_rtt::core_actors(i == local_parcel);
  }
}
constexpr bool is_contest(std::size_t i) { return i >= atomic_1 && i <= pipelined_8; }
shared_vs_message::setting contest_of(std::size_t i) {
  const std::size_t lines = i == atomic_1 || i == message_1 ? 1 : 8;
  if (i == atomic_1 || i == atomic_8) return {.contender = "shared_atomic", .lines = lines};
  if (i == pipelined_8) return {.contender = "message_pipelined", .lines = lines, .window = 16};
  return {.contender = "message", .lines = lines};
}
conversation_maker lines_of(std::size_t i, cost handling = {}) {
  if (i == rtt) return [handling](machine& on) { return line_rtt::on_drivers(on, handling); };
  if (i == stream) return line_stream::on_drivers;
  if (is_contest(i)) return [what = contest_of(i)](machine& on) { return shared_vs_message::on_drivers(on, what); };
  return lrpc::on_a_driver;
}
constexpr bool is_lines(std::size_t i) { return i == rtt || i == stream || i == local_line || is_contest(i); }

// All of them at once, on one machine.
class measuring {
 public:
  static result<std::unique_ptr<measuring>> begin(run& r) {
    auto rig = actor_rig::boot(r, 2, "spawner");
    if (!rig) return rig.error();
    auto made = std::unique_ptr<measuring>{new measuring{r, std::move(*rig)}};
    const result<void> ready = made->prepare();
    if (!ready) return ready.error();
    return made;
  }
  ~measuring() { end(); }
  measuring(const measuring&) = delete;
  measuring& operator=(const measuring&) = delete;

  // The threads end; what was measured stays.
  void end() {
    if (!rig_) return;
    for (item& i : items_) i.operations = {};
    for (const actor_pair& two : pairs_) {
      caf::anon_send_exit(two.one, caf::exit_reason::user_shutdown);
      caf::anon_send_exit(two.other, caf::exit_reason::user_shutdown);
    }
    pairs_.clear();
    rig_->system().await_all_actors_done();
    // The machine stops before the objects that its handlers use go.
    rig_.reset();
  }

  void go_on_for(double seconds) {
    for (item& i : items_) i.find_count();
    const instant end = native::now() + duration{static_cast<std::int64_t>(seconds * 1e9)};
    double before = floor_window();
    for (std::size_t round = 0; (round < rounds_least || native::now() < end) && !interrupted(); ++round) {
      for (item& i : items_) {
        window w{.floor_before = before};
        w.contender = i.operations(i.count) / static_cast<double>(i.count);
        w.floor_after = before = floor_window();
        i.windows.windows.push_back(w);
      }
      const burst_times b = bursts_->measure();
      const double turn = bursts_->idle_turn();
      const double dispatch = bursts_->dispatch(0);
      speeds_.push_back(std::max(dispatch, bursts_->dispatch(1)));
      const double after = floor_window();
      if (same_level(before, after)) burst_windows_.push_back({(before + after) / 2, b, turn, dispatch, round});
      before = after;
    }
  }

  struct burst_window {
    double floor;
    burst_times times;
    double turn;
    double dispatch;
    std::size_t round;
  };

  // Keeps the rounds in which both cores ran as fast as they do: what shares a core with us, which nobody here sees,
  // slows what we compute to little more than half and hardly what we wait for. Returns how many it kept.
  std::size_t keep_the_fast() {
    std::vector<double> sorted = speeds_;
    const auto fast = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 10);
    std::nth_element(sorted.begin(), fast, sorted.end());
    const auto slow = [&, bound = *fast * 1.15](std::size_t round) { return speeds_[round] > bound; };
    for (item& i : items_) {
      std::vector<window> kept;
      for (std::size_t w = 0; w < i.windows.windows.size(); ++w) {
        if (!slow(w)) kept.push_back(i.windows.windows[w]);
      }
      i.windows.windows = std::move(kept);
    }
    std::erase_if(burst_windows_, [&](const auto& b) { return slow(b.round); });
    return items_.front().windows.windows.size();
  }
  std::size_t rounds() const { return speeds_.size(); }

  std::vector<item>& items() { return items_; }
  const std::vector<burst_window>& bursts() const { return burst_windows_; }
  bool intact() const {
    return std::all_of(talks_.begin(), talks_.end(), [](const auto& t) { return t->intact(); });
  }

 private:
  measuring(run& r, std::unique_ptr<actor_rig> rig) : run_{r}, lines_(item_count), rig_{std::move(rig)} {}

  result<void> prepare() {
    // First of all, while nobody has a channel.
    auto bursts = burst_probe::make(rig_->drivers());
    if (!bursts) return bursts.error();
    bursts_ = std::move(*bursts);
    for (std::size_t i = 0; i < item_count; ++i) {
      item next;
      next.windows.workload = std::string{names[i]};
      next.windows.cores = {run_.cpu(0), run_.cpu(1)};
      if (is_lines(i)) {
        auto talk = lines_of(i)(rig_->drivers().home());
        if (!talk) return talk.error();
        next.operations = [t = talk->get()](std::uint64_t count) {
          t->begin(count);
          return t->line.wait();
        };
        talks_.push_back(std::move(*talk));
      } else {
        actor_conversation what = actors_of(i);
        auto& line = lines_[i] = std::make_unique<finish_line>();
        pairs_.push_back(what.spawn(rig_->system(), *line));
        next.operations = [start = what.start, one = pairs_.back().one, l = line.get()](std::uint64_t count) {
          start(one, count);
          return l->wait();
        };
      }
      items_.push_back(std::move(next));
    }
    return {};
  }

  double floor_window() {
    double ns = 0;
    rig_->drivers().run([&](std::size_t member) {
      if (member == 0) ns = run_.floor().ping(floor_round_trips);
      if (member == 1) run_.floor().pong(floor_round_trips);
    });
    return ns / static_cast<double>(floor_round_trips);
  }

  run& run_;
  std::vector<std::unique_ptr<finish_line>> lines_;
  std::vector<std::unique_ptr<conversation>> talks_;
  std::unique_ptr<burst_probe> bursts_;
  std::unique_ptr<actor_rig> rig_;
  std::vector<actor_pair> pairs_;
  std::vector<item> items_;
  std::vector<burst_window> burst_windows_;
  std::vector<double> speeds_;  // of each round
};

double median_of(std::vector<double> all) {
  if (all.empty()) return 0;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

cost from_ns(double ns) { return cost{std::max<std::int64_t>(0, std::llround(ns * 1000))}; }

// `handling` is what a handler of line_rtt does beside what an empty one does; not ours, so in no profile.
result<double> simulated(std::size_t i, const profile& costs, cost handling = {}) {
  // Both hardware threads of the pair, whatever they share: the profile has one class of links.
  const topology where = *topology::from_synthetic("pu:2");
  simulation_options options;
  options.costs = costs;
  options.poll_budget = std::chrono::hours{1};
  const std::uint64_t count = 4000;
  return is_lines(i) ? simulate(lines_of(i, handling), where, std::move(options), count)
                     : simulate(actors_of(i), where, std::move(options), count);
}

// What is left of a conversation on one core when the profile's other costs are paid, for each operation.
result<double> left_over(std::size_t i, double measured, const profile& costs) {
  const auto without = simulated(i, costs);
  if (!without) return without;
  return std::max(0.0, measured - *without);
}

}  // namespace

result<void> predict(const profile& costs, cost handling, std::vector<prediction>& predictions) {
  for (prediction& p : predictions) {
    const auto at = std::find(names.begin(), names.begin() + predicted_count, p.name);
    COOPER_ASSERT(at != names.begin() + predicted_count, "a prediction's name");
    const auto ns = simulated(static_cast<std::size_t>(at - names.begin()), costs, handling);
    if (!ns) return ns.error();
    p.predicted = p.unit == "ns" ? *ns : 1e9 / *ns;
  }
  return {};
}

result<calibration> calibrate(run& r) {
  calibration out;
  const noise_meter meter;
  auto measured = measuring::begin(r);
  if (!measured) return measured.error();
  measuring& m = **measured;
  m.go_on_for(r.options().seconds);
  if (interrupted()) return error{errc::stopped, "interrupted"};
  if (!m.intact()) return error{errc::stopped, damaged};
  // The drivers poll for as long as they are there, and simulating needs a core.
  m.end();

  const std::size_t rounds = m.rounds(), kept = m.keep_the_fast();
  if (kept * 2 < rounds) {
    out.warnings.push_back(
        fmt::format("in {} of {} rounds the cores were slower than in the others, which alone count: "
                    "something outside shares them",
                    rounds - kept, rounds));
  }
  std::vector<double> floors;
  for (const item& i : m.items()) {
    for (const window& w : i.windows.windows) floors.push_back(w.floor_before);
  }
  const level_scale scale{floors};
  for (item& i : m.items()) summarise(i.windows, scale);

  // The level of which there are most windows of whatever has the fewest: everything is taken from that one.
  std::array<std::size_t, level_count> windows_at{};
  for (const level l : all_levels) {
    const auto l_index = static_cast<std::size_t>(l);
    auto fewest = static_cast<std::size_t>(
        std::count_if(m.bursts().begin(), m.bursts().end(), [&](const auto& b) { return scale.of(b.floor) == l; }));
    for (const item& i : m.items()) fewest = std::min(fewest, i.windows.levels[l_index].windows);
    windows_at[l_index] = fewest;
  }
  const auto best = std::max_element(windows_at.begin(), windows_at.end());
  const auto chosen = static_cast<level>(best - windows_at.begin());
  if (*best < windows_least) {
    return error{errc::stopped,
                 fmt::format("at no level of the floor are there {} windows of everything, at best {}: the "
                             "host moves the cores, or other processes use them; measure for longer",
                             windows_least, *best)};
  }
  const auto take = [&](auto member) {
    std::vector<double> all;
    for (const auto& b : m.bursts()) {
      if (scale.of(b.floor) == chosen) all.push_back(member(b));
    }
    return median_of(std::move(all));
  };
  const auto of = [&](which i) { return m.items()[i].median(chosen); };
  out.floor_ns = take([](const auto& b) { return b.floor; });

  profile& p = out.costs;
  p.name = "calibrated";
  p.origin = profile_origin::measured;
  p.words = fmt::format("two cores of {}, calibrated at a floor of {:.0f} ns",
                        r.options().where->model().empty() ? "this machine" : r.options().where->model(), out.floor_ns);
  p.topology = "pu:2";

  const double turn = std::max(1.0, take([](const auto& b) { return b.turn; }));
  const double drain = take([](const auto& b) { return b.times.drain; });
  const double dispatch = std::min(take([](const auto& b) { return b.dispatch; }), drain);
  const double receive = drain - dispatch;
  // Half a round trip is two crossings: the writer takes the line from who looks at it, who then fetches it.
  const double half = out.floor_ns / 2;
  const double fetch = std::max(half / 2, receive);
  for (link_costs& l : p.links) {
    // The fetching of credit is in it.
    l.send = from_ns(take([](const auto& b) { return b.times.send; }));
    l.gap = from_ns(take([](const auto& b) { return b.times.beside; }));
    l.transit = from_ns(half - fetch);
    l.receive = from_ns(receive);
    l.first = from_ns(fetch - receive);
    l.fetch = l.move = from_ns(fetch);
  }
  p.link(link_class::self) = {};
  p.dispatch = from_ns(dispatch);
  p.turn = from_ns(turn);
  p.wake = std::chrono::microseconds{50};
  p.marks = {{"driver.look", "part of turn"},          {"driver.signal", "not measured"},
             {"driver.wake", "assumed: not measured"}, {"driver.park", "not measured"},
             {"work.spawn", "not measured"},           {"work.timer", "not measured"}};

  const auto payload = left_over(local_line, of(local_line), p);
  if (!payload) return payload.error();
  out.handling = from_ns(*payload / 2);
  // Our layers' work: what conversations on one core cost beyond their lines.
  const auto message = left_over(local_message, of(local_message), p);
  if (!message) return message.error();
  p.works[static_cast<std::size_t>(work::line)] = from_ns(*message / 2);
  const auto call = left_over(local_callback, of(local_callback), p);
  if (!call) return call.error();
  p.works[static_cast<std::size_t>(work::call)] = p.works[static_cast<std::size_t>(work::answer)] = from_ns(*call / 2);
  const auto task = left_over(local_coroutine, of(local_coroutine), p);
  if (!task) return task.error();
  p.works[static_cast<std::size_t>(work::coroutine)] = from_ns(*task);
  const auto parcels = left_over(local_parcel, of(local_parcel), p);
  if (!parcels) return parcels.error();
  p.works[static_cast<std::size_t>(work::parcel_sent)] = p.works[static_cast<std::size_t>(work::parcel_received)] =
      from_ns(*parcels / 4);

  for (std::size_t i = 0; i < predicted_count; ++i) {
    const item& it = m.items()[i];
    const bool rate = i == stream;
    const auto& at = it.windows.levels[static_cast<std::size_t>(chosen)];
    prediction next;
    next.name = std::string{names[i]};
    next.unit = rate ? "messages/s" : "ns";
    next.measured = rate ? 1e9 / at.median : at.median;
    next.spread = at.ratio_mad;
    next.windows = at.windows;
    out.predictions.push_back(std::move(next));
  }
  const result<void> predicted = predict(p, out.handling, out.predictions);
  if (!predicted) return predicted.error();
  const noise heard = meter.since();
  if (heard.foreign > 0.01) {
    out.warnings.push_back(fmt::format("other processes used {:.0f} % of the machine", heard.foreign * 100));
  }
  return out;
}

}  // namespace cooper::bench
