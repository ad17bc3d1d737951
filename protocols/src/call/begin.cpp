// SPDX-License-Identifier: BSD-3-Clause
// A core calls another.
#include "steps.hpp"

namespace cooper::protocols {

template <call_capacity C>
call_id call<C>::begin(core_id callee, const payload& asked, tick deadline, effects_type& out) {
  if (callee.value >= C.cores || callee.value == self_) return {};
  const auto free = std::find_if(calls_.begin(), calls_.end(), [](const under_way& c) { return c.id.sequence == 0; });
  if (free == calls_.end()) return {};
  free->id = {.caller = self_, .place = static_cast<std::uint8_t>(free - calls_.begin()), .sequence = ++last_sequence_};
  free->asked = asked;
  free->interval = std::max<tick>(deadline / (C.retries + 1u), 1);
  free->callee = callee.value;
  free->retries_left = C.retries;
  say_request(*free, out);
  return free->id;
}

template <call_capacity C>
void call<C>::say_request(const under_way& c, effects_type& out) {
  out.send(core_id{c.callee}, {.id = c.id, .data = c.asked, .what = kind::request});
  out.set_timer(c.id.place, c.interval);
}

#define COOPER_INSTANCE(c)                                                       \
  template call_id call<c>::begin(core_id, const payload&, tick, effects_type&); \
  template void call<c>::say_request(const under_way&, effects_type&);
COOPER_CALL_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
