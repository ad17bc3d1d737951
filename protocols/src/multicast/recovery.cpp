// SPDX-License-Identifier: BSD-3-Clause
// Who waits too long goes on without the missing; who begins a new life knows of no round.
#include "steps.hpp"

namespace cooper::protocols {

template <multicast_capacity C>
void multicast<C>::expired(std::uint8_t timer, effects_type& out) {
  if (timer >= timers) return;
  const auto tree = static_cast<std::uint8_t>(timer / C.rounds);
  under_way& r = place_of(tree, timer % C.rounds);
  if (r.round == 0) return;
  std::size_t missing = r.missing;
  for (const tree_child& c : trees_[tree].way.children()) {
    if (r.awaited.contains(core_id{c.core})) missing += c.cores;
  }
  r.missing = static_cast<std::uint16_t>(std::min(missing, C.cores));
  finish(tree, r, out);
}

template <multicast_capacity C>
void multicast<C>::restarted(effects_type&) {
  for (tree_place& t : trees_) {
    t.rounds = {};
    t.delivered = 0;
  }
}

#define COOPER_INSTANCE(c)                                          \
  template void multicast<c>::expired(std::uint8_t, effects_type&); \
  template void multicast<c>::restarted(effects_type&);
COOPER_MULTICAST_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
