// SPDX-License-Identifier: BSD-3-Clause
// Multicast and broadcast under the explorer; each planted bug is found; and step by step, with what makes no sense.
#include <doctest/doctest.h>

#include <cooper/protocols/multicast.hpp>
#include "exploring.hpp"
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::protocols;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

using node = hosted_multicast;
using route = node::route;

// In the middle of a tree: below core 0, above cores 2 and 3, of which 2 has one more below it.
node middle() {
  node n{core_id{1}};
  const std::vector<tree_child> children{{.core = 2, .cores = 2}, {.core = 3, .cores = 1}};
  REQUIRE(n.install(3, route::below(core_id{0}, children, 2)));
  n.contribute(3, 100);
  return n;
}

node::message tell(std::uint32_t round) {
  return {.told = {7}, .round = round, .tree = 3, .what = node::kind::tell, .how = combining::sum};
}
node::message answer(std::uint32_t round, std::uint64_t value, std::uint16_t missing = 0) {
  return {.value = value, .round = round, .missing = missing, .tree = 3, .what = node::kind::answer};
}

}  // namespace

TEST_CASE("a round reaches all and comes back as one value, in every order of lines") {
  const watchdog dog{60s};
  for (const char* subject : {"multicast", "broadcast"}) {
    for (const std::size_t cores : {1u, 2u, 3u, 4u}) {
      for (std::size_t operations = 1; operations <= std::min<std::size_t>(cores, 3); ++operations) {
        holds(subject, {.cores = cores, .operations = operations});
      }
    }
  }
}

TEST_CASE("it holds if a core stops in the middle of any step, timers run out and lines come twice") {
  const watchdog dog{120s};
  for (const char* subject : {"multicast", "broadcast"}) {
    holds(subject, {.cores = 3, .operations = 2, .allowed = {.stops = 1}});
    holds(subject, {.cores = 3, .operations = 2, .allowed = {.expirations = 2}});
    holds(subject, {.cores = 4, .operations = 2, .allowed = {.duplicates = 1}});
    holds(subject, {.cores = 3, .operations = 2, .allowed = {.stops = 1, .expirations = 1, .duplicates = 1}});
    holds(subject, {.cores = 4, .operations = 1, .allowed = {.stops = 1, .expirations = 1, .duplicates = 1}});
    holds(subject, {.cores = 3, .operations = 3, .allowed = {.expirations = 2}});
    if (sanitized) continue;
    holds(subject, {.cores = 4, .operations = 2, .allowed = {.stops = 1, .expirations = 1}});
    holds(subject, {.cores = 4, .operations = 2, .allowed = {.stops = 2}});
    holds(subject, {.cores = 4, .operations = 3, .allowed = {.expirations = 2}});
    holds(subject, {.cores = 3, .operations = 3, .allowed = {.stops = 1, .expirations = 1, .duplicates = 1}});
  }
}

TEST_CASE("each planted bug is found, in a few lines") {
  const watchdog dog{60s};
  for (const char* subject : {"multicast", "broadcast"}) {
    found(subject, "answer_early", {.cores = 4});
    found(subject, "double_delivery", {.allowed = {.duplicates = 1}});
    found(subject, "lost_child", {});
    found(subject, "stale_round", {.operations = 3, .allowed = {.expirations = 1}});
  }
}

TEST_CASE("a core delivers, tells its children in their order, and answers once all of them have") {
  node n = middle();
  recorder<node> out;
  n.receive(core_id{0}, tell(1), out);
  REQUIRE(out.reports.size() == 1);
  CHECK(out.reports[0].what == node::event::delivered);
  CHECK(out.reports[0].told[0] == 7);
  REQUIRE(out.sent.size() == 2);
  CHECK(out.sent[0].first == core_id{2});
  CHECK(out.sent[1].first == core_id{3});
  REQUIRE(out.timers_set.size() == 1);
  CHECK(out.timers_set[0].second == 2 * node::patience);
  out.clear();
  n.receive(core_id{3}, answer(1, 1), out);
  CHECK(out.silent());
  n.receive(core_id{2}, answer(1, 10), out);
  REQUIRE(out.sent.size() == 1);
  CHECK(out.sent[0].first == core_id{0});
  CHECK(out.sent[0].second.value == 111);
  CHECK(out.sent[0].second.missing == 0);
  CHECK(out.timers_cancelled.size() == 1);
  CHECK(n.idle());
}

TEST_CASE("who has waited long enough says how many are missing, and late answers change nothing") {
  node n = middle();
  recorder<node> out;
  n.receive(core_id{0}, tell(5), out);
  n.receive(core_id{3}, answer(5, 1), out);
  const std::uint8_t timer = out.timers_set.at(0).first;
  out.clear();
  n.expired(timer, out);
  REQUIRE(out.sent.size() == 1);
  CHECK(out.sent[0].second.value == 101);
  CHECK(out.sent[0].second.missing == 2);
  out.clear();
  n.receive(core_id{2}, answer(5, 10), out);
  n.expired(timer, out);
  CHECK(out.silent());
}

