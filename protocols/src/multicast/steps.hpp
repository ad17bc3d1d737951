// SPDX-License-Identifier: BSD-3-Clause
// For which capacities the steps of multicast are made.
#pragma once

#include <algorithm>

#include <cooper/protocols/multicast.hpp>

// Each capacity that somebody uses: that of monitors, and the explorer's, with each planted bug.
#define COOPER_MULTICAST_INSTANCES(X)                   \
  X(multicast_capacity{})                               \
  X(explored_multicast(multicast_bug::none))            \
  X(explored_multicast(multicast_bug::answer_early))    \
  X(explored_multicast(multicast_bug::double_delivery)) \
  X(explored_multicast(multicast_bug::lost_child))      \
  X(explored_multicast(multicast_bug::stale_round))
