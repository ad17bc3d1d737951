// SPDX-License-Identifier: BSD-3-Clause
// A core begins an operation: it asks all participants to prepare.
#include "steps.hpp"

namespace cooper::protocols {

template <two_phase_capacity C>
bool two_phase_commit<C>::begin(std::uint64_t key, const participants& among, effects_type& out) {
  const auto free =
      std::find_if(coordinated_.begin(), coordinated_.end(), [](const coordinated& c) { return c.at == phase::none; });
  if (free == coordinated_.end()) return false;
  const operation_id op{.coordinator = self_, .sequence = ++last_sequence_};
  *free = {.op = op, .key = key, .among = among, .awaited = among, .at = phase::preparing};
  out.set_timer(timer_of(*free), patience);
  const message prepare{.op = op, .key = key, .what = kind::prepare};
  // A refusal of this core's own ends it at once, and gives the place to another.
  among.for_each([&](core_id to) {
    if (free->op == op && free->at == phase::preparing) say(to, prepare, out);
  });
  return true;
}

#define COOPER_INSTANCE(c) template bool two_phase_commit<c>::begin(std::uint64_t, const participants&, effects_type&);
COOPER_TWO_PHASE_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
