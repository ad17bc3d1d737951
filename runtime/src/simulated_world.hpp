// SPDX-License-Identifier: BSD-3-Clause
// What all simulated cores share: their clocks, whose turn comes when, what is under way, and what everything costs.
//
// Time is virtual, in picoseconds since the machine was made. Each core has a seat with its own clock; the core with
// earliest next turn makes it, whole, before any other core does anything. An idle core polls, turn after turn; those
// turns would find nothing until something comes, so they are left out: whatever is on its way to a core is announced,
// and the core's next turn is the first of its polling turns that can see it.
//
//   I1  A turn never begins before the turns that began earlier have been made: enforced by the heap.
//   I2  What can be seen at t is seen by the first turn that begins at t or later: enforced by announce().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <cooper/runtime/core.hpp>
#include <cooper/runtime/machine.hpp>
#include <cooper/vocabulary/random.hpp>

namespace cooper::detail {

inline constexpr cost endless{std::numeric_limits<std::int64_t>::max()};
// Virtual time ends after 106 days: whatever is later never comes, whatever is earlier was long ago.
constexpr cost to_cost(instant t) {
  constexpr std::int64_t last = endless.count() / 1000;
  return t.ns >= last ? endless : cost{std::max(t.ns, -last) * 1000};
}
constexpr instant to_instant(cost t) { return t == endless ? never : instant{t.count() / 1000}; }

// The cores whose next turn is known, earliest first; between equal times a rank decides, drawn anew each time.
class turn_heap {
 public:
  explicit turn_heap(std::size_t cores);
  bool empty() const { return heap_.empty(); }
  std::size_t first() const { return heap_.front(); }
  cost time_of(std::size_t core) const { return place_[core] == absent ? endless : entries_[core].at; }
  // endless: none.
  void set(std::size_t core, cost at, std::uint32_t rank);
  // All whose time is that of the first, by core.
  void equal_first(std::vector<std::size_t>& out) const;

 private:
  static constexpr std::uint32_t absent = ~0u;
  struct entry {
    cost at{};
    std::uint32_t rank = 0;
  };
  bool before(std::uint32_t a, std::uint32_t b) const;
  void up(std::size_t at);
  void down(std::size_t at);
  void put(std::size_t at, std::uint32_t core);

  std::vector<entry> entries_;        // by core
  std::vector<std::uint32_t> heap_;   // of cores
  std::vector<std::uint32_t> place_;  // by core
};

class simulated_world;

// One core's place in the world.
class simulated_seat final : public cost_meter {
 public:
  enum class state : std::uint8_t { busy, idle, parked, gone };

  cost clock{};
  state is = state::busy;
  cost deadline = endless;    // of a parked core
  cost idle_since = endless;  // the begin of the first turn that found nothing
  cost period{};              // what that turn took: an idle core looks again each time that is over
  // Set by the heavy barrier, for the rest of this turn and for the next: whatever was published is seen, although its
  // time has not come, so that a core does not park on a line that is under way, and does not miss one that was
  // published before it asked for hints.
  unsigned sees_all = 0;
  cost next_leaves{};  // not before then
  // The core that the stores which follow are for, and what lies between.
  std::size_t toward = 0;
  const link_costs* way = nullptr;

  void spend(cost c) override { clock += slow_.empty() ? c : slowed(c); }
  void spend(work w) override;
  void read_shared(shared_state& line) override;
  void write_shared(shared_state& line) override;
  bool can_see(const shared_state& line) const override { return clock >= line.written; }

  // Nothing that comes at or before `now` is still awaited.
  void forget_until(cost now);
  cost next_coming() const { return coming_.empty() ? endless : coming_.front(); }
  void expect(cost at);
  // Its first polling turn at or after a time.
  cost look_at(cost at) const;
  // When a turn that is due then can be made, with this core's faults; endless: never.
  cost possible_at(cost at) const;
  cost late(cost now) const;
  // When a link from this core takes credit back again that took none: nobody else would wake it for that.
  cost next_lift() const;

 private:
  friend class simulated_world;
  struct window {
    cost begin, end;
    std::int64_t value = 0;
  };
  cost slowed(cost c) const;

  simulated_world* world_ = nullptr;
  std::size_t self_ = 0;
  std::vector<cost> coming_;  // a heap: when what is under way to this core can be seen
  std::vector<window> pauses_, slow_, late_;
  std::vector<cost> lifts_;
};

class simulated_world {
 public:
  simulated_world(const topology& where, const std::vector<core_id>& cores, const simulation_options& options);

  std::size_t cores() const { return seats_.size(); }
  simulated_seat& seat(std::size_t i) { return seats_[i]; }
  const simulated_seat& seat(std::size_t i) const { return seats_[i]; }
  const profile& costs() const { return costs_; }
  const link_costs& between(std::size_t a, std::size_t b) const {
    return costs_.links[classes_[a * seats_.size() + b]];
  }

  // Something is on its way to a core, which can see it from then on.
  void announce(std::size_t core, cost at);
  // Work was put before a core, by whoever runs; it need not wait for anything else.
  void nudge(std::size_t core);
  // By whoever runs: a parked core is to wake.
  void signal(std::size_t core);

  // Lines in a core's rings, or in others that the same memory node holds, that were published and not taken yet.
  std::uint32_t& unread(std::size_t receiver) { return unread_[homes_[receiver]]; }

  // When what is sent now over a link can be seen.
  cost seen_at(const simulated_seat& from) const;
  bool filled(std::size_t from, std::size_t to, cost now) const;

  void schedule(std::size_t core, cost at);
  turn_heap turns;
  // The core whose turn runs; outside turns, the one whose gateway is served by the caller.
  std::size_t running = 0;

 private:
  struct link_window {
    std::size_t from, to;
    cost begin, end, by;
    bool fills;
  };
  void add(const fault& f);

  profile costs_;
  std::vector<simulated_seat> seats_;
  std::vector<std::uint8_t> classes_;  // link_class, from core to core
  std::vector<std::uint32_t> homes_;   // by core: the memory node that holds the rings to it
  std::vector<std::uint32_t> unread_;  // by memory node
  std::vector<link_window> links_;     // with faults
  class cooper::random random_;
};

}  // namespace cooper::detail
