// SPDX-License-Identifier: BSD-3-Clause
// For which capacities the barrier's steps are made.
#pragma once

#include <cooper/protocols/barrier.hpp>

// Each capacity that somebody uses: that of monitors, and the explorer's, with each planted bug.
#define COOPER_BARRIER_INSTANCES(X)                \
  X(barrier_capacity{})                            \
  X(explored_barrier(barrier_bug::none))           \
  X(explored_barrier(barrier_bug::release_early))  \
  X(explored_barrier(barrier_bug::forget_arrival)) \
  X(explored_barrier(barrier_bug::stale_arrival))  \
  X(explored_barrier(barrier_bug::silent_life))
