// SPDX-License-Identifier: BSD-3-Clause
// All have arrived: a core goes on, and tells its children.
#include "steps.hpp"

namespace cooper::protocols {

template <barrier_capacity C>
void barrier<C>::on_release(core_id from, std::uint32_t episode, effects_type& out) {
  // The parent knows that all have arrived, even if this life has not heard it of its children.
  if (way_.is_parent(from) && arrived_ && episode == next_episode()) release(out);
}

template <barrier_capacity C>
void barrier<C>::release(effects_type& out) {
  ++episode_;
  arrived_ = false;
  await_children();
  for (const tree_child& c : way_.children()) out.send(core_id{c.core}, {.episode = episode_, .what = kind::release});
  out.report({.episode = episode_, .what = event::released});
}

template <barrier_capacity C>
void barrier<C>::await_children() {
  awaited_ = children_;
}

#define COOPER_INSTANCE(c)                                                     \
  template void barrier<c>::on_release(core_id, std::uint32_t, effects_type&); \
  template void barrier<c>::release(effects_type&);                            \
  template void barrier<c>::await_children();
COOPER_BARRIER_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
