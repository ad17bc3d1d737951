// SPDX-License-Identifier: BSD-3-Clause
#include "support/sampling.hpp"

#include <algorithm>

#include <cooper/runtime/native_environment.hpp>

#include "support/interrupt.hpp"
#include "support/noise.hpp"

namespace cooper::bench {
namespace {

constexpr std::uint64_t smoke_count = 8;
constexpr int smoke_windows = 2;
constexpr int windows_least = 3;
// Windows shorter or longer than these are resized: short ones drown in the clock, long ones see the host move.
constexpr double window_shortest_ns = 2e6, window_longest_ns = 25e6;

// How many operations make a window; found by doubling, which also warms everything up.
class window_size {
 public:
  window_size(const timed_operations& operations, const sampling_plan& plan) : plan_{plan} {
    if (plan.smoke) {
      count_ = smoke_count;
      return;
    }
    double ns = operations(count_);
    while (ns < plan.window_ns / 4 && count_ < plan.count_max && !interrupted()) {
      count_ *= 2;
      ns = operations(count_);
    }
    fit(ns);
  }

  std::uint64_t count() const { return count_; }
  void adapt(double ns) {
    if (!plan_.smoke && (ns < window_shortest_ns || ns > window_longest_ns)) fit(ns);
  }

 private:
  void fit(double ns) {
    const double wanted = static_cast<double>(count_) * plan_.window_ns / std::max(ns, 1.0);
    const double bounded = std::clamp(wanted, 1.0, static_cast<double>(plan_.count_max));
    count_ = static_cast<std::uint64_t>(bounded);
  }

  const sampling_plan& plan_;
  std::uint64_t count_ = 16;
};

double floor_window(session& on, floor_lines& floor, const sampling_plan& plan) {
  if (!plan.with_floor) return 0;
  const std::uint64_t count = plan.smoke ? smoke_count : floor_lines::window_round_trips;
  double ns = 0;
  on.run([&](std::size_t member) {
    if (member == 0) ns = floor.ping(count);
    if (member == 1) floor.pong(count);
  });
  return ns / static_cast<double>(count);
}

}  // namespace

void sample_windows(session& on, floor_lines& floor, const timed_operations& contender, const timed_operations& peer,
                    const sampling_plan& plan, row& into) {
  const noise_meter meter;
  window_size size{contender, plan};
  window_size peer_size{peer ? peer : contender, plan};
  const auto budget = duration{static_cast<std::int64_t>(plan.seconds * 1e9)};
  const instant end = native::now() + budget;
  double cpu_s = 0;
  std::uint64_t operations = 0;
  int kept = 0;
  double before = floor_window(on, floor, plan);
  // While the host moves the cores, as long again is granted for the few windows that make a figure.
  const auto goes_on = [&](int done) {
    if (interrupted()) return false;
    if (plan.smoke) return done < smoke_windows;
    const instant now = native::now();
    return done < windows_least || now < end || (kept < windows_least && now < end + budget);
  };
  for (int done = 0; goes_on(done); ++done) {
    window w{.floor_before = before};
    if (peer) {
      const double ns = peer(peer_size.count());
      w.peer = ns / static_cast<double>(peer_size.count());
      peer_size.adapt(ns);
    }
    const double cpu_before_s = process_cpu_s();
    const double ns = contender(size.count());
    cpu_s += process_cpu_s() - cpu_before_s;
    operations += size.count();
    w.contender = ns / static_cast<double>(size.count());
    size.adapt(ns);
    w.floor_after = before = floor_window(on, floor, plan);
    into.windows.push_back(w);
    if (same_level(w.floor_before, w.floor_after)) ++kept;
  }
  into.keep_all = plan.smoke;
  into.iterations += operations;
  if (operations > 0) into.cpu_time_ns = cpu_s * 1e9 / static_cast<double>(operations);
  const noise heard = meter.since();
  into.foreign = std::max(into.foreign, heard.foreign);
  into.steal = std::max(into.steal, heard.steal);
}

}  // namespace cooper::bench
