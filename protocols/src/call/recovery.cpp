// SPDX-License-Identifier: BSD-3-Clause
// Who waits too long asks again, and at last gives up; a new life has no calls, but knows which it has executed.
#include "steps.hpp"

namespace cooper::protocols {

template <call_capacity C>
void call<C>::expired(std::uint8_t timer, effects_type& out) {
  if (timer >= C.calls || calls_[timer].id.sequence == 0) return;
  under_way& c = calls_[timer];
  if (c.retries_left != 0) {
    --c.retries_left;
    return say_request(c, out);
  }
  out.report({.id = c.id, .asked = c.asked, .what = event::timed_out});
  c = {};
}

template <call_capacity C>
void call<C>::restarted(effects_type&) {
  calls_ = {};
  if (C.planted == call_bug::reused_numbers) last_sequence_ = 0;
  for (kept& k : kept_) k = {.sequence = C.planted == call_bug::forgotten_calls ? 0 : k.sequence};
}

#define COOPER_INSTANCE(c)                                     \
  template void call<c>::expired(std::uint8_t, effects_type&); \
  template void call<c>::restarted(effects_type&);
COOPER_CALL_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
