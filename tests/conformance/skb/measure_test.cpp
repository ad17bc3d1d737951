// SPDX-License-Identifier: BSD-3-Clause
// Measuring on real machines: what is there, and what is said where it cannot be. No time is asserted: this machine may
// be busy with anything.
#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include <cooper/skb/facts.hpp>
#include <cooper/skb/measure.hpp>

#include "machines.hpp"

using namespace cooper;
using namespace cooper::skb;
using namespace std::chrono_literals;
using cooper::test::watchdog;

namespace {

measure_options brief() {
  measure_options options;
  options.time_per_pair = 1ms;
  return options;
}

bool has_two_cores() { return topology::discover()->allowed_cores().size() >= 2; }

cost_snapshot measured(result<cost_snapshot> made) {
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
  return *std::move(made);
}

void whole(const cost_snapshot& costs) {
  for (const link_cost& l : costs.links) {
    CHECK(l.send.count() >= 1);
    CHECK(l.transit.count() >= 0);
    CHECK(l.receive.count() >= 1);
    CHECK(l.least <= l.median);
    CHECK(l.median <= l.most);
    CHECK(l.spread.count() >= 0);
    CHECK(l.samples > 0);
    CHECK((l.transit.count() == 0 || l.send + l.transit + l.receive == l.median));
  }
  for (const term& fact : facts_of(costs)) {
    const auto good = check_fact(fact);
    CHECK_MESSAGE(good, (good ? "" : good.error().message()));
  }
  CHECK(costs.reliable == costs.why_not.empty());
}

}  // namespace

TEST_CASE_TEMPLATE("every ordered pair of cores has its costs", Cores, COOPER_REAL_MACHINES) {
  if (!has_two_cores()) return;
  const watchdog dog{120s};
  const auto m = Cores::make(2);
  std::vector<std::size_t> progress;
  measure_options options = brief();
  options.progress = [&](std::size_t done, std::size_t all) {
    CHECK(all == 2);
    progress.push_back(done);
    return true;
  };
  const cost_snapshot costs = measured(measure_costs(*m, options));
  CHECK(costs.topology_hash == m->where().hash());
  CHECK(costs.unix_time > 0);
  CHECK(costs.wake.count() >= 0);
  CHECK(progress == std::vector<std::size_t>{2});

  const std::vector<core_id> allowed = m->where().allowed_cores();
  std::set<std::pair<core_id, core_id>> pairs;
  for (const link_cost& l : costs.links) pairs.emplace(l.from, l.to);
  CHECK(costs.links.size() == 2);
  CHECK(pairs == std::set{std::pair{allowed[0], allowed[1]}, std::pair{allowed[1], allowed[0]}});
  REQUIRE(costs.classes.size() == 1);
  CHECK(costs.classes[0].kind == m->where().relation(allowed[0], allowed[1]));
  CHECK(costs.classes[0].links == 2);
  whole(costs);
}

TEST_CASE("links name hardware threads, not drivers") {
  if (!has_two_cores()) return;
  const watchdog dog{120s};
  machine_options options = test::native_options(2);
  std::reverse(options.cores.begin(), options.cores.end());
  const core_id first = options.cores[0];
  const auto m = test::boot(std::move(options));
  const cost_snapshot costs = measured(measure_costs(*m, brief()));
  REQUIRE(costs.links.size() == 2);
  CHECK(costs.links[0].from == first);
}

TEST_CASE("a machine can be measured again, and works on") {
  if (!has_two_cores()) return;
  const watchdog dog{120s};
  const auto m = test::membarrier_cores::make(2);
  for (int i = 0; i < 3; ++i) whole(measured(measure_costs(*m, brief())));
  CHECK(test::ask(*m, 1, [](core& here) { return here.id(); }) == core_id{1});
  CHECK(m->stop());
}

TEST_CASE("a driver that never polls is measured all the same") {
  if (!has_two_cores()) return;
  const watchdog dog{120s};
  machine_options options = test::native_options(2);
  options.poll_budget = duration::zero();
  const auto m = test::boot(std::move(options));
  const cost_snapshot costs = measured(measure_costs(*m, brief()));
  CHECK(costs.links.size() == 2);
  whole(costs);
}

TEST_CASE("one running core has no links") {
  const watchdog dog{60s};
  const auto m = test::membarrier_cores::make(1);
  const cost_snapshot costs = measured(measure_costs(*m, brief()));
  CHECK(costs.links.empty());
  CHECK(costs.classes.empty());
  CHECK(costs.reliable);
  CHECK(costs.topology_hash == m->where().hash());
  whole(costs);
}

