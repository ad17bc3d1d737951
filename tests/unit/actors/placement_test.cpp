// SPDX-License-Identifier: BSD-3-Clause
// When an actor had better live elsewhere: beside the core that wakes it again and again, or away from long runs.
#include <chrono>
#include <initializer_list>
#include <optional>

#include <doctest/doctest.h>

#include "placement.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace std::chrono_literals;

namespace {

constexpr core_id lower{1}, lowest{0}, home{2}, higher{3};
constexpr std::uint64_t alice = 17, bob = 18;

// Which of so many wakes in a row moves the actor: the first is 1.
std::optional<int> wake_that_moves(placement& p, std::uint64_t actor, core_id from, int wakes) {
  for (int n = 1; n <= wakes; ++n) {
    if (p.woken_from(actor, from, home)) return n;
  }
  return {};
}

void run_often(placement& p, duration each) {
  for (int i = 0; i < 100; ++i) p.ran(1, each);
}

}  // namespace

TEST_CASE("sixteen wakes in a row from one lower core move an actor, and then the count starts again") {
  placement p;
  for (int round = 0; round < 3; ++round) CHECK(wake_that_moves(p, alice, lower, 100) == 16);
}

TEST_CASE("an actor never moves to a core with a higher number") {
  placement p;
  CHECK_FALSE(wake_that_moves(p, alice, higher, 1000));
  CHECK(wake_that_moves(p, alice, lower, 100) == 16);
}

TEST_CASE("a wake from another core starts the count again") {
  for (const core_id other : {lowest, higher}) {
    placement p;
    CHECK_FALSE(wake_that_moves(p, alice, lower, 15));
    CHECK_FALSE(p.woken_from(alice, other, home));
    CHECK(wake_that_moves(p, alice, lower, 100) == 16);
  }
}

TEST_CASE("cores that wake an actor by turns never draw it to themselves") {
  placement p;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE_FALSE(p.woken_from(alice, lower, home));
    REQUIRE_FALSE(p.woken_from(alice, lowest, home));
  }
}

TEST_CASE("each actor's wakes count for itself") {
  placement p;
  for (int i = 1; i < 16; ++i) {
    REQUIRE_FALSE(p.woken_from(alice, lower, home));
    REQUIRE_FALSE(p.woken_from(bob, lowest, home));
  }
  CHECK(p.woken_from(alice, lower, home));
  CHECK(p.woken_from(bob, lowest, home));
}

TEST_CASE("no number of an actor makes another's wakes its own") {
  // There are fewer places than numbers: whoever is woken takes the place.
  for (const std::uint64_t step : std::initializer_list<std::uint64_t>{1, 64, 256, 1024, 4096, 65536}) {
    placement p;
    CHECK_FALSE(wake_that_moves(p, alice, lower, 15));
    CHECK_FALSE(p.woken_from(alice + step, lower, home));
    CHECK_FALSE(wake_that_moves(p, alice + step, lower, 14));
    CHECK(p.woken_from(alice + step, lower, home));
  }
}

TEST_CASE("under another policy nothing moves") {
  for (const auto policy : {placement_policy::spread, placement_policy::pack, placement_policy::spawner}) {
    placement p;
    CHECK(p.adaptive());
    p.use(policy);
    CHECK_FALSE(p.adaptive());
    CHECK(p.policy() == policy);
    CHECK_FALSE(wake_that_moves(p, alice, lower, 1000));
    run_often(p, 1ms);
    CHECK(p.long_runs());
    CHECK_FALSE(p.overloaded(1000));
    p.use(placement_policy::adaptive);
    CHECK(p.overloaded(1000));
  }
}

TEST_CASE("actors move together while runs are short, and apart when they are long") {
  placement p;
  CHECK_FALSE(p.long_runs());
  run_often(p, 3us);
  CHECK_FALSE(p.long_runs());
  CHECK_FALSE(p.overloaded(1000));
  CHECK(wake_that_moves(p, alice, lower, 100) == 16);

  run_often(p, 30us);
  CHECK(p.long_runs());
  CHECK_FALSE(wake_that_moves(p, alice, lower, 1000));
  CHECK_FALSE(p.overloaded(0));
  CHECK_FALSE(p.overloaded(1));
  CHECK(p.overloaded(2));
  CHECK(p.overloaded(1000));

  run_often(p, 3us);
  CHECK_FALSE(p.long_runs());
  CHECK_FALSE(p.overloaded(1000));
  CHECK(wake_that_moves(p, alice, lower, 100) == 16);
}

TEST_CASE("between short and long nothing moves, whichever it was before") {
  for (const duration before : {duration{0}, duration{1ms}}) {
    placement p;
    run_often(p, before);
    run_often(p, 10us);
    CHECK_FALSE(p.long_runs());
    CHECK_FALSE(p.overloaded(1000));
    CHECK_FALSE(wake_that_moves(p, alice, lower, 1000));
  }
}

TEST_CASE("one run of another length changes nothing, many do") {
  placement p;
  run_often(p, 1us);
  p.ran(1, 20us);
  CHECK(wake_that_moves(p, alice, lower, 100) == 16);
  CHECK_FALSE(p.long_runs());

  run_often(p, 100us);
  CHECK(p.long_runs());
  p.ran(1, 0us);
  CHECK(p.long_runs());
  run_often(p, 0us);
  CHECK_FALSE(p.long_runs());
}

TEST_CASE("runs count by their mean, and no run at all for nothing") {
  placement p;
  for (int i = 0; i < 100; ++i) p.ran(10, 30us);
  CHECK(wake_that_moves(p, alice, lower, 100) == 16);
  for (int i = 0; i < 100; ++i) p.ran(0, 1h);
  CHECK(wake_that_moves(p, alice, lower, 100) == 16);
  for (int i = 0; i < 100; ++i) p.ran(10, 300us);
  CHECK(p.long_runs());
}
