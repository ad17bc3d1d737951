// SPDX-License-Identifier: BSD-3-Clause
// A core arrives, and hears that its children have.
#include "steps.hpp"

namespace cooper::protocols {

template <barrier_capacity C>
std::uint32_t barrier<C>::arrive(effects_type& out) {
  if (!way_.used() || arrived_) return 0;
  arrived_ = true;
  if (C.planted == barrier_bug::forget_arrival) await_children();
  const std::uint32_t episode = next_episode();
  out.report({.episode = episode, .what = event::arrived});
  if (gathered()) pass_on(out);
  return episode;
}

template <barrier_capacity C>
void barrier<C>::on_arrival(core_id from, std::uint32_t episode, effects_type& out) {
  if (!children_.contains(from)) return;
  // It has lost its release with a life, its own or this core's.
  if (episode <= episode_ && C.planted != barrier_bug::stale_arrival) {
    return out.send(from, {.episode = episode, .what = kind::release});
  }
  if (episode > next_episode() || !awaited_.contains(from)) return;
  awaited_.erase(from);
  if (C.planted == barrier_bug::release_early) awaited_ = {};
  if (gathered()) pass_on(out);
}

template <barrier_capacity C>
void barrier<C>::pass_on(effects_type& out) {
  if (way_.is_root()) return release(out);
  out.send(way_.parent(), {.episode = next_episode(), .what = kind::arrival});
}

#define COOPER_INSTANCE(c)                                                     \
  template std::uint32_t barrier<c>::arrive(effects_type&);                    \
  template void barrier<c>::on_arrival(core_id, std::uint32_t, effects_type&); \
  template void barrier<c>::pass_on(effects_type&);
COOPER_BARRIER_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
