// SPDX-License-Identifier: BSD-3-Clause
// The simulated machine: the core whose turn is due first makes it, until nothing is left to happen.
//
// Between equal times the seed decides. A core whose poll budget has run out parks; a signal ends that after the
// wake-up that it costs, and its deadline ends it at that time.
#include <functional>

#include "current_core.hpp"
#include "driver_idle.hpp"
#include "driver_links.hpp"
#include "driver_send.hpp"
#include "driver_turn.hpp"
#include "machine_base.hpp"
#include "simulated_platform.hpp"

namespace cooper::detail {

template class basic_driver<simulated_platform>;

namespace {

class simulated_machine final : public basic_machine<simulated_platform> {
 public:
  simulated_machine(const topology& where, const std::vector<core_id>& cores, const simulation_options& options)
      : basic_machine{where, cores.size()}, world_{where, cores, options}, choose_{options.choose} {
    const driver_options per_driver{
        .poll_budget = options.poll_budget.value_or(std::chrono::duration_cast<duration>(options.costs.wake)),
        .overflow_bound = options.overflow_bound,
        .buffer_bytes = options.buffer_bytes,
        .buffers_per_core = options.buffers_per_core,
        .hint_threshold = options.hint_threshold};
    for (std::size_t i = 0; i < cores.size(); ++i) {
      seats_[i] = {.place = cores[i], .pu_index = where_.threads()[cores[i].value].pu_index, .pinned = true};
      drivers_.push_back(std::make_unique<driver_type>(core_number(i), *this, simulated_environment{&world_, i},
                                                       cores.size(), per_driver, registry_));
      drivers_.back()->sleeper().attach(world_, i);
      drivers_.back()->keep_account(world_.seat(i));
    }
    for (auto& driver : drivers_) driver->meet(drivers_);
  }

  bool simulated() const override { return true; }

  result<void> post(core_id where, std::function<void(core&)> work) override {
    const auto driver = driver_at(where);
    if (!driver) return driver.error();
    if (stopped_) return error{errc::stopped};
    if ((*driver)->view().down.read()) return error{errc::core_down, name(where)};
    gateway_work<simulated_platform> wrapped = [work = std::move(work)](driver_type& d) { work(d); };
    simulated_environment caller{&world_, world_.running};
    const core* self = core::current();
    const bool may_wait = self == nullptr || &self->home() != this;
    while (!(*driver)->post_to_gateway(caller, wrapped)) {
      if (!may_wait || !step(never)) return error{errc::queue_full, name(where)};
    }
    return {};
  }

  result<void> call(core_id where, std::function<void(core&)> work) override {
    bool done = false;
    const result<void> posted = post(where, [&](core& here) {
      work(here);
      done = true;
    });
    if (!posted) return posted;
    while (!done) {
      if (!step(never)) return error{errc::stopped, "nothing is left to happen, and the call did not run"};
    }
    return {};
  }

  void run() override {
    while (!stop_requested_ && step(never)) {}
    stop_requested_ = false;
  }
  void request_stop() override { stop_requested_ = true; }

  // One turn of one core.
  bool step(instant until) override {
    if (world_.turns.empty()) return false;
    const std::size_t first = choose_ ? chosen() : world_.turns.first();
    const cost at = world_.turns.time_of(first);
    const cost last = to_cost(until);
    if (last != endless && at >= last + std::chrono::nanoseconds{1}) return false;
    turn_of(first, at);
    return true;
  }
  void run_until(instant until) override {
    while (!stop_requested_ && step(until)) {}
    stop_requested_ = false;
    const cost last = to_cost(until);
    if (last == endless) return;
    latest_ = std::max(latest_, last);
    for (std::size_t i = 0; i < world_.cores(); ++i) {
      simulated_seat& seat = world_.seat(i);
      if (seat.clock >= last) continue;
      seat.clock = last;
      if (world_.turns.time_of(i) < seat.clock) world_.schedule(i, seat.clock);
    }
  }
  instant now() const override { return to_instant(std::max(latest_, world_.seat(world_.running).clock)); }
  std::vector<core_id> adopted() override {
    std::vector<core_id> all;
    for (const auto& driver : drivers_) all.push_back(driver->id());
    return all;
  }

  result<void> down(core_id which, duration deadline) override {
    const auto driver = driver_at(which);
    if (!driver) return driver.error();
    if (stopped_) return error{errc::stopped};
    if ((*driver)->view().down.read()) return error{errc::core_down, name(which)};
    const std::vector<core_id> others = others_running(which);
    if (others.empty()) return error{errc::last_core, name(which)};
    bool gone = false;
    const result<void> posted =
        post(which, [&](core& here) { static_cast<driver_type&>(here).go_down(others, [&] { gone = true; }); });
    if (!posted) return posted;
    const cost limit = world_.seat(which.value).clock + deadline;
    while (!gone) {
      if (!step(never) || world_.seat(which.value).clock > limit) {
        return error{errc::stop_timeout, name(which) + " is still closing its channels"};
      }
    }
    world_.seat(which.value).is = simulated_seat::state::gone;
    world_.schedule(which.value, endless);
    return {};
  }

  result<void> up(core_id which) override {
    const auto driver = driver_at(which);
    if (!driver) return driver.error();
    if (stopped_) return error{errc::stopped};
    if (!(*driver)->view().down.read()) return error{errc::core_up, name(which)};
    std::vector<core_id> closed = all_down();
    std::erase(closed, which);
    simulated_seat& seat = world_.seat(which.value);
    seat.is = simulated_seat::state::busy;
    seat.clock = std::max(seat.clock, latest_);
    (*driver)->come_up(std::move(closed));
    world_.schedule(which.value, seat.clock);
    for (const core_id peer : others_running(which)) {
      const result<void> told = post(peer, [which](core& here) { static_cast<driver_type&>(here).peer_is_up(which); });
      if (!told) return told;
    }
    return {};
  }

