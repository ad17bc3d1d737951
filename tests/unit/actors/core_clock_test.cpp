// SPDX-License-Identifier: BSD-3-Clause
// CAF's timeouts and delayed messages as timers of the cores, on a stage whose clock the test moves.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <caf/actor_companion.hpp>
#include <caf/all.hpp>

#include <cooper/testing/stage.hpp>
#include "core_clock.hpp"
#include "core_unit.hpp"
#include "machines.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace std::chrono_literals;
using cooper::test::ask;
using cooper::test::on;
using cooper::testing::stage;

namespace {

using go_atom = caf::atom_constant<caf::atom("go")>;
using get_atom = caf::atom_constant<caf::atom("get")>;
using texts = std::vector<std::string>;

constexpr core_id first{0}, second{1}, third{2};
constexpr auto tea = caf::atom("tea"), lunch = caf::atom("lunch");

caf::actor_clock::time_point point_of(instant t) {
  return caf::actor_clock::time_point{std::chrono::nanoseconds{t.ns}};
}

// Hears all that clocks send to it, each with its time in ms: an actor that no core runs.
class ear {
 public:
  explicit ear(stage& s) : stage_{s}, begun_{s.now()}, handle_{s.system().spawn<caf::actor_companion>()} {
    companion().on_enqueue([this](caf::mailbox_element_ptr what) { hear(*what); });
  }
  ~ear() { companion().on_enqueue({}); }
  ear(const ear&) = delete;
  ear& operator=(const ear&) = delete;

  caf::actor_companion& companion() const { return *caf::actor_cast<caf::actor_companion*>(handle_); }
  caf::strong_actor_ptr pointer() const { return caf::actor_cast<caf::strong_actor_ptr>(handle_); }
  // What came since this was asked the last time.
  texts heard() { return std::exchange(heard_, {}); }

 private:
  void hear(caf::mailbox_element& what) {
    const auto& content = what.content();
    const std::string when = std::to_string((stage_.now() - begun_) / 1ms) + ": ";
    if (content.match_elements<caf::timeout_msg>()) {
      const auto& timeout = content.get_as<caf::timeout_msg>(0);
      heard_.push_back(when + caf::to_string(timeout.type) + " " + std::to_string(timeout.timeout_id));
    } else if (what.mid.is_request() || what.mid.is_response()) {
      heard_.push_back(when + "request " + std::to_string(what.mid.request_id().integer_value()));
    } else {
      heard_.push_back(when + caf::to_string(what.move_content_to_message()));
    }
  }

  stage& stage_;
  instant begun_;
  caf::actor handle_;
  texts heard_;
};

caf::message_id request_number(std::uint64_t n) { return caf::make_message_id(n).response_id(); }

void schedule(caf::actor_clock& clock, instant when, const ear& to, int n) {
  clock.schedule_message(point_of(when), to.pointer(),
                         caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, n));
}

// A group of one. CAF's own groups have actors, for whose end a thread waits at the system's end, and turns no core.
class group_of_one final : public caf::abstract_group {
 public:
  struct no_others final : caf::group_module {
    explicit no_others(stage& s) : group_module{s.system(), "test"} {}
    void stop() override {}
    caf::expected<caf::group> get(const std::string&) override { return caf::sec::runtime_error; }
    caf::error load(caf::deserializer&, caf::group&) override { return caf::sec::runtime_error; }
  };
  group_of_one(no_others& of, const ear& member) : abstract_group{of, "one", {}}, member_{member.pointer()} {}
  void enqueue(caf::strong_actor_ptr from, caf::message_id mid, caf::message what, caf::execution_unit* on) override {
    member_->enqueue(std::move(from), mid, std::move(what), on);
  }
  caf::error save(caf::serializer&) const override { return caf::sec::runtime_error; }
  bool subscribe(caf::strong_actor_ptr) override { return false; }
  void unsubscribe(const caf::actor_control_block*) override {}
  void stop() override {}

 private:
  caf::strong_actor_ptr member_;
};

// A clock of the test's own on a core.
class own_clock {
 public:
  own_clock(stage& s, core_id where) : stage_{s}, where_{where} {
    on_core([this](core& here) { clock.attach(here); });
  }
  ~own_clock() { static_cast<void>(take_all()); }
  own_clock(const own_clock&) = delete;
  own_clock& operator=(const own_clock&) = delete;

