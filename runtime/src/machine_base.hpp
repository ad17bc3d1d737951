// SPDX-License-Identifier: BSD-3-Clause
// What the native and the simulated machine have in common: seats of drivers, posting, what is known from outside.
#pragma once

#include <fmt/format.h>
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cooper/runtime/machine.hpp>
#include "driver.hpp"
#include "trace_process.hpp"

namespace cooper::detail {

// The cores to run on, checked against the topology. `usable_only`: on this very machine, so only allowed cores.
result<std::vector<core_id>> choose_cores(const topology& where, const std::vector<core_id>& asked, bool usable_only,
                                          bool allow_oversubscription);

// The JSON that the control socket answers `status` with.
std::string status_json(const machine& m);

template <class Platform>
class basic_machine : public machine {
 public:
  using driver_type = basic_driver<Platform>;

  const topology& where() const override { return where_; }
  std::size_t core_count() const override { return drivers_.size(); }
  const std::vector<std::string>& lost() const override { return lost_; }

  std::vector<core_status> status() const override {
    std::vector<core_status> all;
    for (const auto& driver : drivers_) {
      const std::size_t i = driver->id().value;
      core_status s{.id = driver->id(),
                    .pu_index = seats_[i].pu_index,
                    .state = state_of(*driver),
                    .pinned = seats_[i].pinned,
                    .turns = observer_env().load(sync::turn_read, driver->words().progress.turn),
                    .busy_endpoint = {},
                    .busy_for = {}};
      const std::uint32_t busy = driver->view().busy();
      if (busy != driver_view::between_handlers) s.busy_endpoint = busy;
      all.push_back(s);
    }
    return all;
  }

  std::string prometheus() const override {
    std::vector<const core_metrics*> all;
    for (const auto& driver : drivers_) all.push_back(&driver->metrics());
    return prometheus_text(all);
  }

  std::string chrome_trace() const override {
    std::vector<traced_core> cores;
    for (const auto& driver : drivers_) {
      cores.push_back({.id = driver->id(),
                       .label = fmt::format("core {} (PU {})", driver->id().value, seats_[driver->id().value].pu_index),
                       .events = driver->trace().snapshot()});
    }
    if (simulated()) return chrome_trace_json_of(1, "cooper (simulated)", cores);
    return chrome_trace_json("cooper", cores);
  }

  void set_tracing(bool on) override {
    for (const auto& driver : drivers_) {
      if (!on) {
        driver->trace().switch_off();
      } else if (driver->view().down.read()) {
        continue;  // it says nothing while it is down
      } else {
        static_cast<void>(post(driver->id(), [](core& here) { static_cast<void>(here.trace().switch_on()); }));
      }
    }
  }

 protected:
  struct seat_info {
    core_id place;  // in the topology
    unsigned pu_index = 0;
    bool pinned = false;
  };

  basic_machine(const topology& where, std::size_t count) : where_{where}, seats_(count), registry_{count} {}

  core_state state_of(const driver_type& driver) const {
    if (driver.view().down.read()) return core_state::down;
    auto& words = const_cast<driver_type&>(driver).words();
    const std::uint64_t rest = observer_env().load(sync::rest_read, words.progress.rest);
    return rest == resting ? core_state::parked : core_state::running;
  }

  // The environment of a thread that only looks.
  virtual typename Platform::environment observer_env() const = 0;

  result<driver_type*> driver_at(core_id which) const {
    if (which.value >= drivers_.size()) {
      return error{errc::no_such_core,
                   fmt::format("core {}; this machine has cores 0 to {}", which.value, drivers_.size() - 1)};
    }
    return drivers_[which.value].get();
  }

  std::vector<core_id> others_running(core_id but) const {
    std::vector<core_id> all;
    for (const auto& driver : drivers_) {
      if (driver->id() != but && !driver->view().down.read()) all.push_back(driver->id());
    }
    return all;
  }
  std::vector<core_id> all_down() const {
    std::vector<core_id> all;
    for (const auto& driver : drivers_) {
      if (driver->view().down.read()) all.push_back(driver->id());
    }
    return all;
  }

  // Everything a machine still had to do when it was asked to stop: compared before and after, it tells quiet from not.
  std::uint64_t work_done() const {
    std::uint64_t sum = 0;
    for (const auto& driver : drivers_) {
      const core_metrics& m = driver->metrics();
      sum += m.lines_received.read() + m.lines_local.read() + m.gateway_tasks.read() + m.timers_fired.read();
    }
    return sum;
  }

  topology where_;
  std::vector<seat_info> seats_;
  std::vector<std::string> lost_;
  buffer_registry registry_;
  std::vector<std::unique_ptr<driver_type>> drivers_;
};

}  // namespace cooper::detail
