// SPDX-License-Identifier: BSD-3-Clause
// For which capacities the steps of a call are made.
#pragma once

#include <algorithm>

#include <cooper/protocols/call.hpp>

// Each capacity that somebody uses: that of monitors, and the explorer's, with each planted bug.
#define COOPER_CALL_INSTANCES(X)              \
  X(call_capacity{})                          \
  X(explored_call(call_bug::none))            \
  X(explored_call(call_bug::execute_twice))   \
  X(explored_call(call_bug::mix_answers))     \
  X(explored_call(call_bug::forgotten_calls)) \
  X(explored_call(call_bug::reused_numbers))
