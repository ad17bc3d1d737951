// SPDX-License-Identifier: BSD-3-Clause
// The monitor of one core: who wants to know of the other cores, and what it says to them. See the public header.
#pragma once

#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/event_based_actor.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/actors/monitor.hpp>

namespace cooper::actors {

// Somebody who wants to be told.
struct watch_request {
  caf::strong_actor_ptr who;
};

class core_monitor final : public basic_core_actor<> {
 public:
  explicit core_monitor(caf::actor_config& cfg) : basic_core_actor{cfg} {}
  const char* name() const override { return "monitor"; }
  // Its core goes down, or its system ends: another monitor tells those who go on.
  void on_exit() override;

 protected:
  caf::behavior make_behavior() override;

 private:
  std::vector<caf::weak_actor_ptr> watchers_;  // it keeps nobody alive
};

}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::watch_request)
