// SPDX-License-Identifier: BSD-3-Clause
// The root begins a round.
#include "steps.hpp"

namespace cooper::protocols {

template <multicast_capacity C>
std::uint32_t multicast<C>::begin(std::uint8_t tree, const payload& told, combining how, effects_type& out) {
  if (tree >= C.trees) return 0;
  tree_place& t = trees_[tree];
  if (!t.way.used() || !t.way.is_root() || place_of(tree, t.begun + 1).round != 0) return 0;
  const std::uint32_t round = ++t.begun;
  tell_on(tree, {.told = told, .round = round, .tree = tree, .what = kind::tell, .how = how}, out);
  return round;
}

#define COOPER_INSTANCE(c) \
  template std::uint32_t multicast<c>::begin(std::uint8_t, const payload&, combining, effects_type&);
COOPER_MULTICAST_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
