// SPDX-License-Identifier: BSD-3-Clause
// The simulated machine: the core with the earliest clock makes the next turn, until nothing is left to happen.
//
// Ties between clocks are broken by the seed. A core whose poll budget has run out parks; a signal ends that after
// wake_cost, and its deadline ends it at that time.
#include <optional>

#include <cooper/vocabulary/random.hpp>
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
      : basic_machine{where, cores.size()}, random_{options.seed} {
    world_.costs = options;
    world_.seats.resize(cores.size());
    const driver_options per_driver{.poll_budget = options.poll_budget,
                                    .overflow_bound = options.overflow_bound,
                                    .buffer_bytes = options.buffer_bytes,
                                    .buffers_per_core = options.buffers_per_core,
                                    .hint_threshold = options.hint_threshold};
    for (std::size_t i = 0; i < cores.size(); ++i) {
      seats_[i] = {.place = cores[i], .pu_index = where_.threads()[cores[i].value].pu_index, .pinned = true};
      drivers_.push_back(std::make_unique<driver_type>(core_number(i), *this, simulated_environment{&world_, i},
                                                       cores.size(), per_driver, registry_));
      drivers_.back()->sleeper().attach(world_, i);
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
    instant earliest = until;
    due_.clear();
    for (std::size_t i = 0; i < drivers_.size(); ++i) {
      const auto at = ready_at(i);
      if (!at || *at > earliest) continue;
      if (*at < earliest) due_.clear();
      earliest = *at;
      due_.push_back(i);
    }
    if (due_.empty()) return false;
    turn_of(due_.size() == 1 ? due_.front() : due_[first_of(due_.size())], earliest);
    return true;
  }
  void run_until(instant until) override {
    while (!stop_requested_ && step(until)) {}
    stop_requested_ = false;
    for (auto& seat : world_.seats) seat.clock = std::max(seat.clock, until);
  }
  instant now() const override { return latest_clock(); }
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
    const instant limit = world_.seats[which.value].clock + deadline;
    while (!gone) {
      if (!step(never) || world_.seats[which.value].clock > limit) {
        return error{errc::stop_timeout, name(which) + " is still closing its channels"};
      }
    }
    return {};
  }

  result<void> up(core_id which) override {
    const auto driver = driver_at(which);
    if (!driver) return driver.error();
    if (stopped_) return error{errc::stopped};
    if (!(*driver)->view().down.read()) return error{errc::core_up, name(which)};
    std::vector<core_id> closed = all_down();
    std::erase(closed, which);
    world_.seats[which.value].parked = false;
    world_.seats[which.value].clock = latest_clock();
    (*driver)->come_up(std::move(closed));
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

  instant latest_clock() const {
    instant latest{};
    for (const auto& seat : world_.seats) latest = std::max(latest, seat.clock);
    return latest;
  }

  std::size_t first_of(std::size_t n) {
    if (!world_.costs.choose) return random_.below(n);
    const std::size_t first = world_.costs.choose(n);
    COOPER_ASSERT(first < n, "simulation_options::choose chooses one of those that are due");
    return first;
  }

  // When a core can make its next turn; nothing if it sleeps for good.
  std::optional<instant> ready_at(std::size_t i) const {
    if (drivers_[i]->view().down.read()) return {};
    const auto& seat = world_.seats[i];
    if (!seat.parked || seat.signalled) return seat.clock;
    if (seat.deadline != never) return std::max(seat.clock, seat.deadline);
    return {};
  }

  void turn_of(std::size_t i, instant at) {
    auto& seat = world_.seats[i];
    driver_type& driver = *drivers_[i];
    const current_core_scope scope{driver};
    const std::size_t before = std::exchange(world_.running, i);
    if (seat.parked) {
      seat.clock = seat.signalled ? seat.clock + world_.costs.wake_cost : at;
      seat.parked = seat.signalled = false;
      seat.idle_since = never;
      driver.unpark();
    }
    const instant begun = seat.clock;
    if (driver.poll_once()) {
      seat.idle_since = never;
      seat.clock = seat.clock + world_.costs.turn_cost;
    } else {
      if (seat.idle_since == never) seat.idle_since = begun;
      seat.clock = seat.clock + world_.costs.turn_cost;
      if (seat.clock - seat.idle_since >= driver.poll_budget()) park(i);
    }
    if (seat.sees_all != 0) --seat.sees_all;
    world_.running = before;
  }

  void park(std::size_t i) {
    auto& seat = world_.seats[i];
    seat.signalled = false;
    const instant deadline = drivers_[i]->prepare_to_park();
    seat.sees_all = 0;
    seat.idle_since = never;
    if (deadline <= seat.clock) {
      // Work was found, or is due: stay awake.
      drivers_[i]->unpark();
      return;
    }
    seat.parked = true;
    seat.deadline = deadline;
  }

  simulated_world world_;
  class random random_;
  std::vector<std::size_t> due_;  // of one step
  bool stop_requested_ = false;
  bool stopped_ = false;
};

}  // namespace
}  // namespace cooper::detail

namespace cooper {

result<std::unique_ptr<machine>> machine::simulate(const topology& where, simulation_options options) {
  const auto cores = detail::choose_cores(where, options.cores, false, false);
  if (!cores) return cores.error();
  if (options.transit < duration::zero() || options.turn_cost < duration::zero() ||
      options.send_cost < duration::zero() || options.receive_cost < duration::zero() ||
      options.wake_cost < duration::zero()) {
    return error{errc::bad_option, "a simulated cost is negative"};
  }
  if (options.turn_cost == duration::zero() && options.poll_budget != duration::zero()) {
    return error{errc::bad_option,
                 "a turn costs nothing, so an idle core would poll for ever; set the poll budget to 0"};
  }
  return std::unique_ptr<machine>{std::make_unique<detail::simulated_machine>(where, *cores, options)};
}

}  // namespace cooper