  void on_core(std::function<void(core&)> work) { on(stage_.on(), where_.value, std::move(work)); }
  unit_clock::entries take_all() {
    unit_clock::entries all;
    on_core([&](core&) { all = clock.take_all(); });
    return all;
  }
  void add_all(unit_clock::entries all) {
    on_core([&](core&) { clock.add_all(std::move(all)); });
  }

  unit_clock clock;

 private:
  stage& stage_;
  core_id where_;
};

std::size_t scheduled_on(stage& s, core_id where) {
  return ask(s.on(), where.value, [](core&) { return core_unit::here()->clock().schedule().size(); });
}

// Sends each number to `to`, so many ms from when it is told them.
caf::behavior late_sender(caf::event_based_actor* self, const caf::actor& to) {
  return {[=](const std::vector<int>& all) {
    for (const int ms : all) self->delayed_send(to, std::chrono::milliseconds{ms}, ms);
  }};
}

// Answers what it was asked when it is told to go.
caf::behavior slow_server(caf::event_based_actor* self) {
  auto asked = std::make_shared<std::vector<caf::typed_response_promise<int>>>();
  return {[=](get_atom) {
            asked->push_back(self->make_response_promise<int>());
            return asked->back();
          },
          [=](go_atom) {
            for (auto& promise : std::exchange(*asked, {})) promise.deliver(1);
          }};
}

// Asks a server with a timeout of 10 ms, and tells `to` what came of it.
caf::behavior asker(caf::event_based_actor* self, const caf::actor& server, const caf::actor& to) {
  return {[=](go_atom) {
    self->request(server, 10ms, get_atom::value)
        .then([=](int) { self->send(to, std::string{"answer"}); },
              [=](const caf::error& e) {
                self->send(to, std::string{e == caf::sec::request_timeout ? "timeout" : "another error"});
              });
  }};
}

// Tells `to` when it has heard nothing for 10 ms, each time.
caf::behavior impatient(caf::event_based_actor* self, const caf::actor& to) {
  return {[](go_atom) {}, caf::after(10ms) >> [=] { self->send(to, std::string{"nothing"}); }};
}

template <class T>
std::vector<T> all_of(cooper::testing::probe& from) {
  std::vector<T> all;
  while (const auto next = from.next<T>()) all.push_back(*next);
  return all;
}

}  // namespace

// -- what actors see --------------------------------------------------------------------------------------------------

TEST_CASE("a delayed message arrives at its time and not before, on its sender's core and on another") {
  stage s;
  for (const core_id to : {first, second}) {
    auto audience = s.probe(to);
    const auto sender = s.spawn(first, late_sender, audience.handle());
    s.send(sender, std::vector{10});
    s.advance(10ms - 1ns);
    CHECK(audience.empty());
    s.advance(1ns);
    CHECK(all_of<int>(audience) == std::vector{10});
    s.advance(1s);
    CHECK(audience.empty());
  }
}

TEST_CASE("delayed messages arrive in the order of their times, and of one time in the order of sending") {
  stage s;
  auto audience = s.probe(second);
  const auto sender = s.spawn(first, late_sender, audience.handle());
  s.send(sender, std::vector{30, 10, 40, 20});
  s.advance(5ms);
  // Earlier than all that wait, and among them.
  s.send(sender, std::vector{2, 21, 20});
  s.advance(2ms);
  CHECK(all_of<int>(audience) == std::vector{2});
  s.advance(13ms);
  CHECK(all_of<int>(audience) == std::vector{10, 20});
  s.advance(5ms);
  CHECK(all_of<int>(audience) == std::vector{20});
  s.advance(15ms);
  CHECK(all_of<int>(audience) == std::vector{21, 30, 40});
  CHECK(scheduled_on(s, first) == 0);

  s.send(sender, std::vector<int>(100, 10));
  s.advance(9ms);
  CHECK(audience.empty());
  s.advance(1ms);
  CHECK(all_of<int>(audience) == std::vector<int>(100, 10));
}

