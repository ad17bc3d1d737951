// SPDX-License-Identifier: BSD-3-Clause
// A callee's host has the answer; a caller hears it.
#include "steps.hpp"

namespace cooper::protocols {

template <call_capacity C>
bool call<C>::answer(const call_id& id, const payload& with, effects_type& out) {
  if (id.caller >= C.cores || id.place >= C.calls || id.sequence == 0) return false;
  kept& k = kept_for(id);
  if (k.sequence != id.sequence || k.at != progress::executing) return false;
  k.answer = with;
  k.at = progress::answered;
  out.send(core_id{id.caller}, {.id = id, .data = with, .what = kind::answer});
  return true;
}

template <call_capacity C>
void call<C>::on_answer(core_id from, const message& m, effects_type& out) {
  under_way& c = calls_[m.id.place];
  if (c.id.sequence == 0 || from.value != c.callee) return;
  if (m.id != c.id && C.planted != call_bug::mix_answers) return;
  out.cancel_timer(c.id.place);
  out.report({.id = c.id, .asked = c.asked, .answer = m.data, .what = event::answered});
  c = {};
}

#define COOPER_INSTANCE(c)                                                      \
  template bool call<c>::answer(const call_id&, const payload&, effects_type&); \
  template void call<c>::on_answer(core_id, const message&, effects_type&);
COOPER_CALL_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
