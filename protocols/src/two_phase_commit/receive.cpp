// SPDX-License-Identifier: BSD-3-Clause
// Which step a line is for; and what lines and reports are in words.
#include "steps.hpp"

namespace cooper::protocols {

template <two_phase_capacity C>
void two_phase_commit<C>::receive(core_id from, const message& m, effects_type& out) {
  // Nobody else can have written what stands here, but a line is checked before it is used.
  if (from.value >= C.cores || m.op.coordinator >= C.cores || m.op.sequence == 0) return;
  switch (m.what) {
    case kind::prepare:
      return on_prepare(from, m, out);
    case kind::vote:
      return on_vote(from, m, out);
    case kind::decide:
      return on_decision(from, m, out);
    case kind::acknowledge:
      return on_acknowledgement(from, m, out);
    case kind::inquire:
      return on_inquiry(from, m, out);
  }
}

template <two_phase_capacity C>
bool two_phase_commit<C>::idle() const {
  return std::all_of(coordinated_.begin(), coordinated_.end(),
                     [](const coordinated& c) { return c.at == phase::none; }) &&
         std::all_of(votes_.begin(), votes_.end(), [](const vote_cast& v) { return v.op.sequence == 0; });
}

namespace {

std::string name_of(const operation_id& op) {
  return std::to_string(op.coordinator) + "." + std::to_string(op.sequence);
}

}  // namespace

template <two_phase_capacity C>
std::string two_phase_commit<C>::words_of(const message& m) {
  const std::string op = name_of(m.op);
  switch (m.what) {
    case kind::prepare:
      return "prepare " + op + " on key " + std::to_string(m.key);
    case kind::vote:
      return std::string{m.yes ? "yes to " : "no to "} + op;
    case kind::decide:
      return std::string{m.yes ? "commit " : "abort "} + op;
    case kind::acknowledge:
      return "heard of " + op;
    case kind::inquire:
      return "what of " + op + "?";
  }
  return "?";
}

template <two_phase_capacity C>
std::string two_phase_commit<C>::words_of(const report& r) {
  constexpr const char* words[] = {"committed ", "aborted ", "finished ", "made ", "dropped "};
  return words[static_cast<std::size_t>(r.what)] + name_of(r.op);
}

#define COOPER_INSTANCE(c)                                                            \
  template void two_phase_commit<c>::receive(core_id, const message&, effects_type&); \
  template bool two_phase_commit<c>::idle() const;                                    \
  template std::string two_phase_commit<c>::words_of(const message&);                 \
  template std::string two_phase_commit<c>::words_of(const report&);
COOPER_TWO_PHASE_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