TEST_CASE("a request ends at its timeout, unless it was answered; a later answer is dropped") {
  for (const core_id where : {first, second}) {
    stage s;
    auto audience = s.probe();
    const auto server = s.spawn(where, slow_server);
    const auto client = s.spawn(first, asker, server, audience.handle());
    s.send(client, go_atom::value);
    s.advance(10ms - 1ns);
    CHECK(audience.empty());
    s.advance(1ns);
    CHECK(all_of<std::string>(audience) == texts{"timeout"});
    s.send(server, go_atom::value);
    s.advance(1s);
    CHECK(audience.empty());

    s.send(client, go_atom::value);
    s.advance(4ms);
    s.send(client, go_atom::value);
    s.advance(4ms);
    CHECK(scheduled_on(s, first) == 2);
    s.send(server, go_atom::value);
    s.run();
    CHECK(all_of<std::string>(audience) == texts{"answer", "answer"});
    s.advance(1s);
    CHECK(audience.empty());
    CHECK(scheduled_on(s, first) == 0);
  }
}

TEST_CASE("a receive timeout comes after a silence, again and again; a message puts it off") {
  stage s;
  auto audience = s.probe();
  const auto waits = s.spawn(second, impatient, audience.handle());
  s.advance(6ms);
  s.send(waits, go_atom::value);
  s.advance(10ms - 1ns);
  CHECK(audience.empty());
  s.advance(1ns);
  CHECK(all_of<std::string>(audience) == texts{"nothing"});
  s.advance(20ms);
  CHECK(all_of<std::string>(audience) == texts{"nothing", "nothing"});
}

TEST_CASE("the timers of an actor that ended do nothing, and keep nothing of it") {
  struct traced : caf::event_based_actor {
    traced(caf::actor_config& cfg, bool& gone, caf::actor server, caf::actor to)
        : event_based_actor{cfg}, gone_{gone}, server_{std::move(server)}, to_{std::move(to)} {}
    ~traced() override { gone_ = true; }
    caf::behavior make_behavior() override {
      const auto tell = [this] { send(to_, std::string{"told"}); };
      delayed_send(this, 10ms, go_atom::value);
      request(server_, 10ms, get_atom::value).then([=](int) { tell(); }, [=](const caf::error&) { tell(); });
      return {[=](go_atom) { tell(); }, caf::after(10ms) >> tell};
    }
    bool& gone_;
    caf::actor server_, to_;
  };
  stage s;
  auto audience = s.probe();
  const auto server = s.spawn(first, slow_server);
  bool gone = false;
  {
    const auto brief = s.spawn<traced>(second, gone, server, audience.handle());
    s.advance(5ms);
    CHECK(scheduled_on(s, second) == 3);
    caf::anon_send_exit(brief, caf::exit_reason::user_shutdown);
  }
  s.run();
  // Its message to itself is still on its way.
  CHECK(scheduled_on(s, second) == 1);
  s.advance(5ms);
  CHECK(scheduled_on(s, second) == 0);
  s.send(server, go_atom::value);
  s.advance(1s);
  CHECK(audience.empty());
  CHECK(gone);
}

// -- the system's clock -----------------------------------------------------------------------------------------------

TEST_CASE("on a core the system's clock shows the time of that core") {
  stage s;
  for (int i = 0; i < 3; ++i) {
    for (const core_id where : {first, second}) {
      on(s.on(), where.value, [&](core& here) {
        CHECK(s.system().clock().now() == point_of(here.now()));
        CHECK(core_unit::here()->clock().now() == point_of(here.now()));
      });
    }
    s.advance(7ms);
  }
}

TEST_CASE("each core keeps what was asked for there; what a thread that is no core asks for is kept by the first") {
  stage s;
  ear to{s};
  const instant begun = s.now();
  auto& clock = s.system().clock();
  const auto set_all = [&] {
    auto* self = &to.companion();
    // Of one kind the last counts, but every multi timeout does.
    clock.set_ordinary_timeout(point_of(begun + 5ms), self, tea, 1);
    clock.set_ordinary_timeout(point_of(begun + 10ms), self, tea, 2);
    clock.set_multi_timeout(point_of(begun + 15ms), self, lunch, 3);
    clock.set_multi_timeout(point_of(begun + 20ms), self, lunch, 4);
    clock.set_request_timeout(point_of(begun + 25ms), self, request_number(5));
    schedule(clock, begun + 30ms, to, 6);
  };
  const texts all{"10: tea 2", "15: lunch 3", "20: lunch 4", "25: request 5", "30: (6)"};
  SUBCASE("on a core") {
    on(s.on(), second.value, [&](core&) { set_all(); });
    CHECK(scheduled_on(s, first) == 0);
    CHECK(scheduled_on(s, second) == 5);
  }
  SUBCASE("on a thread that is none") {
    set_all();
    s.run();
    CHECK(scheduled_on(s, first) == 5);
    CHECK(scheduled_on(s, second) == 0);
  }
  s.advance(1s);
  CHECK(to.heard() == all);
}

