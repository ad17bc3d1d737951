// SPDX-License-Identifier: BSD-3-Clause
// A new life knows whether it has arrived, but not who below it has.
#include "steps.hpp"

namespace cooper::protocols {

template <barrier_capacity C>
void barrier<C>::restarted(effects_type& out) {
  await_children();
  if (C.planted == barrier_bug::silent_life) return;
  for (const tree_child& c : way_.children()) out.send(core_id{c.core}, {.episode = next_episode(), .what = kind::ask});
  // Who has children passes it on when they have answered.
  if (way_.used() && gathered()) pass_on(out);
}

template <barrier_capacity C>
void barrier<C>::on_ask(core_id from, effects_type& out) {
  // For an episode that the parent is past, too: it answers with its release.
  if (way_.is_parent(from) && gathered()) pass_on(out);
}

#define COOPER_INSTANCE(c)                            \
  template void barrier<c>::restarted(effects_type&); \
  template void barrier<c>::on_ask(core_id, effects_type&);
COOPER_BARRIER_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
