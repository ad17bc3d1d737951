// SPDX-License-Identifier: BSD-3-Clause
// A core is given its place in a tree, and what it contributes there.
#include "steps.hpp"

namespace cooper::protocols {

template <multicast_capacity C>
bool multicast<C>::install(std::uint8_t tree, const route& r) {
  if (tree >= C.trees || !r.fits(core_id{self_})) return false;
  trees_[tree].way = r;
  trees_[tree].rounds = {};
  trees_[tree].delivered = 0;
  return true;
}

template <multicast_capacity C>
void multicast<C>::contribute(std::uint8_t tree, std::uint64_t value) {
  if (tree < C.trees) trees_[tree].contribution = value;
}

#define COOPER_INSTANCE(c)                                         \
  template bool multicast<c>::install(std::uint8_t, const route&); \
  template void multicast<c>::contribute(std::uint8_t, std::uint64_t);
COOPER_MULTICAST_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
