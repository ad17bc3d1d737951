// SPDX-License-Identifier: BSD-3-Clause
// Who waits too long asks or says again; who begins a new life goes on from what it kept.
#include "steps.hpp"

namespace cooper::protocols {

template <two_phase_capacity C>
void two_phase_commit<C>::expired(std::uint8_t timer, effects_type& out) {
  if (timer >= C.operations) {
    const vote_cast& v = votes_[timer - C.operations];
    if (v.op.sequence != 0) ask_for_decision(v, out);
    return;
  }
  coordinated& c = coordinated_[timer];
  if (c.at == phase::none) return;
  if (c.at == phase::preparing) return decide(c, false, out);
  out.set_timer(timer, patience);
  const message decision{.op = c.op, .key = c.key, .what = kind::decide, .yes = c.at == phase::committing};
  participants(c.awaited).for_each([&](core_id to) { say(to, decision, out); });
}

template <two_phase_capacity C>
void two_phase_commit<C>::ask_for_decision(const vote_cast& v, effects_type& out) {
  out.set_timer(timer_of(v), patience);
  say(core_id{v.op.coordinator}, {.op = v.op, .key = v.key, .what = kind::inquire}, out);
}

template <two_phase_capacity C>
void two_phase_commit<C>::on_inquiry(core_id from, const message& m, effects_type& out) {
  const coordinated* c = find_coordinated(m.op);
  if (c != nullptr && c->at == phase::preparing) return;
  const bool commit = c != nullptr && c->at == phase::committing;
  say(from, {.op = m.op, .key = m.key, .what = kind::decide, .yes = commit}, out);
}

template <two_phase_capacity C>
void two_phase_commit<C>::restarted(effects_type& out) {
  for (coordinated& c : coordinated_) {
    if (c.at == phase::preparing || c.at == phase::aborting) c = {};
  }
  if (C.planted == two_phase_bug::wrong_recovery) votes_ = {};
  // Everybody may have been told, or nobody: acknowledgements were not kept.
  for (coordinated& c : coordinated_) {
    if (c.at == phase::committing) {
      c.awaited = c.among;
      expired(timer_of(c), out);
    }
  }
  for (const vote_cast& v : votes_) {
    if (v.op.sequence != 0) ask_for_decision(v, out);
  }
}

#define COOPER_INSTANCE(c)                                                               \
  template void two_phase_commit<c>::expired(std::uint8_t, effects_type&);               \
  template void two_phase_commit<c>::ask_for_decision(const vote_cast&, effects_type&);  \
  template void two_phase_commit<c>::on_inquiry(core_id, const message&, effects_type&); \
  template void two_phase_commit<c>::restarted(effects_type&);
COOPER_TWO_PHASE_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
