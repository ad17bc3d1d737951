// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <algorithm>
#include <vector>

#include <cooper/vocabulary/random.hpp>
#include "timer_queue.hpp"

using namespace cooper;
using namespace cooper::detail;

TEST_CASE("timers come due in the order of their deadlines, then of setting") {
  timer_queue timers;
  std::vector<int> ran;
  const auto set = [&](std::int64_t when, int n) { return timers.add(instant{when}, [&ran, n] { ran.push_back(n); }); };
  set(30, 4);
  set(10, 1);
  set(20, 2);
  set(20, 3);
  CHECK(timers.next_deadline() == instant{10});
  CHECK_FALSE(timers.take_due(instant{9}));
  while (job due = timers.take_due(instant{20})) due();
  CHECK(ran == std::vector<int>{1, 2, 3});
  CHECK(timers.next_deadline() == instant{30});
  timers.take_due(instant{30})();
  CHECK(ran == std::vector<int>{1, 2, 3, 4});
  CHECK(timers.empty());
  CHECK(timers.next_deadline() == never);
}

TEST_CASE("a cancelled timer does not run, and can be cancelled once") {
  timer_queue timers;
  bool ran = false;
  const timer_id a = timers.add(instant{1}, [&ran] { ran = true; });
  const timer_id b = timers.add(instant{1}, [] {});
  CHECK(timers.cancel(a));
  CHECK_FALSE(timers.cancel(a));
  CHECK(timers.take_due(instant{5}));
  CHECK_FALSE(timers.cancel(b));
  CHECK_FALSE(timers.take_due(instant{5}));
  CHECK_FALSE(timers.cancel(timer_id{99}));
  CHECK_FALSE(ran);
}

TEST_CASE("a timer may set and cancel others while it runs") {
  timer_queue timers;
  std::vector<int> ran;
  const timer_id later = timers.add(instant{5}, [&] { ran.push_back(5); });
  timers.add(instant{1}, [&] {
    ran.push_back(1);
    CHECK(timers.cancel(later));
    timers.add(instant{1}, [&] { ran.push_back(2); });
  });
  while (job due = timers.take_due(instant{10})) due();
  CHECK(ran == std::vector<int>{1, 2});
}

TEST_CASE("many timers, set and cancelled at random, come out as a sorted list would have them") {
  class random dice {
    42
  };
  timer_queue timers;
  struct entry {
    std::int64_t when;
    std::size_t n;
    timer_id id;
    bool cancelled;
  };
  std::vector<entry> expected;
  std::vector<std::size_t> ran;
  for (std::size_t n = 0; n < 2000; ++n) {
    const auto when = static_cast<std::int64_t>(dice.below(300));
    expected.push_back({when, n, timers.add(instant{when}, [&ran, n] { ran.push_back(n); }), false});
    if (dice.below(3) == 0) {
      entry& victim = expected[dice.below(expected.size())];
      CHECK(timers.cancel(victim.id) != victim.cancelled);
      victim.cancelled = true;
    }
  }
  std::erase_if(expected, [](const entry& e) { return e.cancelled; });
  std::stable_sort(expected.begin(), expected.end(), [](const entry& a, const entry& b) { return a.when < b.when; });
  while (job due = timers.take_due(instant{300})) due();
  REQUIRE(ran.size() == expected.size());
  for (std::size_t i = 0; i < ran.size(); ++i) REQUIRE(ran[i] == expected[i].n);
}
