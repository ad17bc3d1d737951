// SPDX-License-Identifier: BSD-3-Clause
// Where actors live that did not say so.
//
// An actor that another actor spawns begins at its spawner's core; those that a foreign thread spawns are dealt out in
// turn. Then, if placement is adaptive, each core looks at its own actors, between their runs:
//
//   together  an actor whose runs are short, and which is woken from one other core again and again, pays more for the
//             crossings than it computes: it moves to that core if that has the lower number (a fixed direction, so
//             that two actors that talk do not change places for ever)
//   apart     a core with actors waiting behind long runs hands some of them to a core on which none waits
//
// "Short" and "long" are in terms of what a crossing costs; between them nothing moves.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::actors {

enum class placement_policy : std::uint8_t { adaptive, spread, pack, spawner };

class placement {
 public:
  void use(placement_policy policy) { policy_ = policy; }
  bool adaptive() const { return policy_ == placement_policy::adaptive; }
  placement_policy policy() const { return policy_; }

  // An actor was woken from another core. True: it had better live there.
  bool woken_from(std::uint64_t actor, core_id from, core_id here) {
    if (!adaptive() || !short_runs_) return false;
    watched& w = watched_[actor % watched_.size()];
    if (w.actor != actor || w.from != from) {
      w = {.actor = actor, .from = from, .times = 1};
      return false;
    }
    if (++w.times < times_to_move || from.value > here.value) return false;
    w = {};
    return true;
  }

  // After `count` runs that took `spent` together.
  void ran(std::size_t count, duration spent) {
    if (count == 0) return;
    const std::int64_t each = spent.count() / static_cast<std::int64_t>(count);
    mean_ns_ += (each - mean_ns_) / 8;
    short_runs_ = mean_ns_ < short_run_ns;
    long_runs_ = mean_ns_ > long_run_ns;
  }
  bool long_runs() const { return long_runs_; }
  // Whether waiting actors had better go to an idle core.
  bool overloaded(std::size_t waiting) const { return adaptive() && long_runs_ && waiting >= 2; }

 private:
  static constexpr std::uint32_t times_to_move = 16;
  static constexpr std::int64_t short_run_ns = 4'000;
  static constexpr std::int64_t long_run_ns = 20'000;
  struct watched {
    std::uint64_t actor = 0;
    core_id from;
    std::uint32_t times = 0;
  };

  placement_policy policy_ = placement_policy::adaptive;
  std::array<watched, 256> watched_{};
  std::int64_t mean_ns_ = 0;
  bool short_runs_ = true;
  bool long_runs_ = false;
};

}  // namespace cooper::actors