TEST_CASE("what is cancelled on the core that keeps it does not come") {
  stage s;
  ear to{s}, other{s};
  const instant begun = s.now();
  auto& clock = s.system().clock();
  const auto set_on = [&](core_id where, const ear& who) {
    on(s.on(), where.value, [&](core&) {
      auto* self = &who.companion();
      clock.set_ordinary_timeout(point_of(begun + 10ms), self, tea, 1);
      clock.set_ordinary_timeout(point_of(begun + 10ms), self, lunch, 2);
      clock.set_request_timeout(point_of(begun + 10ms), self, request_number(3));
      clock.set_request_timeout(point_of(begun + 10ms), self, request_number(4));
      schedule(clock, begun + 10ms, who, 5);
    });
  };
  const texts all{"10: tea 1", "10: lunch 2", "10: request 3", "10: request 4", "10: (5)"};
  set_on(second, to);
  SUBCASE("one timeout, one request") {
    set_on(second, other);
    on(s.on(), second.value, [&](core&) {
      clock.cancel_ordinary_timeout(&to.companion(), tea);
      clock.cancel_request_timeout(&to.companion(), request_number(4));
    });
    s.advance(1s);
    CHECK(to.heard() == texts{"10: lunch 2", "10: request 3", "10: (5)"});
    CHECK(other.heard() == all);
  }
  SUBCASE("all timeouts of one actor; a message to it still comes") {
    set_on(second, other);
    on(s.on(), second.value, [&](core&) { clock.cancel_timeouts(&to.companion()); });
    s.advance(1s);
    CHECK(to.heard() == texts{"10: (5)"});
    CHECK(other.heard() == all);
  }
  SUBCASE("all that there is, on every core") {
    set_on(first, other);
    clock.cancel_all();
    s.run();
    CHECK(scheduled_on(s, first) == 0);
    CHECK(scheduled_on(s, second) == 0);
    // The cores keep time as before.
    on(s.on(), second.value, [&](core&) { schedule(clock, begun + 20ms, to, 6); });
    s.advance(1s);
    CHECK(to.heard() == texts{"20: (6)"});
    CHECK(other.heard().empty());
  }
}

// -- from one core to another -----------------------------------------------------------------------------------------

TEST_CASE("entries of every kind are due on another core's clock as they were on their own") {
  stage s;
  ear to{s};
  group_of_one::no_others groups{s};
  const caf::group room{caf::make_counted<group_of_one>(groups, to)};
  own_clock goes_on{s, second};
  const instant begun = s.now();
  {
    own_clock leaves{s, first};
    leaves.on_core([&](core&) {
      auto* self = &to.companion();
      leaves.clock.schedule_message(point_of(begun + 6ms), room, nullptr, caf::make_message(1));
      leaves.clock.set_ordinary_timeout(point_of(begun + 5ms), self, tea, 2);
      leaves.clock.set_multi_timeout(point_of(begun + 4ms), self, lunch, 3);
      leaves.clock.set_multi_timeout(point_of(begun + 3ms), self, lunch, 4);
      leaves.clock.set_request_timeout(point_of(begun + 2ms), self, request_number(5));
      schedule(leaves.clock, begun + 1ms, to, 6);
      leaves.clock.arm();
    });
    goes_on.add_all(leaves.take_all());
    CHECK(leaves.clock.schedule().empty());
    CHECK(leaves.clock.actor_lookup().empty());
  }
  CHECK(goes_on.clock.schedule().size() == 6);
  SUBCASE("they come") {
    s.advance(1s);
    CHECK(to.heard() == texts{"1: (6)", "2: request 5", "3: lunch 4", "4: lunch 3", "5: tea 2", "6: (1)"});
    CHECK(goes_on.clock.actor_lookup().empty());
  }
  SUBCASE("they are cancelled there") {
    goes_on.on_core([&](core&) { goes_on.clock.cancel_timeouts(&to.companion()); });
    s.advance(1s);
    CHECK(to.heard() == texts{"1: (6)", "6: (1)"});
  }
  CHECK(goes_on.clock.schedule().empty());
}

