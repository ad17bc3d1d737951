// SPDX-License-Identifier: BSD-3-Clause
// Which step a line is for; and what lines and reports are in words.
#include "steps.hpp"

namespace cooper::protocols {

template <multicast_capacity C>
void multicast<C>::receive(core_id from, const message& m, effects_type& out) {
  if (from.value >= C.cores || m.tree >= C.trees || m.round == 0) return;
  switch (m.what) {
    case kind::tell:
      return on_tell(from, m, out);
    case kind::answer:
      return on_answer(from, m, out);
  }
}

template <multicast_capacity C>
bool multicast<C>::idle() const {
  return std::all_of(trees_.begin(), trees_.end(), [](const tree_place& t) {
    return std::all_of(t.rounds.begin(), t.rounds.end(), [](const under_way& r) { return r.round == 0; });
  });
}

namespace {

std::string round_of(std::uint8_t tree, std::uint32_t round) {
  return "round " + std::to_string(tree) + "." + std::to_string(round);
}
std::string value_of(std::uint64_t value, std::uint16_t missing) {
  return " with " + std::to_string(value) + (missing == 0 ? "" : ", " + std::to_string(missing) + " missing");
}

}  // namespace

template <multicast_capacity C>
std::string multicast<C>::words_of(const message& m) {
  const std::string round = round_of(m.tree, m.round);
  return m.what == kind::tell ? round : "answer to " + round + value_of(m.value, m.missing);
}

template <multicast_capacity C>
std::string multicast<C>::words_of(const report& r) {
  const std::string round = round_of(r.tree, r.round);
  return r.what == event::delivered ? "delivered " + round : "completed " + round + value_of(r.value, r.missing);
}

#define COOPER_INSTANCE(c)                                                     \
  template void multicast<c>::receive(core_id, const message&, effects_type&); \
  template bool multicast<c>::idle() const;                                    \
  template std::string multicast<c>::words_of(const message&);                 \
  template std::string multicast<c>::words_of(const report&);
COOPER_MULTICAST_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
