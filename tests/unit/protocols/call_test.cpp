// SPDX-License-Identifier: BSD-3-Clause
// Calls under the explorer; each planted bug is found; and step by step, with what makes no sense.
#include <doctest/doctest.h>

#include <cooper/protocols/call.hpp>
#include "exploring.hpp"
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::protocols;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

using node = hosted_call;

node::message request(call_id id, std::uint64_t asked = 7) { return {.id = id, .data = {asked}}; }
node::message answer(call_id id, std::uint64_t with = 8) {
  return {.id = id, .data = {with}, .what = node::kind::answer};
}
constexpr call_id first{.caller = 0, .place = 0, .sequence = 1};

}  // namespace

TEST_CASE("each call is executed once and answered, in every order of lines") {
  const watchdog dog{60s};
  for (const std::size_t cores : {1u, 2u, 3u, 4u}) {
    holds("call", {.cores = cores});
    if (cores > 1) holds("call", {.cores = cores, .operations = 2});
  }
}

TEST_CASE("no call is executed twice, and each ends, if cores stop in any step, timers run out and lines come twice") {
  const watchdog dog{120s};
  holds("call", {.cores = 3, .operations = 2, .allowed = {.stops = 1}});
  holds("call", {.cores = 3, .operations = 2, .allowed = {.expirations = 3}});
  holds("call", {.cores = 3, .operations = 2, .allowed = {.duplicates = 2}});
  holds("call", {.cores = 2, .operations = 2, .allowed = {.stops = 2, .expirations = 3, .duplicates = 1}});
  if (sanitized) return;
  holds("call", {.cores = 3, .operations = 2, .allowed = {.stops = 1, .expirations = 2, .duplicates = 1}});
  holds("call", {.cores = 4, .allowed = {.stops = 1, .expirations = 1, .duplicates = 1}});
}

TEST_CASE("each planted bug is found, in a few lines") {
  const watchdog dog{60s};
  found("call", "execute_twice", {.cores = 2, .allowed = {.duplicates = 1}});
  found("call", "mix_answers", {.cores = 2, .operations = 2, .allowed = {.expirations = 2}});
  found("call", "forgotten_calls", {.cores = 2, .allowed = {.stops = 1, .expirations = 1}});
  found("call", "reused_numbers", {.cores = 2, .operations = 2, .allowed = {.stops = 1}});
}

TEST_CASE("a request is executed once, and answered as often as it comes") {
  node callee{core_id{1}};
  recorder<node> out;
  callee.receive(core_id{0}, request(first), out);
  REQUIRE(out.reports.size() == 1);
  CHECK(out.reports[0].what == node::event::executed);
  CHECK(out.reports[0].asked[0] == 7);
  callee.receive(core_id{0}, request(first), out);
  CHECK(out.reports.size() == 1);
  CHECK(out.sent.empty());
  CHECK(callee.answer(first, {9}, out));
  CHECK(!callee.answer(first, {10}, out));
  callee.receive(core_id{0}, request(first), out);
  REQUIRE(out.sent.size() == 2);
  CHECK(out.sent[1].second.data[0] == 9);
  CHECK(out.reports.size() == 1);
}

TEST_CASE("a callee's new life executes nothing again, and has lost the answer") {
  node callee{core_id{1}};
  recorder<node> out;
  callee.receive(core_id{0}, request(first), out);
  callee.answer(first, {9}, out);
  callee.restarted(out);
  out.clear();
  callee.receive(core_id{0}, request(first), out);
  CHECK(!callee.answer(first, {9}, out));
  CHECK(out.silent());
}

TEST_CASE("a caller asks again at equal intervals within its deadline, and then gives up") {
  node caller{core_id{0}};
  recorder<node> out;
  const call_id id = caller.begin(core_id{1}, {7}, 300, out);
  CHECK(id == first);
  constexpr std::size_t said = call_capacity{}.retries + 1;
  for (std::size_t i = 0; i < said; ++i) {
    CHECK(out.sent.size() == i + 1);
    CHECK(out.timers_set.at(i).second == 300 / said);
    CHECK(out.reports.empty());
    caller.expired(out.timers_set[i].first, out);
  }
  CHECK(out.sent.size() == said);
  REQUIRE(out.reports.size() == 1);
  CHECK(out.reports[0].what == node::event::timed_out);
  CHECK(caller.idle());
  // Too late, and it is not taken for the answer to the next call in this place either.
  out.clear();
  caller.receive(core_id{1}, answer(first), out);
  CHECK(out.silent());
  caller.begin(core_id{1}, {8}, 300, out);
  out.clear();
  caller.receive(core_id{1}, answer(first), out);
  CHECK(out.silent());
}

TEST_CASE("a caller has as many calls under way as it has places, and counts on in its next life") {
  node caller{core_id{0}};
  recorder<node> out;
  for (std::uint32_t i = 1; i <= call_capacity{}.calls; ++i) CHECK(caller.begin(core_id{1}, {}, 0, out).sequence == i);
  CHECK(caller.begin(core_id{1}, {}, 0, out) == call_id{});
  caller.restarted(out);
  CHECK(caller.idle());
  CHECK(caller.begin(core_id{1}, {}, 0, out).sequence == call_capacity{}.calls + 1u);
}

TEST_CASE("what makes no sense is ignored") {
  recorder<node> out;
  node n{core_id{1}};
  CHECK(n.begin(core_id{1}, {}, 100, out) == call_id{});
  CHECK(n.begin(core_id{5000}, {}, 100, out) == call_id{});
  const auto ignored = [&](core_id from, const node::message& m) {
    n.receive(from, m, out);
    CHECK(out.silent());
  };
  ignored(core_id{2}, request(first));  // in another's name
  ignored(core_id{5000}, request({.caller = 5000, .sequence = 1}));
  ignored(core_id{1}, request({.caller = 1, .sequence = 1}));  // from itself
  ignored(core_id{0}, request({.caller = 0, .place = 200, .sequence = 1}));
  ignored(core_id{0}, request({.caller = 0, .sequence = 0}));
  ignored(core_id{0}, answer({.caller = 1, .sequence = 1}));  // to what was not asked
  node::message m = request(first);
  m.what = static_cast<node::kind>(9);
  ignored(core_id{0}, m);
  CHECK(!n.answer(first, {}, out));
  CHECK(!n.answer({.caller = 5000, .sequence = 1}, {}, out));
  CHECK(!n.answer({.caller = 0, .place = 200, .sequence = 1}, {}, out));

  const call_id id = n.begin(core_id{0}, {}, 100, out);
  out.clear();
  ignored(core_id{2}, answer(id));  // by who was not asked
  call_id other = id;
  other.caller = 0;
  ignored(core_id{0}, answer(other));
  n.expired(1, out);
  n.expired(255, out);
  CHECK(out.silent());
  CHECK(!n.idle());
}
