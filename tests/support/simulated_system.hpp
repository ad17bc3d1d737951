// SPDX-License-Identifier: BSD-3-Clause
// An actor system on a simulated machine with costs and faults, turned by the test.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <caf/all.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/spawn.hpp>
#include <cooper/runtime/machine.hpp>

namespace cooper::test {

class simulated_system {
 public:
  simulated_system(std::size_t cores, simulation_options options) {
    const auto where = topology::from_synthetic(options.costs.topology.empty() ? "pu:" + std::to_string(cores)
                                                                               : options.costs.topology);
    REQUIRE(where);
    for (std::size_t i = 0; i < cores; ++i) options.cores.push_back(core_number(i));
    auto made = machine::simulate(*where, std::move(options));
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
    machine_ = std::move(*made);
    caf::put(config_.content, "cooper.placement", "spawner");
    actors::run_on(config_, *machine_);
    system_ = std::make_unique<caf::actor_system>(config_);
    system_->await_actors_before_shutdown(false);
  }
  ~simulated_system() {
    system_.reset();
    static_cast<void>(machine_->stop());
  }
  simulated_system(const simulated_system&) = delete;
  simulated_system& operator=(const simulated_system&) = delete;

  caf::actor_system& system() { return *system_; }
  machine& on() { return *machine_; }
  actors::core_scheduler& scheduler() { return *actors::core_scheduler::of(*system_); }

  // Turns until `done` says so, or nothing is left to happen in that much virtual time.
  template <class Done>
  bool run_until(Done done, duration within = std::chrono::seconds{10}) {
    const instant limit = machine_->now() + within;
    while (!done()) {
      if (!machine_->step(limit)) return done();
    }
    return true;
  }

  // A CAF request from an actor of a core; no answer in virtual time is an error.
  template <class Answer, class To, class... Ts>
  caf::expected<Answer> request(core_id from, const To& to, const Ts&... xs) {
    auto got = std::make_shared<std::optional<caf::expected<Answer>>>();
    const auto asker = actors::spawn_on(*system_, from, [=](caf::event_based_actor* self) {
      self->request(to, caf::infinite, xs...)
          .then([got](const Answer& a) { got->emplace(a); }, [got](caf::error& e) { got->emplace(std::move(e)); });
    });
    REQUIRE(asker);
    if (!run_until([&] { return got->has_value(); })) return caf::make_error(caf::sec::request_timeout);
    return std::move(**got);
  }

 private:
  std::unique_ptr<machine> machine_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

// Where nothing costs time.
inline simulation_options free_of_cost(std::uint64_t seed = 1) {
  simulation_options options;
  options.seed = seed;
  options.costs = profile::free();
  options.poll_budget = duration::zero();
  return options;
}

}  // namespace cooper::test