TEST_CASE("entries go in among those of the other clock, and what fell due on the way comes at once") {
  stage s;
  ear to{s};
  own_clock leaves{s, first}, stays{s, second};
  const instant begun = s.now();
  const auto fill = [&](own_clock& own, const std::vector<int>& all) {
    own.on_core([&](core&) {
      for (const int ms : all) schedule(own.clock, begun + std::chrono::milliseconds{ms}, to, ms);
      own.clock.arm();
    });
  };
  fill(leaves, {40, 10, 60, 20});
  fill(stays, {50, 30, 35});
  auto taken = leaves.take_all();
  CHECK(taken.size() == 4);
  s.advance(32ms);
  CHECK(to.heard() == texts{"30: (30)"});
  stays.add_all(std::move(taken));
  s.run();
  CHECK(to.heard() == texts{"32: (10)", "32: (20)"});
  s.advance(1s);
  CHECK(to.heard() == texts{"35: (35)", "40: (40)", "50: (50)", "60: (60)"});
}

TEST_CASE("a clock that was emptied has no timer, and takes new entries") {
  stage s;
  ear to{s};
  own_clock own{s, first};
  const instant begun = s.now();
  const auto add = [&](int ms) {
    own.on_core([&](core&) {
      schedule(own.clock, begun + std::chrono::milliseconds{ms}, to, ms);
      own.clock.arm();
    });
  };
  add(10);
  add(5);
  CHECK(own.take_all().size() == 2);
  CHECK(own.take_all().empty());
  s.run();
  CHECK_FALSE(s.on().step(begun + 10ms));
  own.add_all({});
  add(20);
  add(15);
  s.advance(1s);
  CHECK(to.heard() == texts{"15: (15)", "20: (20)"});
}

TEST_CASE("when a core goes down its actors' timers go on elsewhere, and it keeps time again when it is up") {
  for (const core_id goes : {second, third}) {
    stage s{{.cores = 3}};
    auto audience = s.probe(first), silence = s.probe(first), outcome = s.probe(first);
    const auto server = s.spawn(first, slow_server);
    const auto sender = s.spawn(goes, late_sender, audience.handle());
    const auto client = s.spawn(goes, asker, server, outcome.handle());
    const auto waits = s.spawn(goes, impatient, silence.handle());
    s.send(sender, std::vector{30, 10, 20});
    s.send(client, go_atom::value);
    s.advance(4ms);
    s.send(client, go_atom::value);
    s.run();
    CHECK(scheduled_on(s, goes) == 6);
    REQUIRE(s.scheduler().down(goes));
    s.advance(6ms - 1ns);
    CHECK(audience.empty());
    CHECK(silence.empty());
    CHECK(outcome.empty());
    s.advance(1ns);
    CHECK(all_of<int>(audience) == std::vector{10});
    CHECK(all_of<std::string>(silence) == texts{"nothing"});
    CHECK(all_of<std::string>(outcome) == texts{"timeout"});
    // The second request is answered in time: its timeout, wherever that is kept now, comes to nothing.
    s.send(server, go_atom::value);
    s.advance(20ms);
    CHECK(all_of<int>(audience) == std::vector{20, 30});
    CHECK(all_of<std::string>(silence) == texts{"nothing", "nothing"});
    CHECK(all_of<std::string>(outcome) == texts{"answer"});

    REQUIRE(s.scheduler().up(goes));
    CHECK(scheduled_on(s, goes) == 0);
    s.send(s.spawn(goes, late_sender, audience.handle()), std::vector{10, 5});
    s.run();
    CHECK(scheduled_on(s, goes) == 2);
    s.advance(10ms - 1ns);
    CHECK(all_of<int>(audience) == std::vector{5});
    s.advance(1ns);
    CHECK(all_of<int>(audience) == std::vector{10});
  }
}
