// SPDX-License-Identifier: BSD-3-Clause
// What the actors' own work costs in virtual time: each kind once for each thing done, on the core that does it.
#include <functional>
#include <vector>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/spawn.hpp>
#include "simulated_system.hpp"
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

struct add {
  int amount;
};
struct get {};
struct total {
  int value;
};
struct slow_get {};

struct tally : core_actor<tally, protocol<one_way<add>, request<get, total>, request<slow_get, total>>> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    return {[this](int n) { return sum_ += n; }};
  }
  void handle(const add& m) { sum_ += m.amount; }
  total handle(const get&) { return {sum_}; }
  task<total> handle(slow_get) { co_return co_await inner(); }
  task<total> inner() { co_return total{sum_}; }
  int sum_ = 0;
};

// Does what the test says, on its core.
struct doer : core_actor<doer, protocol<>> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    return {[](caf::unit_t) {}};
  }
};

constexpr cost each{1'000'000};  // a microsecond

// The virtual time that a conversation takes on two cores if only one kind of work costs anything. It is a conversation
// in turns: while one core works the other waits, so times add up.
struct measured {
  duration first, second, all;  // of the two cores' clocks, and of the machine's
};
template <class Conversation>
measured time_of(std::optional<work> what, Conversation begin) {
  simulation_options options = free_of_cost();
  if (what) options.costs.works[static_cast<std::size_t>(*what)] = each;
  simulated_system s{2, std::move(options)};
  const auto one = spawn_on<doer>(s.system(), here);
  const auto other = spawn_on<tally>(s.system(), there);
  REQUIRE(one);
  REQUIRE(other);
  const auto settle = [&] {
    while (s.on().step(s.on().now())) {}
  };
  const auto clock_of = [&](core_id core) {
    instant now;
    REQUIRE(s.on().call(core, [&](class core& it) { now = it.now(); }));
    return now;
  };
  settle();
  const instant begun = s.on().now();
  const instant first = clock_of(here), second = clock_of(there);
  auto& self = static_cast<doer&>(const_cast<resident&>(**one));
  REQUIRE(s.on().call(here, [&](core&) { self.resident::activate([&] { begin(self, *other); }); }));
  settle();
  return {clock_of(here) - first, clock_of(there) - second, s.on().now() - begun};
}

using conversation = std::function<void(doer&, core_ref<tally>)>;

task<void> call_often(doer& self, core_ref<tally> to, int times) {
  for (int i = 0; i < times; ++i) {
    const auto answer = co_await self.call(to, get{});
    CHECK(answer);
  }
}
task<void> call_coroutine_often(doer& self, core_ref<tally> to, int times) {
  for (int i = 0; i < times; ++i) {
    const auto answer = co_await self.call(to, slow_get{});
    CHECK(answer);
  }
}
void request_often(doer& self, core_ref<tally> to, int times) {
  if (times == 0) return;
  self.request(to.handle(), caf::infinite, 1).then([&self, to, times](int) { request_often(self, to, times - 1); });
}

const conversation ten_lines = [](doer& self, core_ref<tally> to) {
  for (int i = 0; i < 10; ++i) CHECK(self.tell(to, add{1}) == send_result::ok);
};
const conversation ten_calls = [](doer& self, core_ref<tally> to) { self.start(call_often(self, to, 10)); };
const conversation ten_coroutine_calls = [](doer& self, core_ref<tally> to) {
  self.start(call_coroutine_often(self, to, 10));
};
const conversation ten_requests = [](doer& self, core_ref<tally> to) { request_often(self, to, 10); };
const conversation ten_to_nobody = [](doer& self, core_ref<tally> to) {
  for (int i = 0; i < 10; ++i) {
    self.call(line_address<tally>{{.core = to->home_core(), .generation = 77, .slot = 999}}, get{},
              [](result<total> r) { CHECK(r.error().code() == errc::no_receiver); });
  }
};

}  // namespace

TEST_CASE("work that costs nothing takes no time") {
  for (const conversation& c : {ten_lines, ten_calls, ten_coroutine_calls, ten_requests, ten_to_nobody}) {
    CHECK(time_of(std::nullopt, c).all == 0ns);
  }
}

TEST_CASE("a line costs when its handler is called, on its receiver's core") {
  const measured m = time_of(work::line, ten_lines);
  CHECK(m.all == 10us);
  CHECK(m.first == 0us);
  CHECK(m.second == 10us);
  CHECK(time_of(work::line, ten_calls).all == 10us);
  CHECK(time_of(work::line, ten_requests).all == 0us);
}

TEST_CASE("a call costs its caller, an answer who answers") {
  const measured calls = time_of(work::call, ten_calls);
  CHECK(calls.all == 10us);
  CHECK(calls.first == 10us);
  const measured answers = time_of(work::answer, ten_calls);
  CHECK(answers.all == 10us);
  CHECK(answers.second == 10us);
  CHECK(time_of(work::answer, ten_coroutine_calls).all == 10us);
  CHECK(time_of(work::answer, ten_to_nobody).second == 10us);
  CHECK(time_of(work::answer, ten_lines).all == 0us);
}

TEST_CASE("a coroutine costs when it begins, an inner one too") {
  CHECK(time_of(work::coroutine, ten_calls).all == 1us);
  CHECK(time_of(work::coroutine, ten_coroutine_calls).all == 21us);
}

TEST_CASE("a CAF message costs who sends it, and who takes it") {
  // Ten requests and ten responses.
  CHECK(time_of(work::parcel_sent, ten_requests).all == 20us);
  CHECK(time_of(work::parcel_received, ten_requests).all == 20us);
  CHECK(time_of(work::parcel_sent, ten_lines).all == 0us);
  const conversation on_one_core = [](doer& self, core_ref<tally>) {
    for (int i = 0; i < 10; ++i) self.send(caf::actor_cast<caf::actor>(&self), caf::unit);
  };
  CHECK(time_of(work::parcel_sent, on_one_core).first == 10us);
  CHECK(time_of(work::parcel_received, on_one_core).first == 10us);
}

TEST_CASE("an actor costs who spawns it, once") {
  const conversation spawns = [](doer& self, core_ref<tally>) {
    for (int i = 0; i < 10; ++i) {
      CHECK(spawn_on<tally>(self.system(), there));
      CHECK(spawn_on<tally>(self.system(), here));
      self.spawn([](caf::event_based_actor*) { return caf::behavior{[](int) {}}; });
      self.send(self.spawn<caf::lazy_init>([](caf::event_based_actor*) { return caf::behavior{[](int) {}}; }), 1);
    }
  };
  const measured m = time_of(work::spawn, spawns);
  CHECK(m.all == 40us);
  CHECK(m.first == 40us);
}

TEST_CASE("a timer costs when it is set") {
  duration taken{};
  const conversation sets = [&](doer& self, core_ref<tally> to) {
    core& core_here = *core::current();
    const instant begun = core_here.now();
    for (int i = 0; i < 10; ++i) {
      self.delayed_send(caf::actor_cast<caf::actor>(&self), 1s, caf::unit);
      self.call(to, get{}, 1s, [](result<total>) {});
      self.resident::after(1s, [] {});
    }
    taken = core_here.now() - begun;
  };
  time_of(work::timer, sets);
  CHECK(taken == 30us);
}