TEST_CASE("each way of combining does what its name says") {
  CHECK(combined(combining::and_, 6, 3) == 2);
  CHECK(combined(combining::or_, 6, 3) == 7);
  CHECK(combined(combining::sum, 6, 3) == 9);
  CHECK(combined(combining::min, 6, 3) == 3);
  CHECK(combined(combining::max, 6, 3) == 6);
  // Counting takes no core's value but 1.
  node n = middle();
  recorder<node> out;
  node::message m = tell(1);
  m.how = combining::count;
  n.receive(core_id{0}, m, out);
  n.receive(core_id{2}, answer(1, 2), out);
  n.receive(core_id{3}, answer(1, 1), out);
  CHECK(out.sent.back().second.value == 4);
}

TEST_CASE("a root has as many rounds under way as it has places, and publishes one line if its route says so") {
  const std::vector<tree_child> children{{.core = 1, .cores = 1}, {.core = 2, .cores = 1}};
  node n{core_id{0}};
  REQUIRE(n.install(0, route::root(children, 1).published()));
  recorder<node> out;
  for (std::uint32_t round = 1; round <= multicast_capacity{}.rounds; ++round) {
    CHECK(n.begin(0, {}, combining::count, out) == round);
  }
  CHECK(n.begin(0, {}, combining::count, out) == 0);
  CHECK(out.published.size() == multicast_capacity{}.rounds);
  CHECK(out.sent.empty());
  CHECK(n.begin(1, {}, combining::count, out) == 0);
  CHECK(n.begin(200, {}, combining::count, out) == 0);
  CHECK(middle().begin(3, {}, combining::count, out) == 0);
}

TEST_CASE("a round number is not used in two lives of a root") {
  node n{core_id{0}};
  const std::vector<tree_child> children{{.core = 1, .cores = 1}};
  REQUIRE(n.install(0, route::root(children, 1)));
  recorder<node> out;
  CHECK(n.begin(0, {}, combining::sum, out) == 1);
  n.restarted(out);
  CHECK(n.idle());
  CHECK(n.begin(0, {}, combining::sum, out) == 2);
}

TEST_CASE("what makes no sense is ignored") {
  node n = middle();
  recorder<node> out;
  const auto ignored = [&](core_id from, node::message m) {
    n.receive(from, m, out);
    CHECK(out.silent());
  };
  node::message m = tell(1);
  ignored(core_id{2}, m);       // from a child
  ignored(core_id{0xffff}, m);  // from nobody
  m.tree = 2;
  ignored(core_id{0}, m);  // no such tree here
  m.tree = 255;
  ignored(core_id{0}, m);
  m = tell(0);
  ignored(core_id{0}, m);
  m = tell(1);
  m.how = static_cast<combining>(77);
  ignored(core_id{0}, m);
  m = tell(1);
  m.what = static_cast<node::kind>(9);
  ignored(core_id{0}, m);
  ignored(core_id{2}, answer(1, 1));  // to what was not told

  n.receive(core_id{0}, tell(1), out);
  out.clear();
  ignored(core_id{0}, tell(1));  // again
  ignored(core_id{7}, answer(1, 1));
  ignored(core_id{0}, answer(1, 1));
  ignored(core_id{2}, answer(5, 1));
  ignored(core_id{2}, answer(1, 1, 0xffff));
  ignored(core_id{2}, answer(1, 1));
  ignored(core_id{2}, answer(1, 1));  // again
  n.expired(255, out);
  n.expired(0, out);
  CHECK(out.silent());
  CHECK(!n.idle());
}

TEST_CASE("a route that does not fit is not taken") {
  node n{core_id{1}};
  const auto fits = [&](const route& r) { return n.install(0, r); };
  const std::vector<tree_child> self{{.core = 1, .cores = 1}}, twice{{.core = 2, .cores = 1}, {.core = 2, .cores = 1}},
      nobody{{.core = 1024, .cores = 1}}, none{{.core = 2, .cores = 0}}, many{{.core = 2, .cores = 1024}},
      good{{.core = 2, .cores = 1}}, long_list(5000);
  CHECK(!fits(route{}));
  CHECK(!fits(route::root(self, 1)));
  CHECK(!fits(route::root(twice, 1)));
  CHECK(!fits(route::root(nobody, 1)));
  CHECK(!fits(route::root(none, 1)));
  CHECK(!fits(route::root(many, 1)));
  CHECK(!fits(route::root(long_list, 1)));
  CHECK(!fits(route::below(core_id{1}, good, 1)));
  CHECK(!fits(route::below(core_id{2}, good, 1)));
  CHECK(!fits(route::below(core_id{2000}, good, 1)));
  CHECK(!fits(route::below(core_id{0}, good, 1).published()));
  CHECK(fits(route::below(core_id{0}, good, 1)));
  CHECK(!n.install(200, route::root(good, 1)));
}
