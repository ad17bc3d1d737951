// SPDX-License-Identifier: BSD-3-Clause
// Windows that alternate: floor, peer, contender, floor, ... on the same threads, until the time is used up.
#pragma once

#include <cstdint>
#include <functional>

#include "support/floor.hpp"
#include "support/row.hpp"
#include "support/team.hpp"

namespace cooper::bench {

// Runs `count` operations and says how many nanoseconds they took. Called by whoever leads the session.
using timed_operations = std::function<double(std::uint64_t count)>;

struct sampling_plan {
  double seconds = 1;      // for all windows together
  bool smoke = false;      // two tiny windows: does it run at all?
  bool with_floor = true;  // needs two members
  double window_ns = 4e6;  // a contender's window; the floor's is 20,000 round trips
  std::uint64_t count_max = 1u << 22;
};

// Fills windows, iterations, cpu_time_ns, foreign and steal of `into`; ends early when interrupted. `peer` may be
// empty.
void sample_windows(session& on, floor_lines& floor, const timed_operations& contender, const timed_operations& peer,
                    const sampling_plan& plan, row& into);

}  // namespace cooper::bench
