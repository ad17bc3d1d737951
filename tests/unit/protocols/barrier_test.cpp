// SPDX-License-Identifier: BSD-3-Clause
// The barrier under the explorer; each planted bug is found; and step by step, with what makes no sense.
#include <doctest/doctest.h>

#include <cooper/protocols/barrier.hpp>
#include "exploring.hpp"
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::protocols;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

using node = hosted_barrier;

// Below core 0, above core 2.
node middle() {
  node n{core_id{1}};
  const std::vector<tree_child> children{{.core = 2, .cores = 1}};
  REQUIRE(n.install(node::route::below(core_id{0}, children, 1)));
  return n;
}

node::message says(node::kind what, std::uint32_t episode) { return {.episode = episode, .what = what}; }
constexpr auto arrival = node::kind::arrival, release = node::kind::release, ask = node::kind::ask;

}  // namespace

TEST_CASE("nobody is released before all have arrived, and then all are, in every order of lines") {
  const watchdog dog{60s};
  for (const std::size_t cores : {1u, 2u, 3u, 4u}) holds("barrier", {.cores = cores});
  holds("barrier", {.cores = 2, .operations = 2});
  holds("barrier", {.cores = 3, .operations = 3});
  holds("barrier", {.cores = 4, .operations = 2});
}

TEST_CASE("it holds if a core stops in the middle of any step and lines come twice") {
  const watchdog dog{120s};
  holds("barrier", {.cores = 3, .operations = 2, .allowed = {.stops = 1}});
  holds("barrier", {.cores = 3, .operations = 2, .allowed = {.stops = 2}});
  holds("barrier", {.cores = 3, .operations = 2, .allowed = {.duplicates = 2}});
  holds("barrier", {.cores = 3, .operations = 2, .allowed = {.stops = 1, .duplicates = 1}});
  holds("barrier", {.cores = 4, .operations = 2, .allowed = {.stops = 1}});
  if (sanitized) return;
  holds("barrier", {.cores = 4, .operations = 2, .allowed = {.stops = 2}});
  holds("barrier", {.cores = 4, .operations = 2, .allowed = {.stops = 1, .duplicates = 1}});
  holds("barrier", {.cores = 3, .operations = 3, .allowed = {.stops = 2, .duplicates = 1}});
}

TEST_CASE("each planted bug is found, in a few lines") {
  const watchdog dog{60s};
  found("barrier", "release_early", {.cores = 4});
  found("barrier", "forget_arrival", {});
  found("barrier", "stale_arrival", {.operations = 2, .allowed = {.duplicates = 1}});
  found("barrier", "silent_life", {.allowed = {.stops = 1}});
}

TEST_CASE("a core waits for its children, and they for it") {
  node n = middle();
  recorder<node> out;
  n.receive(core_id{2}, says(arrival, 1), out);
  CHECK(out.silent());
  CHECK(n.arrive(out) == 1);
  CHECK(n.waits());
  CHECK(n.arrive(out) == 0);
  REQUIRE(out.sent.size() == 1);
  CHECK(out.sent[0].first == core_id{0});
  CHECK(out.sent[0].second.what == arrival);
  out.clear();
  n.receive(core_id{0}, says(release, 1), out);
  REQUIRE(out.sent.size() == 1);
  CHECK(out.sent[0].first == core_id{2});
  REQUIRE(out.reports.size() == 1);
  CHECK(out.reports[0].what == node::event::released);
  CHECK(n.arrive(out) == 2);
}

TEST_CASE("a new life has still arrived, and asks who else has") {
  node n = middle();
  recorder<node> out;
  n.arrive(out);
  n.receive(core_id{2}, says(arrival, 1), out);
  out.clear();
  n.restarted(out);
  REQUIRE(out.sent.size() == 1);
  CHECK(out.sent[0].second.what == ask);
  out.clear();
  n.receive(core_id{2}, says(arrival, 1), out);
  REQUIRE(out.sent.size() == 1);
  CHECK(out.sent[0].first == core_id{0});
}

TEST_CASE("what makes no sense is ignored") {
  node n = middle();
  recorder<node> out;
  const auto ignored = [&](core_id from, const node::message& m) {
    n.receive(from, m, out);
    CHECK(out.silent());
  };
  ignored(core_id{0}, says(release, 1));  // this core has not arrived
  ignored(core_id{0}, says(ask, 1));
  n.arrive(out);
  out.clear();
  ignored(core_id{0}, says(arrival, 1));  // from the parent
  ignored(core_id{7}, says(arrival, 1));
  ignored(core_id{0xffff}, says(arrival, 1));
  ignored(core_id{2}, says(arrival, 2));  // too early
  ignored(core_id{2}, says(arrival, 0));
  ignored(core_id{2}, says(release, 1));  // from a child
  ignored(core_id{2}, says(ask, 1));
  ignored(core_id{0}, says(release, 2));
  ignored(core_id{0}, says(static_cast<node::kind>(9), 1));
  n.expired(0, out);
  CHECK(out.silent());
  CHECK(n.waits());

  node nowhere{core_id{1}};
  CHECK(nowhere.arrive(out) == 0);
  nowhere.receive(core_id{0}, says(release, 1), out);
  nowhere.restarted(out);
  CHECK(out.silent());
  // A barrier in use keeps its route.
  CHECK(!n.install(node::route::root({}, 0)));
}
