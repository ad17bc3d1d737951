// SPDX-License-Identifier: BSD-3-Clause
// A participant hears the decision: the change happens or not, the lock is free.
#include "steps.hpp"

namespace cooper::protocols {

template <two_phase_capacity C>
void two_phase_commit<C>::on_decision(core_id from, const message& m, effects_type& out) {
  vote_cast* v = find_vote(m.op);
  if (v != nullptr) {
    out.cancel_timer(timer_of(*v));
    out.report({.op = m.op, .key = v->key, .what = m.yes ? event::made : event::dropped});
    *v = {};
  } else if (C.planted == two_phase_bug::missing_acknowledgement) {
    return;
  }
  say(from, {.op = m.op, .key = m.key, .what = kind::acknowledge}, out);
}

#define COOPER_INSTANCE(c) template void two_phase_commit<c>::on_decision(core_id, const message&, effects_type&);
COOPER_TWO_PHASE_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
