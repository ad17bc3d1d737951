// SPDX-License-Identifier: BSD-3-Clause
// What cores know of each other. Every core has a monitor, an actor that tells those who asked when another core goes
// down, comes up, or does not turn although somebody waits for it.
//
//   watch_cores(system(), this);                          // in an actor, which then gets
//   [this](const core_event& e) { ... }                   // e.core, e.what
//
// Nobody looks at a core that nobody waits for: a monitor compares the turns of those cores only to which calls of its
// own core are under way.
#pragma once

#include <cstdint>

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>

namespace cooper::actors {

struct core_event {
  enum class kind : std::uint8_t {
    down,     // out of service, by core_scheduler::down
    up,       // in service again
    stalled,  // calls of this core to it wait, and it has not begun a turn for a second: a handler does not return
    turning,  // it goes on
  };
  core_id core;
  kind what;
};

namespace detail {
result<void> watch_cores(caf::actor_system& system, caf::strong_actor_ptr who);
}  // namespace detail

// From now on `who` is sent a core_event for whatever happens to the other cores, until it ends. It asks the monitor of
// the calling core, or from another thread that of the first; where that core goes down another takes over. Any thread.
// Errors: not_supported_here (the system runs on another scheduler), core_down.
template <class Handle>
result<void> watch_cores(caf::actor_system& system, const Handle& who) {
  return detail::watch_cores(system, caf::actor_cast<caf::strong_actor_ptr>(who));
}

// The monitor of a core; no actor if that core is down or not there. Any thread.
caf::actor monitor_of(caf::actor_system& system, core_id core);

}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::core_event)
