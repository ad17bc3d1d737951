// SPDX-License-Identifier: BSD-3-Clause
// Actors on the simulated machine, by hand: what users test theirs with.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <caf/all.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/testing/stage.hpp>

using namespace cooper;
using namespace cooper::actors;
using namespace std::chrono_literals;
using cooper::testing::stage;

namespace {

using get_atom = caf::atom_constant<caf::atom("get")>;
using report_atom = caf::atom_constant<caf::atom("report")>;

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
    return {[this](int n) { sum_ += n; }, [this](get_atom) { return sum_; },
            [this](report_atom, const caf::actor& to) { send(to, sum_, std::string{"in all"}); }};
  }
  void handle(const add& m) { sum_ += m.amount; }
  total handle(const get&) { return {sum_}; }
  task<total> handle(slow_get) {
    co_await sleep(10ms);
    co_return total{sum_};
  }
  int sum_ = 0;
};

constexpr core_id first{0}, second{1};

}  // namespace

TEST_CASE("a conversation on a stage: lines, CAF messages, a probe") {
  stage s;
  auto counter = s.spawn<tally>(second);
  CHECK(s.tell(counter, add{3}) == send_result::ok);
  s.send(counter.handle(), 4);
  s.run();
  CHECK(s.ask(counter, get{})->value == 7);
  CHECK(*s.request<int>(counter.handle(), get_atom::value) == 7);

  auto audience = s.probe();
  s.send(counter.handle(), report_atom::value, audience.handle());
  CHECK(audience.empty());
  s.run();
  REQUIRE(audience.size() == 1);
  CHECK_FALSE(audience.next<int>());
  CHECK(audience.text() == "(7, \"in all\")");
  CHECK(audience.next<int, std::string>() == std::tuple{7, std::string{"in all"}});
  CHECK(audience.empty());
}

TEST_CASE("the clock stands still until it is moved") {
  stage s;
  auto counter = s.spawn<tally>(second);
  const auto answered = s.call(counter, slow_get{});
  const auto too_late = s.call(counter, slow_get{}, 5ms);
  const instant begun = s.now();
  s.run();
  CHECK(s.now() == begun);
  CHECK_FALSE(answered.arrived());
  CHECK_THROWS_AS(answered.get(), std::logic_error);
  s.advance(9ms);
  CHECK_FALSE(answered.arrived());
  REQUIRE(too_late.arrived());
  CHECK(too_late.get().error().code() == errc::deadline_passed);
  s.advance(1ms);
  REQUIRE(answered.arrived());
  CHECK(answered.get()->value == 0);
  CHECK(s.now() - begun == 10ms);
}

TEST_CASE("the end of an actor is told, to callers and to whoever watches") {
  stage s;
  auto counter = s.spawn<tally>(second);
  auto watcher = s.spawn(
      first,
      [](caf::event_based_actor* self, const caf::actor& whom, const caf::actor& to) {
        self->monitor(whom);
        self->set_down_handler([self, to](const caf::down_msg& d) { self->send(to, d.reason); });
        return caf::behavior{[](int) {}};
      },
      counter.handle(), s.probe().handle());
  const auto unanswered = s.call(counter, slow_get{});
  s.run();
  s.send(counter.handle(), caf::exit_msg{counter.handle().address(), caf::exit_reason::kill});
  s.run();
  REQUIRE(unanswered.arrived());
  // Who ends it is a question of order: the server's end, or the caller's core, which hears that the other is going.
  const errc why = unanswered.get().error().code();
  CHECK((why == errc::no_receiver || why == errc::core_down));
  CHECK(s.ask(counter, get{}).error().code() == errc::no_receiver);
  CHECK_FALSE(s.request<int>(counter.handle(), get_atom::value));
}

TEST_CASE("an actor that nobody refers to ends when its core looks for it") {
  struct traced : basic_core_actor<> {
    traced(caf::actor_config& cfg, bool& ended) : basic_core_actor{cfg}, ended_{ended} {}
    ~traced() override { ended_ = true; }
    caf::behavior make_behavior() override {
      return {[](int) {}};
    }
    bool& ended_;
  };
  bool ended = false;
  stage s;
  auto a = s.spawn<traced>(second, ended);
  s.advance(2s);
  CHECK_FALSE(ended);
  a = {};
  s.advance(2s);
  CHECK(ended);
}

TEST_CASE("a core goes down on a stage") {
  stage s{{.cores = 3}};
  auto counter = s.spawn<tally>(second);
  const auto unanswered = s.call(counter, slow_get{});
  REQUIRE(s.scheduler().down(second));
  s.run();
  REQUIRE(unanswered.arrived());
  // Who ends it is a question of order: the server's end, or the caller's core, which hears that the other is going.
  const errc why = unanswered.get().error().code();
  CHECK((why == errc::no_receiver || why == errc::core_down));
  CHECK(s.ask(counter, get{}).error().code() == errc::core_down);
  CHECK_THROWS_AS(s.spawn<tally>(second), std::runtime_error);
  REQUIRE(s.scheduler().up(second));
  auto again = s.spawn<tally>(second);
  CHECK(s.ask(again, get{})->value == 0);
}

TEST_CASE("one seed is one order of turns, and other seeds are others") {
  // Two actors tell a third; which one is first depends on who has the first turn.
  const auto order_with = [](std::uint64_t seed) {
    stage s{{.cores = 4, .seed = seed}};
    auto audience = s.probe();
    std::vector<caf::actor> talkers;
    for (std::uint16_t i = 1; i < 4; ++i) {
      talkers.push_back(s.spawn(core_id{i}, [to = audience.handle(), i](caf::event_based_actor* self) {
        return caf::behavior{[=](get_atom) { self->send(to, static_cast<int>(i)); }};
      }));
    }
    s.run();
    for (const auto& t : talkers) s.send(t, get_atom::value);
    s.run();
    std::vector<int> order;
    while (const auto n = audience.next<int>()) order.push_back(*n);
    return order;
  };
  bool differ = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto order = order_with(seed);
    CHECK(order.size() == 3);
    CHECK(order == order_with(seed));
    differ = differ || order != order_with(1);
  }
  CHECK(differ);
}

TEST_CASE("what the test sends with a delay comes when the stage's clock says so, also while core 0 is down") {
  for (const bool without_first : {false, true}) {
    stage s;
    auto audience = s.probe(second);
    if (without_first) REQUIRE(s.scheduler().down(first));
    caf::delayed_anon_send(audience.handle(), 10ms, 1);
    s.advance(9ms);
    CHECK(audience.empty());
    s.advance(2ms);
    CHECK(audience.next<int>() == 1);
  }
}

TEST_CASE("a conversation that feeds itself is named") {
  stage s;
  auto loop = s.spawn(
      first, [](caf::event_based_actor* self) { return caf::behavior{[self](int n) { self->send(self, n + 1); }}; });
  s.send(loop, 1);
  CHECK_THROWS_WITH_AS(s.run(1000), "stage: this conversation does not end; step() through it", std::runtime_error);
}
