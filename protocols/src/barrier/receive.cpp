// SPDX-License-Identifier: BSD-3-Clause
// Which step a line is for; its route; and what lines and reports are in words.
#include "steps.hpp"

namespace cooper::protocols {

template <barrier_capacity C>
bool barrier<C>::install(const route& r) {
  if (arrived_ || awaited_ != children_ || !r.fits(core_id{self_})) return false;
  way_ = r;
  children_ = {};
  for (const tree_child& c : r.children()) children_.insert(core_id{c.core});
  await_children();
  return true;
}

template <barrier_capacity C>
void barrier<C>::receive(core_id from, const message& m, effects_type& out) {
  if (from.value >= C.cores || m.episode == 0) return;
  switch (m.what) {
    case kind::arrival:
      return on_arrival(from, m.episode, out);
    case kind::release:
      return on_release(from, m.episode, out);
    case kind::ask:
      return on_ask(from, out);
  }
}

template <barrier_capacity C>
std::string barrier<C>::words_of(const message& m) {
  constexpr const char* words[] = {"arrived in ", "released from ", "arrived in? "};
  return words[static_cast<std::size_t>(m.what)] + std::to_string(m.episode);
}

template <barrier_capacity C>
std::string barrier<C>::words_of(const report& r) {
  return (r.what == event::arrived ? "arrived in " : "released from ") + std::to_string(r.episode);
}

#define COOPER_INSTANCE(c)                                                   \
  template bool barrier<c>::install(const route&);                           \
  template void barrier<c>::receive(core_id, const message&, effects_type&); \
  template std::string barrier<c>::words_of(const message&);                 \
  template std::string barrier<c>::words_of(const report&);
COOPER_BARRIER_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
