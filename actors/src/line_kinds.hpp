// SPDX-License-Identifier: BSD-3-Clause
// What travels in the lines of actors: the message types that protocols cannot use.
#pragma once

#include <cooper/vocabulary/ids.hpp>

namespace cooper::actors {

// Protocols use the numbers below 0x800 (protocol.hpp).
enum line_kind : message_type {
  // To a unit, for its core's parts in the protocols: monitors' lines.
  kind_multicast = 0xe00,
  kind_two_phase,
  kind_core_call,
  kind_barrier_first = 0xe80,  // and the barrier's number
  kind_barrier_last = 0xeff,
  // To a unit, and by it.
  kind_run_ready = 0xf00,  // from itself: actors are ready
  kind_resume,             // resumable*: an actor whose mailbox was unblocked elsewhere
  kind_settle,             // resident*, lazy: a new actor, with a reference
  kind_deliver,            // resident*, mailbox_element*: to an actor without an endpoint yet, with a reference
  kind_flush,              // number: answer on this lane when you have read this
  kind_flushed,            // number
  kind_call_value,         // call word, then the reply
  kind_call_error,         // call word, error code
  // To an actor's endpoint.
  kind_parcel,  // mailbox_element*
};

}  // namespace cooper::actors
