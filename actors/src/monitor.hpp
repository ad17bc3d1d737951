// SPDX-License-Identifier: BSD-3-Clause
// The monitor of one core: who wants to know of the other cores, and what it says to them; and the front of its core's
// parts in the protocols. See the public headers, monitor.hpp and agreement.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/message_handler.hpp>
#include <caf/response_promise.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/actors/monitor.hpp>
#include "protocol_hosts.hpp"

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
  caf::message_handler agreement();
  // A route that is brought to all its cores.
  struct installing {
    caf::response_promise asked;
    std::uint16_t cores = 0, left = 0;
    caf::error failed;
  };
  caf::response_promise install_everywhere(install_place first);
  void installed(std::uint32_t number, const caf::error& failed);

  std::map<std::uint32_t, installing> installing_;
  std::uint32_t last_installing_ = 0;
  std::vector<caf::weak_actor_ptr> watchers_;  // it keeps nobody alive
};

}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::watch_request)
