// SPDX-License-Identifier: BSD-3-Clause
// Actor systems on two cores for tests, and what test bodies need to wait for their actors.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <caf/all.hpp>

#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/spawn.hpp>
#include "machines.hpp"
#include "watchdog.hpp"

namespace cooper::test {

// An actor system on a machine of `cores` drivers; ends when its actors have ended.
class actor_rig {
 public:
  explicit actor_rig(std::size_t cores = 2, const std::string& placement = "adaptive",
                     std::chrono::seconds limit = std::chrono::seconds{60})
      : actor_rig{native_options(cores), placement, limit} {}
  explicit actor_rig(machine_options options, const std::string& placement = "adaptive",
                     std::chrono::seconds limit = std::chrono::seconds{60})
      : dog_{limit}, machine_{boot(std::move(options))} {
    if (!placement.empty()) caf::put(config_.content, "cooper.placement", placement);
    actors::run_on(config_, *machine_);
    system_ = std::make_unique<caf::actor_system>(config_);
  }
  ~actor_rig() {
    system_.reset();
    REQUIRE(machine_->stop());
  }
  actor_rig(const actor_rig&) = delete;
  actor_rig& operator=(const actor_rig&) = delete;

  caf::actor_system& system() { return *system_; }
  machine& on() { return *machine_; }

 private:
  const watchdog dog_;
  std::unique_ptr<machine> machine_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

}  // namespace cooper::test
