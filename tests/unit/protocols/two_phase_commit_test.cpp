// SPDX-License-Identifier: BSD-3-Clause
// Two-phase commit under the explorer: in every order, with cores that stop, timers and copies of lines; and each
// planted bug is found.
#include <doctest/doctest.h>

#include <cooper/protocols/subjects.hpp>
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::protocols;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

exploration_report explored(const subject_options& what, const exploration_options& how = {}) {
  const subject* it = find_subject("two_phase_commit");
  REQUIRE(it != nullptr);
  const auto r = it->explore(what, how);
  REQUIRE_MESSAGE(r, (r ? "" : r.error().message()));
  return *r;
}

std::string lines_of(const exploration_report& r) {
  std::string all = r.violation + r.ended_by;
  for (const std::string& line : r.transcript) all += "\n" + line;
  return all;
}

void holds(const subject_options& what, const exploration_options& how = {}) {
  const exploration_report r = explored(what, how);
  CHECK_MESSAGE(r.violation == "", lines_of(r));
  CHECK_MESSAGE(r.complete, r.ended_by);
  CHECK(r.quiet_states > 0);
}

}  // namespace

TEST_CASE("all make a change or none does, in every order of lines") {
  const watchdog dog{60s};
  holds({.cores = 2});
  holds({.cores = 3});
  holds({.cores = 4});
  holds({.cores = 2, .operations = 2});
  holds({.cores = 3, .operations = 2});
}

TEST_CASE("it holds if a core stops in the middle of any step, a timer runs out and lines come twice") {
  const watchdog dog{120s};
  holds({.cores = 3, .allowed = {.stops = 1}});
  holds({.cores = 3, .allowed = {.expirations = 2}});
  holds({.cores = 3, .allowed = {.duplicates = 2}});
  holds({.cores = 3, .allowed = {.stops = 1, .expirations = 1, .duplicates = 1}});
  holds({.cores = 2, .allowed = {.stops = 2, .expirations = 1}});
  if (!sanitized) holds({.cores = 3, .operations = 2, .allowed = {.stops = 1}});
}

TEST_CASE("each planted bug is found, in a few lines") {
  const watchdog dog{60s};
  const auto found = [](const char* bug, subject_options what) {
    what.planted = bug;
    const exploration_report r = explored(what);
    CHECK_MESSAGE(r.violation != "", bug);
    CHECK(r.transcript.size() < 20);
    CHECK(r.actions.size() <= r.transcript.size());
  };
  found("lost_vote", {.operations = 2});
  found("early_release", {.operations = 2});
  found("missing_acknowledgement", {.allowed = {.stops = 1}});
  found("wrong_recovery", {.allowed = {.stops = 1}});
}

TEST_CASE("what the reduction leaves out changes nothing") {
  const watchdog dog{60s};
  for (const char* bug : {"", "lost_vote", "early_release", "missing_acknowledgement", "wrong_recovery"}) {
    for (const std::size_t operations : {1u, 2u}) {
      subject_options what{.operations = operations, .allowed = {.stops = static_cast<std::uint8_t>(operations == 1)}};
      what.planted = bug;
      exploration_options all;
      all.reduction = false;
      const exploration_report whole = explored(what, all), reduced = explored(what);
      CHECK(whole.violation.empty() == reduced.violation.empty());
      CHECK(reduced.states <= whole.states);
    }
  }
}

TEST_CASE("what cannot be explored is refused") {
  const subject* it = find_subject("two_phase_commit");
  const auto code = [&](const subject_options& o) { return it->explore(o, {}).error().code(); };
  CHECK(code({.cores = 0}) == errc::bad_option);
  CHECK(code({.cores = 5}) == errc::bad_option);
  CHECK(code({.cores = 2, .operations = 3}) == errc::bad_option);
  CHECK(code({.planted = "nothing"}) == errc::unknown_name);
  CHECK(find_subject("nothing") == nullptr);
}
