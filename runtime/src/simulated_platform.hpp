// SPDX-License-Identifier: BSD-3-Clause
// The platform of the simulated machine: words that are seen when their time has come, a sleeper without a thread.
//
// A line, a hint and returned credit can be seen by their reader when they have crossed the link. All other words are
// seen at once: they decide who sleeps and what may be reused, not how long anything takes. Barriers cost nothing,
// since one thread orders everything.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include <cooper/runtime/environment.hpp>
#include "simulated_world.hpp"

namespace cooper::detail {

// What was stored last, and what was before: two stores may be under way, as of a word of credit.
struct simulated_word {
  struct store {
    std::uint64_t value = 0;
    cost visible{};
  };
  store last, before;
  std::uint64_t oldest = 0;
  std::uint64_t credit_seen = 0;  // what its reader has had of it, if it is a word of credit
};

struct simulated_environment {
  using word = simulated_word;
  static constexpr unsigned spin_turns = ~0u;

  simulated_world* world = nullptr;
  std::size_t self = 0;

  simulated_seat& seat() const { return world->seat(self); }

  template <class Site>
  std::uint64_t load(Site, const word& w) const {
    const simulated_seat& s = seat();
    if (s.clock >= w.last.visible || s.sees_all != 0) return w.last.value;
    return s.clock >= w.before.visible ? w.before.value : w.oldest;
  }
  // Credit that has come is fetched. Once seen it does not go back, also if it was seen before its time; on a link that
  // takes none back what came before goes on to hold.
  std::uint64_t load(decltype(sync::credit_observe) site, word& w) const {
    if (seat().sees_all != 0) w.last.visible = {};
    simulated_seat& s = seat();
    if (world->filled(self, s.toward, s.clock)) return w.credit_seen;
    const std::uint64_t credit = load<>(site, w);
    if (credit != w.credit_seen) s.spend(s.way->credit);
    return w.credit_seen = credit;
  }

  template <class Site>
  void store(Site, word& w, std::uint64_t value) const {
    w.last = {value, {}};
  }
  void store(decltype(sync::line_publish), word& w, std::uint64_t value) const {
    simulated_seat& s = seat();
    const bool in_burst = s.way->burst == 0 || world->unread(s.toward) < s.way->burst;
    ++world->unread(s.toward);
    s.clock = std::max(s.clock, s.next_leaves);
    s.next_leaves = s.clock + s.way->gap;
    // The line leaves at once; what sending costs is what keeps the sender from what it does next.
    store_in_transit(w, value);
    s.spend(in_burst ? s.way->send : s.way->send_more);
  }
  // Not before the line that it announces: a hint seen early would be taken for one without a line.
  void store(decltype(sync::hint_raise), word& w, std::uint64_t value) const { store_in_transit(w, value); }
  // Nothing has come back only when a ring begins its next life: nobody sends on it yet, who might see what was before.
  void store(decltype(sync::credit_return), word& w, std::uint64_t value) const {
    if (value == 0) {
      w = {};
    } else {
      store_in_transit(w, value);
    }
  }
  template <class Site>
  std::uint64_t exchange(Site, word& w, std::uint64_t value) const {
    return std::exchange(w.last.value, value);
  }

  void toward(core_id to) const {
    simulated_seat& s = seat();
    s.toward = to.value;
    s.way = &world->between(self, to.value);
  }
  void handling(core_id from, bool first) const {
    simulated_seat& s = seat();
    const link_costs& way = world->between(from.value, self);
    if (from.value != self) --world->unread(self);
    s.spend(first ? way.first + way.receive : way.receive);
    s.spend(world->costs().dispatch);
  }
  instant now() const { return to_instant(seat().clock); }
  instant alarm_at(instant t) const {
    const cost at = to_cost(t);
    return at == endless ? never : to_instant(at + seat().late(seat().clock));
  }

  static void light_barrier() {}
  void heavy_barrier() const { seat().sees_all = 2; }
  static void pause() {}
  static void payload_write(const void*) {}
  static void payload_read(const void*) {}
  static constexpr bool mutated(mutation) { return false; }

 private:
  void store_in_transit(word& w, std::uint64_t value) const {
    const simulated_seat& s = seat();
    const cost visible = world->seen_at(s);
    w.oldest = s.clock >= w.before.visible ? w.before.value : w.oldest;
    w.before = w.last;
    w.last = {value, visible};
    world->announce(s.toward, visible);
  }
};

static_assert(environment<simulated_environment>);

// Sleeping is the simulated machine's business; the sleeper only passes on that it is to end.
class simulated_sleeper {
 public:
  void attach(simulated_world& world, std::size_t self) {
    world_ = &world;
    self_ = self;
  }
  void signal() { world_->signal(self_); }
  void nudge() { world_->nudge(self_); }
  bool wait(instant) { return true; }
  bool poll() { return false; }
  result<boost::asio::io_context*> io() {
    return error{errc::not_supported_here, "a simulated core has no I/O context; a real machine has"};
  }
  result<int> wake_fd() { return error{errc::not_supported_here, "a simulated core sleeps in virtual time only"}; }
  duration wake_cost() const { return std::chrono::duration_cast<duration>(world_->costs().wake); }

 private:
  simulated_world* world_ = nullptr;
  std::size_t self_ = 0;
};

template <class T>
class simulated_queue {
 public:
  bool push(T item) {
    if (items_.size() >= 4096) return false;
    items_.push_back(item);
    return true;
  }
  bool pop(T& item) {
    if (items_.empty()) return false;
    item = items_.front();
    items_.pop_front();
    return true;
  }
  bool empty() const { return items_.empty(); }

 private:
  std::deque<T> items_;
};

struct simulated_platform {
  using environment = simulated_environment;
  using sleeper = simulated_sleeper;
  template <class T>
  using queue = simulated_queue<T>;

  static constexpr unsigned idle_check_turns = 1;
  static constexpr unsigned ring_looks = 1;
  static constexpr std::uint64_t clock_turn_mask = 0;
  static constexpr duration wake_cost_guess{std::chrono::microseconds{5}};
  template <class Driver>
  static void park_announced(Driver&, instant, instant) {}
  template <class Driver>
  static void about_to_sleep(Driver&) {}
};

}  // namespace cooper::detail
