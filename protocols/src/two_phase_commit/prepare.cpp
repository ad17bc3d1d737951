// SPDX-License-Identifier: BSD-3-Clause
// A participant is asked: it takes the lock and votes for the operation, or against it.
#include "steps.hpp"

namespace cooper::protocols {

template <two_phase_capacity C>
void two_phase_commit<C>::on_prepare(core_id from, const message& m, effects_type& out) {
  const auto vote = [&](bool yes) { say(from, {.op = m.op, .key = m.key, .what = kind::vote, .yes = yes}, out); };
  if (find_vote(m.op) != nullptr) return vote(true);
  // What comes again after its end has nothing to say; lines of one core come in order.
  std::uint32_t& seen = seen_[m.op.coordinator];
  if (m.op.sequence <= seen) return;
  seen = m.op.sequence;
  if (m.key == refused_) return vote(false);
  if (C.planted != two_phase_bug::early_release && find_lock(m.key) != nullptr) return vote(false);
  const auto free = std::find_if(votes_.begin(), votes_.end(), [](const vote_cast& v) { return v.op.sequence == 0; });
  if (free == votes_.end()) return vote(false);
  *free = {.op = m.op, .key = m.key};
  out.set_timer(timer_of(*free), patience);
  vote(true);
}

#define COOPER_INSTANCE(c) template void two_phase_commit<c>::on_prepare(core_id, const message&, effects_type&);
COOPER_TWO_PHASE_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
