// SPDX-License-Identifier: BSD-3-Clause
// A callee is asked: what is new is executed, what it has answered is answered again.
#include "steps.hpp"

namespace cooper::protocols {

template <call_capacity C>
void call<C>::on_request(core_id from, const message& m, effects_type& out) {
  if (m.id.caller != from.value) return;
  kept& k = kept_for(m.id);
  if (m.id.sequence == k.sequence && C.planted != call_bug::execute_twice) {
    if (k.at == progress::answered) out.send(from, {.id = m.id, .data = k.answer, .what = kind::answer});
    return;
  }
  // Its caller has given it up: it has begun another in this place.
  if (m.id.sequence < k.sequence) return;
  k = {.sequence = m.id.sequence, .at = progress::executing};
  out.report({.id = m.id, .asked = m.data, .what = event::executed});
}

#define COOPER_INSTANCE(c) template void call<c>::on_request(core_id, const message&, effects_type&);
COOPER_CALL_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
