// SPDX-License-Identifier: BSD-3-Clause
// The coordinator hears that a participant has heard.
#include "steps.hpp"

namespace cooper::protocols {

template <two_phase_capacity C>
void two_phase_commit<C>::on_acknowledgement(core_id from, const message& m, effects_type& out) {
  coordinated* c = find_coordinated(m.op);
  if (c == nullptr || c->at == phase::preparing) return;
  c->awaited.erase(from);
  if (!c->awaited.empty()) return;
  out.cancel_timer(timer_of(*c));
  out.report({.op = c->op, .key = c->key, .what = event::finished});
  *c = {};
}

#define COOPER_INSTANCE(c) \
  template void two_phase_commit<c>::on_acknowledgement(core_id, const message&, effects_type&);
COOPER_TWO_PHASE_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
