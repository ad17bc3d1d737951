// SPDX-License-Identifier: BSD-3-Clause
// The platform of the simulated machine: virtual clocks, one thread, constant costs.
//
// A line published at time t on the sender's clock can be observed from t + transit on the receiver's. All other
// words are seen at once: their latency is not charged yet. Barriers cost nothing, since one thread orders everything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include <cooper/runtime/environment.hpp>
#include <cooper/runtime/machine.hpp>

namespace cooper::detail {

// What all simulated cores share: their clocks, and who is to be woken.
struct simulated_world {
  struct seat {
    instant clock{};
    bool parked = false;
    bool signalled = false;
    instant deadline = never;
    instant idle_since = never;
    // Set by the heavy barrier, for the rest of this turn and for the next: whatever was published is seen, although
    // its time has not come, so that a core does not park on a line that is under way, and does not miss one that was
    // published before it asked for hints.
    unsigned sees_all = 0;
  };
  simulation_options costs;
  std::vector<seat> seats;
  // The core whose turn runs; outside turns, the one whose gateway is served by the caller.
  std::size_t running = 0;
};

struct simulated_word {
  std::uint64_t value = 0;
  std::uint64_t before = 0;  // what is seen until `visible`
  instant visible{};
};

struct simulated_environment {
  using word = simulated_word;
  static constexpr unsigned spin_turns = ~0u;

  simulated_world* world = nullptr;
  std::size_t self = 0;

  simulated_world::seat& seat() const { return world->seats[self]; }

  template <class Site>
  std::uint64_t load(Site, const word& w) const {
    return seat().clock >= w.visible || seat().sees_all != 0 ? w.value : w.before;
  }
  template <class Site>
  void store(Site, word& w, std::uint64_t value) const {
    w.value = value;
  }
  void store(decltype(sync::line_publish), word& w, std::uint64_t value) const {
    seat().clock = seat().clock + world->costs.send_cost;
    store_in_transit(w, value);
  }
  // Not before the line that it announces: a hint seen early would be taken for one without a line.
  void store(decltype(sync::hint_raise), word& w, std::uint64_t value) const { store_in_transit(w, value); }
  template <class Site>
  std::uint64_t exchange(Site, word& w, std::uint64_t value) const {
    return std::exchange(w.value, value);
  }
  void handling() const { seat().clock = seat().clock + world->costs.receive_cost; }
  instant now() const { return seat().clock; }

  void store_in_transit(word& w, std::uint64_t value) const {
    w.before = w.value;
    w.value = value;
    w.visible = seat().clock + world->costs.transit;
  }

  static void light_barrier() {}
  void heavy_barrier() const { seat().sees_all = 2; }
  static void pause() {}
  static void payload_write(const void*) {}
  static void payload_read(const void*) {}
  static constexpr bool mutated(mutation) { return false; }
};

static_assert(environment<simulated_environment>);

// Sleeping is the simulated machine's business; the sleeper only notes the signal.
class simulated_sleeper {
 public:
  void attach(simulated_world& world, std::size_t self) {
    world_ = &world;
    self_ = self;
  }
  // The wake-up starts from the signaller's time, which may be later than that of falling asleep.
  void signal() {
    auto& seat = world_->seats[self_];
    seat.signalled = true;
    seat.clock = std::max(seat.clock, world_->seats[world_->running].clock);
  }
  bool wait(instant) { return true; }
  bool poll() { return false; }
  result<boost::asio::io_context*> io() {
    return error{errc::not_supported_here, "a simulated core has no I/O context; a real machine has"};
  }
  result<int> wake_fd() { return error{errc::not_supported_here, "a simulated core sleeps in virtual time only"}; }
  duration wake_cost() const { return world_->costs.wake_cost; }

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
