// SPDX-License-Identifier: BSD-3-Clause
// A child answers; the last answer makes this core's own.
#include "steps.hpp"

namespace cooper::protocols {

template <multicast_capacity C>
void multicast<C>::on_answer(core_id from, const message& m, effects_type& out) {
  under_way& r = place_of(m.tree, m.round);
  if (r.round != m.round && (C.planted != multicast_bug::stale_round || r.round == 0)) return;
  if (!r.awaited.contains(from) || m.missing >= C.cores) return;
  r.awaited.erase(from);
  r.value = combined(r.how, r.value, m.value);
  r.missing = static_cast<std::uint16_t>(std::min<std::size_t>(r.missing + m.missing, C.cores));
  if (r.awaited.empty() || C.planted == multicast_bug::answer_early) finish(m.tree, r, out);
}

template <multicast_capacity C>
void multicast<C>::finish(std::uint8_t tree, under_way& r, effects_type& out) {
  const route& way = trees_[tree].way;
  if (!way.children().empty()) out.cancel_timer(timer_of(tree, r.round));
  if (way.is_root()) {
    out.report({.value = r.value, .round = r.round, .missing = r.missing, .tree = tree, .what = event::completed});
  } else {
    out.send(way.parent(),
             {.value = r.value, .round = r.round, .missing = r.missing, .tree = tree, .what = kind::answer});
  }
  r = {};
}

#define COOPER_INSTANCE(c)                                                       \
  template void multicast<c>::on_answer(core_id, const message&, effects_type&); \
  template void multicast<c>::finish(std::uint8_t, under_way&, effects_type&);
COOPER_MULTICAST_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
