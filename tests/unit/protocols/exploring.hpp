// SPDX-License-Identifier: BSD-3-Clause
// What the protocols' tests share: explorations of a subject, and a host that writes down what a step says.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <cooper/protocols/subjects.hpp>

namespace cooper::test {

inline protocols::exploration_report explored(const char* subject, const protocols::subject_options& what,
                                              const protocols::exploration_options& how = {}) {
  const protocols::subject* it = protocols::find_subject(subject);
  REQUIRE(it != nullptr);
  const auto r = it->explore(what, how);
  REQUIRE_MESSAGE(r, (r ? "" : r.error().message()));
  return *r;
}

inline std::string lines_of(const protocols::exploration_report& r) {
  std::string all = r.violation + r.ended_by;
  for (const std::string& line : r.transcript) all += "\n" + line;
  return all;
}

inline void holds(const char* subject, const protocols::subject_options& what) {
  const protocols::exploration_report r = explored(subject, what);
  CHECK_MESSAGE(r.violation == "", lines_of(r));
  CHECK_MESSAGE(r.complete, r.ended_by);
  CHECK(r.quiet_states > 0);
}

// The planted bug is found, in a few lines, with the reduction and without.
inline void found(const char* subject, const char* bug, protocols::subject_options what) {
  what.planted = bug;
  for (const bool reduction : {true, false}) {
    protocols::exploration_options how;
    how.reduction = reduction;
    const protocols::exploration_report r = explored(subject, what, how);
    CHECK_MESSAGE(r.violation != "", std::string{bug});
    CHECK_MESSAGE(r.transcript.size() < 20, lines_of(r));
  }
}

template <class P>
class recorder final : public protocols::effects_of<P> {
 public:
  void send(core_id to, const typename P::message& m) override { sent.emplace_back(to, m); }
  void publish(const typename P::message& m) override { published.push_back(m); }
  void set_timer(std::uint8_t timer, protocols::tick after) override { timers_set.emplace_back(timer, after); }
  void cancel_timer(std::uint8_t timer) override { timers_cancelled.push_back(timer); }
  void report(const typename P::report& what) override { reports.push_back(what); }

  bool silent() const { return sent.empty() && published.empty() && timers_set.empty() && reports.empty(); }
  void clear() {
    sent.clear();
    published.clear();
    timers_set.clear();
    timers_cancelled.clear();
    reports.clear();
  }

  std::vector<std::pair<core_id, typename P::message>> sent;
  std::vector<typename P::message> published;
  std::vector<std::pair<std::uint8_t, protocols::tick>> timers_set;
  std::vector<std::uint8_t> timers_cancelled;
  std::vector<typename P::report> reports;
};

}  // namespace cooper::test