  result<void> stop(duration) override {
    // Whatever is under way ends first; a conversation that feeds itself is cut after this many turns.
    for (std::size_t turns = 0; turns < 100'000 && step(never); ++turns) {}
    stopped_ = true;
    return {};
  }

  result<core*> adopt(core_id which) override {
    const auto driver = driver_at(which);
    if (!driver) return driver.error();
    return static_cast<core*>(*driver);
  }

 protected:
  simulated_environment observer_env() const override {
    return {const_cast<simulated_world*>(&world_), world_.running};
  }

 private:
  static std::string name(core_id which) { return "core " + std::to_string(which.value); }

  std::size_t chosen() {
    world_.turns.equal_first(due_);
    if (due_.size() == 1) return due_.front();
    const std::size_t first = choose_(due_.size());
    COOPER_ASSERT(first < due_.size(), "simulation_options::choose chooses one of those that are due");
    return due_[first];
  }

  void turn_of(std::size_t i, cost at) {
    simulated_seat& seat = world_.seat(i);
    driver_type& driver = *drivers_[i];
    const current_core_scope scope{driver};
    const std::size_t before = std::exchange(world_.running, i);
    seat.clock = std::max(seat.clock, at);
    if (seat.is == simulated_seat::state::parked) {
      seat.idle_since = endless;
      driver.unpark();
    }
    seat.is = simulated_seat::state::busy;
    const cost begun = seat.clock;
    seat.forget_until(begun);
    const bool worked = driver.poll_once();
    const cost looks = static_cast<std::int64_t>(driver.looks()) * world_.costs().look;
    if (worked) {
      seat.spend(world_.costs().turn + looks);
      seat.idle_since = endless;
    } else {
      // Who finds nothing looks at the rings several times before at anything else: it sees a line the sooner.
      seat.spend((world_.costs().turn + ring_looks * looks) / ring_looks);
      seat.period = seat.clock - begun;
      if (seat.idle_since == endless) seat.idle_since = begun;
      seat.is = simulated_seat::state::idle;
      if (seat.clock - seat.idle_since >= cost{driver.poll_budget()}) park(i);
    }
    if (seat.sees_all != 0) --seat.sees_all;
    world_.running = before;
    latest_ = std::max(latest_, seat.clock);
    world_.schedule(i, driver.view().down.read() ? endless : next_turn(i));
  }

  void park(std::size_t i) {
    simulated_seat& seat = world_.seat(i);
    const cost deadline = to_cost(drivers_[i]->prepare_to_park());
    seat.sees_all = 0;
    seat.idle_since = endless;
    if (deadline <= seat.clock) {
      // Work was found, is under way, or is due: stay awake.
      drivers_[i]->unpark();
      return;
    }
    seat.spend(world_.costs().park);
    seat.is = simulated_seat::state::parked;
    seat.deadline = std::min(deadline, seat.next_lift());
  }

  // When a core makes its next turn that can find anything; endless if it sleeps for good.
  cost next_turn(std::size_t i) {
    simulated_seat& seat = world_.seat(i);
    driver_type& driver = *drivers_[i];
    if (seat.is == simulated_seat::state::busy) return seat.clock;
    if (seat.is == simulated_seat::state::parked) {
      return seat.deadline == endless ? endless : std::max(seat.clock, seat.deadline);
    }
    // Each line of other reasons to look again; the last is that it has polled for long enough.
    const cost due = to_cost(driver.next_deadline());
    cost next = std::min(seat.next_coming(), due);
    if (driver.restless()) next = std::min(next, seat.clock + restless_look);
    if (seat.idle_since != endless) {
      next = std::min({next, seat.idle_since + cost{driver.poll_budget()} - seat.period, seat.clock + polling_max});
    } else if (next == endless) {
      // It stays awake for something that nobody has announced.
      next = seat.clock + restless_look;
    }
    return seat.look_at(next);
  }

  static constexpr int ring_looks = 4;  // as on real cores: native_platform.hpp
  // Others' turns and gateways are looked at so often by who waits for them; and a core that polls for ever makes a
  // turn so often, for others wait for its turns.
  static constexpr cost restless_look{std::chrono::microseconds{1}};
  static constexpr cost polling_max{std::chrono::microseconds{100}};

  simulated_world world_;
  std::function<std::size_t(std::size_t)> choose_;
  std::vector<std::size_t> due_;  // of one step
  cost latest_{};                 // of all clocks
  bool stop_requested_ = false;
  bool stopped_ = false;
};

}  // namespace
}  // namespace cooper::detail

namespace cooper {

result<std::unique_ptr<machine>> machine::simulate(const topology& where, simulation_options options) {
  const auto cores = detail::choose_cores(where, options.cores, false, false);
  if (!cores) return cores.error();
  if (const auto good = options.costs.check(); !good) return good.error();
  if (options.costs.turn == cost{} && options.poll_budget.value_or(duration{1}) != duration::zero() &&
      (options.poll_budget || options.costs.wake != cost{})) {
    return error{errc::bad_option,
                 "a turn costs nothing, so an idle core would poll for ever; set the poll budget to 0"};
  }
  if (const auto good = check(options.faults, cores->size()); !good) return good.error();
  if (options.channel_memory && options.channel_memory->value >= cores->size()) {
    return error{errc::no_such_core, "core " + std::to_string(options.channel_memory->value) + ", of channel_memory"};
  }
  return std::unique_ptr<machine>{std::make_unique<detail::simulated_machine>(where, *cores, options)};
}

}  // namespace cooper
