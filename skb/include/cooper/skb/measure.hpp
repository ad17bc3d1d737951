// SPDX-License-Identifier: BSD-3-Clause
// Measures what messages between the running cores of a machine cost.
//
//   auto costs = measure_costs(*m, {});                            // result<cost_snapshot>
//   if (costs && costs->reliable) save_snapshot(*costs, default_cache_folder());
//
// For each pair of cores, one pair at a time, short rounds led by one side and by the other in turn: round trips of one
// line, whose half is the one-way time; bursts that fit the ring, timed by their sender; and the same bursts timed by
// their receiver, which looks at them only when they are all there. A figure is the median over the rounds, without
// those in which one of the two threads was descheduled. Of an asymmetric link only send and receive show it: half a
// round trip is the mean of both directions.
//
// What is measured is the driver's way, with its polling and dispatch, on a machine as it is: other work on it disturbs
// the figures, and is disturbed. Meanwhile the two cores do not park.
#pragma once

#include <cstddef>
#include <functional>

#include <cooper/runtime/machine.hpp>
#include <cooper/skb/costs.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::skb {

struct measure_options {
  duration time_per_pair = std::chrono::milliseconds{5};  // of an ordered pair; 1 microsecond to 1 minute
  // With more ordered pairs than this (by default those of 256 hardware threads) some pairs of each class are measured,
  // and the snapshot has no links but only classes.
  std::size_t pairs_max = std::size_t{256} * 255;
  // Called by the measuring thread after each pair, with the ordered pairs done and all; false gives up.
  std::function<bool(std::size_t done, std::size_t all)> progress;
};

// Waits: for any thread that is no driver of a machine; cores that this thread has adopted make their turns meanwhile.
// A machine with one running core gives a snapshot without links. Spread over a quarter of a median in a second try, or
// too many rounds lost, or a driver that is not pinned, make it unreliable, not an error.
// Errors: not_supported_here (simulated), bad_option, core_down (one that went down meanwhile), deadline_passed (a core
// that does not answer, named), stopped, queue_full, too_many_endpoints, cancelled.
result<cost_snapshot> measure_costs(machine& on, const measure_options& options = {});

}  // namespace cooper::skb
