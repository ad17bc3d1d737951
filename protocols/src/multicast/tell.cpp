// SPDX-License-Identifier: BSD-3-Clause
// A core is told: it delivers, and tells its children.
#include "steps.hpp"

namespace cooper::protocols {

template <multicast_capacity C>
void multicast<C>::on_tell(core_id from, const message& m, effects_type& out) {
  tree_place& t = trees_[m.tree];
  if (!t.way.is_parent(from) || m.how > combining::count) return;
  if (m.round <= t.delivered && C.planted != multicast_bug::double_delivery) return;
  t.delivered = m.round;
  out.report({.told = m.told, .round = m.round, .tree = m.tree, .what = event::delivered});
  tell_on(m.tree, m, out);
}

template <multicast_capacity C>
void multicast<C>::tell_on(std::uint8_t tree, const message& m, effects_type& out) {
  const tree_place& t = trees_[tree];
  // Who has this place still has waited in vain: the root has ended that round, or it would not have begun this one.
  under_way& r = place_of(tree, m.round);
  r = {.value = m.how == combining::count ? 1 : t.contribution, .round = m.round, .how = m.how};
  auto children = t.way.children();
  if (C.planted == multicast_bug::lost_child && !children.empty()) children = children.first(children.size() - 1);
  if (t.way.is_published() && !children.empty()) out.publish(m);
  for (const tree_child& c : children) {
    r.awaited.insert(core_id{c.core});
    if (!t.way.is_published()) out.send(core_id{c.core}, m);
  }
  if (r.awaited.empty()) return finish(tree, r, out);
  out.set_timer(timer_of(tree, m.round), patience * std::max<tick>(t.way.levels(), 1));
}

#define COOPER_INSTANCE(c)                                                     \
  template void multicast<c>::on_tell(core_id, const message&, effects_type&); \
  template void multicast<c>::tell_on(std::uint8_t, const message&, effects_type&);
COOPER_MULTICAST_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
