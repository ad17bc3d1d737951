// SPDX-License-Identifier: BSD-3-Clause
// Faults as data: their words, what is refused, and swarms that are drawn.
#include <cooper/runtime/faults.hpp>

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

using namespace cooper;
using namespace std::chrono_literals;

namespace {

std::string refusal(const std::vector<fault>& faults, std::size_t cores = 4) {
  const auto checked = check(faults, cores);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code() == errc::bad_option);
  return checked.error().detail();
}

std::string swarm_refusal(const swarm& plan, std::size_t cores = 4) {
  const auto drawn = draw_faults(plan, cores, 1);
  REQUIRE_FALSE(drawn);
  CHECK(drawn.error().code() == errc::bad_option);
  return drawn.error().detail();
}

std::uint32_t bit(fault_kind kind) { return 1u << static_cast<unsigned>(kind); }

}  // namespace

TEST_CASE("a fault says in a sentence what goes wrong, where, when and for how long") {
  const core_id c{3}, d{4};
  CHECK(words_of({.kind = fault_kind::stop, .begin = 2ms, .core = c}) == "core 3 stops at 2 ms");
  CHECK(words_of({.kind = fault_kind::pause, .begin = 2ms, .length = 1ms, .core = c}) ==
        "core 3 pauses from 2 ms for 1 ms");
  CHECK(words_of({.kind = fault_kind::slow, .begin = 0ns, .length = 1500us, .core = c, .factor = 10}) ==
        "core 3 is 10 times as slow from 0 ns for 1.5 ms");
  CHECK(words_of({.kind = fault_kind::delay, .begin = 1'000'001ns, .length = 2s, .core = c, .to = d, .by = 5us}) ==
        "lines from core 3 to core 4 take 5 us longer from 1000.001 us for 2 s");
  CHECK(words_of({.kind = fault_kind::fill, .begin = 1'250ns, .length = 7ns, .core = c, .to = d}) ==
        "the link from core 3 to core 4 takes no credit back from 1.25 us for 7 ns");
  CHECK(words_of({.kind = fault_kind::late, .begin = 1s, .length = 100s, .core = c, .by = 20ms}) ==
        "timers of core 3 ring 20 ms late from 1 s for 100 s");
}

TEST_CASE("faults that a machine can have are let through") {
  CHECK(check({}, 1));
  CHECK(check({{.kind = fault_kind::pause, .begin = 1ms, .length = 1ms, .core = core_id{0}},
               {.kind = fault_kind::pause, .begin = 2ms, .length = 1ms, .core = core_id{0}},
               {.kind = fault_kind::slow, .begin = 1ms, .length = 5ms, .core = core_id{0}, .factor = 1000},
               {.kind = fault_kind::fill, .begin = 1ms, .length = 5ms, .core = core_id{0}, .to = core_id{1}},
               {.kind = fault_kind::fill, .begin = 1ms, .length = 5ms, .core = core_id{0}, .to = core_id{2}},
               {.kind = fault_kind::stop, .core = core_id{3}}},
              4));
}

TEST_CASE("what a machine cannot have is refused by its number") {
  const fault pause{.kind = fault_kind::pause, .begin = 1ms, .length = 1ms, .core = core_id{1}};
  const fault delay{
      .kind = fault_kind::delay, .begin = 1ms, .length = 1ms, .core = core_id{1}, .to = core_id{2}, .by = 1us};
  const auto with = [](fault f, auto change) {
    change(f);
    return refusal({f});
  };
  CHECK(with(pause, [](fault& f) { f.core = core_id{4}; }) == "fault 1: core 4 is not there; the machine has 4");
  CHECK(with(delay, [](fault& f) { f.to = core_id{9}; }) == "fault 1: core 9 is not there; the machine has 4");
  CHECK(with(delay, [](fault& f) { f.to = f.core; }).find("both are core 1") != std::string::npos);
  CHECK(with(delay, [](fault& f) { f.by = 0ns; }) == "fault 1: what it adds is 0");
  CHECK(with(pause, [](fault& f) { f.begin = -1ns; }) == "fault 1: its begin is negative");
  CHECK(with(pause, [](fault& f) { f.length = 0ns; }) == "fault 1: its length is 0");
  CHECK(with(pause, [](fault& f) { f.length = duration::max(); }) == "fault 1: its length is over a year");
  CHECK(with(pause, [](fault& f) { f.kind = fault_kind::slow; }).find("may be 2 to 1000") != std::string::npos);
  CHECK(with(pause, [](fault& f) { f.kind = static_cast<fault_kind>(77); }).find("no such kind") != std::string::npos);
  CHECK(refusal({pause, delay, pause}).starts_with("fault 3: it is at the same time as fault 1"));
  CHECK(refusal({{.kind = fault_kind::stop, .begin = 1ms}, {.kind = fault_kind::stop, .begin = 9ms}})
            .starts_with("fault 2: it is at the same time as fault 1, 'core 0 stops at 1 ms'"));
}

TEST_CASE("equal seeds draw equal faults, the same on every compiler") {
  const swarm plan{.faults = 4, .within = 10ms};
  const auto a = draw_faults(plan, 8, 7), b = draw_faults(plan, 8, 7), c = draw_faults(plan, 8, 8);
  REQUIRE(a);
  REQUIRE(b);
  REQUIRE(c);
  CHECK(*a == *b);
  CHECK(*a != *c);
  std::string words;
  for (const auto& f : *a) words += words_of(f) + "\n";
  CHECK(words ==
        "the link from core 6 to core 5 takes no credit back from 1077.985 us for 504.426 us\n"
        "core 6 is 5 times as slow from 1239.344 us for 89.191 us\n"
        "lines from core 4 to core 2 take 548.306 us longer from 5609.346 us for 472.204 us\n"
        "lines from core 7 to core 2 take 465.55 us longer from 9519.797 us for 171.001 us\n");
}

TEST_CASE("what is drawn is good, in order, and within the plan; a stop only where it is asked for") {
  std::set<fault_kind> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const swarm plan{.faults = 12, .within = 1ms, .length_max = 200us, .by_max = 3us, .factor_max = 4};
    const auto drawn = draw_faults(plan, 3, seed);
    REQUIRE(drawn);
    CHECK(drawn->size() == 12);
    CHECK(check(*drawn, 3));
    CHECK(std::is_sorted(drawn->begin(), drawn->end(), [](const auto& x, const auto& y) { return x.begin < y.begin; }));
    for (const auto& f : *drawn) {
      seen.insert(f.kind);
      CHECK(f.begin < 1ms);
      CHECK(f.length <= 200us);
      CHECK(f.by <= 3us);
      CHECK(f.factor <= 4);
    }
  }
  CHECK(seen.size() == fault_kind_count - 1);
  CHECK(seen.count(fault_kind::stop) == 0);
  const auto stops = draw_faults({.faults = 3, .within = 1ms, .kinds = bit(fault_kind::stop)}, 3, 1);
  REQUIRE(stops);
  std::set<core_id> stopped;
  for (const auto& f : *stops) stopped.insert(f.core);
  CHECK(stopped.size() == 3);
}

TEST_CASE("limits that are left out are a tenth of the time") {
  const auto drawn = draw_faults({.faults = 50, .within = 1s}, 16, 3);
  REQUIRE(drawn);
  for (const auto& f : *drawn) {
    CHECK(f.length <= 100ms);
    CHECK(f.by <= 100ms);
  }
  CHECK(draw_faults({.faults = 1, .within = 1ns}, 2, 1));
  CHECK(draw_faults({.faults = 0}, 2, 1)->empty());
}

TEST_CASE("one core has no links to draw") {
  const auto drawn = draw_faults({.faults = 5, .within = 1s}, 1, 1);
  REQUIRE(drawn);
  CHECK(check(*drawn, 1));
  CHECK(swarm_refusal({.faults = 1, .within = 1s, .kinds = bit(fault_kind::fill)}, 1).find("no kind is left") !=
        std::string::npos);
}

TEST_CASE("a swarm that cannot be is refused") {
  CHECK(swarm_refusal({.faults = 1}).find("'within' is 0") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1, .within = -1ns}).find("'within' is negative") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1, .within = 1s, .length_max = -1ns}).find("'length_max'") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1, .within = 1s, .by_max = duration::max()}).find("'by_max'") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1, .within = 1s, .factor_max = 1}).find("'factor_max'") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1, .within = 1s, .kinds = 0}).find("no kind is left") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1, .within = 1s, .kinds = 64}).find("bits of no kind") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1'000'000, .within = 1s}).find("over the limit") != std::string::npos);
  CHECK(swarm_refusal({.faults = 1, .within = 1s}, 0).find("0 cores") != std::string::npos);
  CHECK(swarm_refusal({.faults = 5, .within = 1s, .kinds = bit(fault_kind::stop)}).find("4 that do not overlap") !=
        std::string::npos);
}
