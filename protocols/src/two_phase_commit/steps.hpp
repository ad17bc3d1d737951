// SPDX-License-Identifier: BSD-3-Clause
// What the steps of two-phase commit share, and for which capacities each is made.
#pragma once

#include <algorithm>

#include <cooper/protocols/two_phase_commit.hpp>

namespace cooper::protocols {

template <two_phase_capacity C>
auto two_phase_commit<C>::find_coordinated(const operation_id& op) -> coordinated* {
  const auto at = std::find_if(coordinated_.begin(), coordinated_.end(),
                               [&](const coordinated& c) { return c.at != phase::none && c.op == op; });
  return at != coordinated_.end() ? &*at : nullptr;
}

template <two_phase_capacity C>
auto two_phase_commit<C>::find_vote(const operation_id& op) -> vote_cast* {
  const auto at = std::find_if(votes_.begin(), votes_.end(), [&](const vote_cast& v) { return v.op == op; });
  return at != votes_.end() ? &*at : nullptr;
}

template <two_phase_capacity C>
auto two_phase_commit<C>::find_lock(std::uint64_t key) -> vote_cast* {
  const auto at = std::find_if(votes_.begin(), votes_.end(),
                               [&](const vote_cast& v) { return v.op.sequence != 0 && v.key == key; });
  return at != votes_.end() ? &*at : nullptr;
}

template <two_phase_capacity C>
void two_phase_commit<C>::say(core_id to, const message& m, effects_type& out) {
  if (to.value == self_) {
    receive(to, m, out);
  } else {
    out.send(to, m);
  }
}

}  // namespace cooper::protocols

// Each capacity that somebody uses: that of monitors, and the explorer's, with each planted bug.
#define COOPER_TWO_PHASE_INSTANCES(X)                           \
  X(two_phase_capacity{})                                       \
  X(explored_two_phase(two_phase_bug::none))                    \
  X(explored_two_phase(two_phase_bug::lost_vote))               \
  X(explored_two_phase(two_phase_bug::early_release))           \
  X(explored_two_phase(two_phase_bug::missing_acknowledgement)) \
  X(explored_two_phase(two_phase_bug::wrong_recovery))
