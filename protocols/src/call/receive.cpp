// SPDX-License-Identifier: BSD-3-Clause
// Which step a line is for; and what lines and reports are in words.
#include "steps.hpp"

namespace cooper::protocols {

template <call_capacity C>
void call<C>::receive(core_id from, const message& m, effects_type& out) {
  if (from.value >= C.cores || from.value == self_) return;
  if (m.id.caller >= C.cores || m.id.place >= C.calls || m.id.sequence == 0) return;
  switch (m.what) {
    case kind::request:
      return on_request(from, m, out);
    case kind::answer:
      return on_answer(from, m, out);
  }
}

template <call_capacity C>
bool call<C>::idle() const {
  return std::all_of(calls_.begin(), calls_.end(), [](const under_way& c) { return c.id.sequence == 0; });
}

namespace {

std::string name_of(const call_id& id) { return std::to_string(id.caller) + "." + std::to_string(id.sequence); }

}  // namespace

template <call_capacity C>
std::string call<C>::words_of(const message& m) {
  return (m.what == kind::request ? "request " : "answer to ") + name_of(m.id) + ": " + std::to_string(m.data[0]);
}

template <call_capacity C>
std::string call<C>::words_of(const report& r) {
  constexpr const char* words[] = {"executed ", "answered ", "timed out "};
  return words[static_cast<std::size_t>(r.what)] + name_of(r.id) +
         (r.what == event::answered ? ": " + std::to_string(r.answer[0]) : "");
}

#define COOPER_INSTANCE(c)                                                \
  template void call<c>::receive(core_id, const message&, effects_type&); \
  template bool call<c>::idle() const;                                    \
  template std::string call<c>::words_of(const message&);                 \
  template std::string call<c>::words_of(const report&);
COOPER_CALL_INSTANCES(COOPER_INSTANCE)
#undef COOPER_INSTANCE

}  // namespace cooper::protocols
