// SPDX-License-Identifier: BSD-3-Clause
// call_rtt: one core actor speaks to another in lines, and hears from it. One file a way of speaking.
#pragma once

#include "support/conversation.hpp"
#include "support/run.hpp"

namespace cooper::bench::call_rtt {

void measure_line_message(run& r, const contender& self);
void measure_coroutine(run& r, const contender& self);
void measure_callback(run& r, const contender& self);

// The same conversations, for a simulated machine too.
actor_conversation line_messages(bool same_core);
actor_conversation coroutines(bool same_core);
actor_conversation callbacks(bool same_core);

extern const workload table;

}  // namespace cooper::bench::call_rtt
