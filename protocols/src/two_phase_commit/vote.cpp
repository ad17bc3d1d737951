// SPDX-License-Identifier: BSD-3-Clause
// The coordinator hears a vote: the last one in favour decides, and so does the first one against.
#include "steps.hpp"

namespace cooper::protocols {

template <two_phase_capacity C>
void two_phase_commit<C>::on_vote(core_id from, const message& m, effects_type& out) {
  coordinated* c = find_coordinated(m.op);
  if (c == nullptr) {
    // Nobody knows of it: it was aborted, or it ended long ago and this vote is a copy, which nobody waits for.
    if (m.yes) say(from, {.op = m.op, .key = m.key, .what = kind::decide, .yes = false}, out);
    return;
  }
  if (c->at != phase::preparing) return;
  if (!m.yes && C.planted != two_phase_bug::lost_vote) return decide(*c, false, out);
  c->awaited.erase(from);
  if (c->awaited.empty()) decide(*c, true, out);
}

template <two_phase_capacity C>
void two_phase_commit<C>::decide(coordinated& c, bool commit, effects_type& out) {
  const operation_id op = c.op;
  c.at = commit ? phase::committing : phase::aborting;
  c.awaited = c.among;
  out.report({.op = op, .key = c.key, .what = commit ? event::committed : event::aborted});
  out.set_timer(timer_of(c), patience);
  const message decision{.op = op, .key = c.key, .what = kind::decide, .yes = commit};
  participants(c.among).for_each([&](core_id to) { say(to, decision, out); });
}

#define COOPER_INSTANCE(c)                                                            \
  template void two_phase_commit<c>::on_vote(core_id, const message&, effects_type&); \
  template void two_phase_commit<c>::decide(coordinated&, bool, effects_type&);
COOPER_TWO_PHASE_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