TEST_CASE("drivers of one hardware thread have no links among themselves") {
  const watchdog dog{60s};
  machine_options options = test::native_options(1);
  options.cores.push_back(options.cores[0]);
  options.allow_oversubscription = true;
  const auto m = test::boot(std::move(options));
  CHECK(measured(measure_costs(*m, brief())).links.empty());
}

TEST_CASE("a core that is down takes no part") {
  if (!has_two_cores()) return;
  const watchdog dog{60s};
  const auto m = test::membarrier_cores::make(2);
  REQUIRE(m->down(core_id{1}));
  CHECK(measured(measure_costs(*m, brief())).links.empty());
  REQUIRE(m->up(core_id{1}));
  CHECK(measured(measure_costs(*m, brief())).links.size() == 2);
}

TEST_CASE("a core that goes down meanwhile is named") {
  if (!has_two_cores()) return;
  const watchdog dog{120s};
  const auto m = test::membarrier_cores::make(2);
  measure_options options = brief();
  options.time_per_pair = 10s;
  std::optional<result<cost_snapshot>> got;
  std::thread measures{[&] { got.emplace(measure_costs(*m, options)); }};
  // It is under way once thousands of lines have moved.
  test::wait_until(*m, 0, [](core& here) { return here.metrics().lines_sent.read() > 1000; });
  CHECK(m->down(core_id{1}, 60s));
  measures.join();
  REQUIRE_FALSE(*got);
  CHECK(got->error().code() == errc::core_down);
  CHECK(got->error().detail().find("core 1 (PU ") != std::string::npos);
  REQUIRE(m->up(core_id{1}));
  CHECK(measured(measure_costs(*m, brief())).links.size() == 2);
}

TEST_CASE("a machine that stops meanwhile ends it") {
  if (!has_two_cores()) return;
  const watchdog dog{120s};
  const auto m = test::membarrier_cores::make(2);
  REQUIRE(m->stop());
  const auto got = measure_costs(*m, brief());
  REQUIRE_FALSE(got);
  CHECK(got.error().code() == errc::stopped);
}

TEST_CASE("more pairs than wanted give classes and no links") {
  if (!has_two_cores()) return;
  const watchdog dog{60s};
  const auto m = test::membarrier_cores::make(2);
  measure_options options = brief();
  options.pairs_max = 1;
  const cost_snapshot costs = measured(measure_costs(*m, options));
  CHECK(costs.links.empty());
  REQUIRE(costs.classes.size() == 1);
  CHECK(costs.classes[0].links == 2);
  whole(costs);
}

TEST_CASE("a driver that is not pinned makes costs unreliable") {
  if (!has_two_cores()) return;
  const watchdog dog{60s};
  machine_options options = test::native_options(2);
  options.pin = false;
  const auto m = test::boot(std::move(options));
  const cost_snapshot costs = measured(measure_costs(*m, brief()));
  CHECK_FALSE(costs.reliable);
  CHECK_FALSE(costs.why_not.empty());
}

TEST_CASE("who does not want to go on gets no half of a snapshot") {
  if (!has_two_cores()) return;
  const watchdog dog{60s};
  const auto m = test::membarrier_cores::make(2);
  measure_options options = brief();
  options.progress = [](std::size_t, std::size_t) { return false; };
  CHECK(measure_costs(*m, options).error().code() == errc::cancelled);
  CHECK(measured(measure_costs(*m, brief())).links.size() == 2);
}

TEST_CASE("what cannot be measured is said") {
  const watchdog dog{60s};
  CHECK(measure_costs(*test::simulated_cores::make(2)).error().code() == errc::not_supported_here);
  const auto m = test::membarrier_cores::make(1);
  for (const duration bad : {duration{0}, duration{-1}, duration{999}, duration{120s}}) {
    measure_options options;
    options.time_per_pair = bad;
    CHECK(measure_costs(*m, options).error().code() == errc::bad_option);
  }
  const errc from_a_core = test::ask(*m, 0, [&](core&) { return measure_costs(*m).error().code(); });
  CHECK(from_a_core == errc::bad_option);
}

TEST_CASE("cores that the caller steps are measured too") {
  if (!has_two_cores()) return;
  const watchdog dog{120s};
  machine_options options = test::native_options(2);
  options.stepped = {core_id{0}};
  const auto m = test::boot(std::move(options));
  REQUIRE(m->adopt(core_id{0}));
  const cost_snapshot costs = measured(measure_costs(*m, brief()));
  CHECK(costs.links.size() == 2);
  whole(costs);
  CHECK(m->stop());
}
