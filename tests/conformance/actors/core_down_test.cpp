// SPDX-License-Identifier: BSD-3-Clause
// A core goes down and comes up again under an actor system.
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/monitor.hpp>
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

struct question {};
struct answer {
  std::uint64_t core;
};

struct server : core_actor<server, protocol<request<question, answer>>> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    return {[](get_atom) { return static_cast<int>(core::current()->id().value); }};
  }
  answer handle(const question&) { return {core::current()->id().value}; }
};

// Calls until it is told to stop; every call must end.
struct caller : core_actor<caller, protocol<>> {
  caller(caf::actor_config& cfg, core_ref<server> to, std::atomic<bool>& stop)
      : core_actor{cfg}, to_{to}, stop_{stop} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) {
      auto promise = make_response_promise<int>();
      for (int i = 0; i < 8; ++i) start(go_on(promise));
      return promise;
    }};
  }
  task<void> go_on(caf::typed_response_promise<int> promise) {
    ++left_;
    while (!stop_) {
      auto got = co_await call(to_, question{});
      if (got) {
        ++answered_;
        continue;
      }
      const errc why = got.error().code();
      if (why != errc::core_down && why != errc::no_receiver) bad_ = true;
      break;
    }
    if (--left_ == 0) promise.deliver(bad_ ? -1 : answered_);
  }
  core_ref<server> to_;
  std::atomic<bool>& stop_;
  int left_ = 0, answered_ = 0;
  bool bad_ = false;
};

core_scheduler& scheduler_of(actor_rig& rig) { return *core_scheduler::of(rig.system()); }

}  // namespace

TEST_CASE("unmodified actors go on elsewhere, with their timers") {
  actor_rig rig{2, "spread"};
  caf::scoped_actor self{rig.system()};
  std::vector<caf::actor> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(rig.system().spawn([](caf::event_based_actor* me) -> caf::behavior {
      return {[](get_atom) { return static_cast<int>(core::current()->id().value); },
              [me](go_atom) {
                auto promise = me->make_response_promise<int>();
                me->request(caf::actor_cast<caf::actor>(me), 30ms, std::string{"nobody"})
                    .then([](int) {}, [=](caf::error&) mutable { promise.deliver(1); });
                return promise;
              },
              [me](const std::string&) { return me->make_response_promise<int>(); }};
    }));
  }
  int on_second = 0;
  for (const auto& a : all) {
    self->request(a, caf::infinite, get_atom::value).receive([&](int n) { on_second += n; }, [](caf::error&) {});
  }
  CHECK(on_second == 3);
  std::vector<decltype(self->request(all[0], caf::infinite, go_atom::value))> waiting;
  for (const auto& a : all) waiting.push_back(self->request(a, caf::infinite, go_atom::value));
  REQUIRE(scheduler_of(rig).down(there));
  for (const auto& a : all) {
    self->request(a, caf::infinite, get_atom::value)
        .receive([](int n) { CHECK(n == 0); }, [](caf::error&) { FAIL(""); });
  }
  int timeouts = 0;
  for (auto& w : waiting) w.receive([&](int n) { timeouts += n; }, [](caf::error&) { FAIL(""); });
  CHECK(timeouts == 6);
  REQUIRE(scheduler_of(rig).up(there));
  auto back = spawn_on<server>(rig.system(), there);
  REQUIRE(back);
  self->request(back->handle(), caf::infinite, get_atom::value)
      .receive([](int n) { CHECK(n == 1); }, [](caf::error&) { FAIL(""); });
}

TEST_CASE("core actors of a core that goes down end, and every call to them is answered or fails") {
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  for (int round = 0; round < 20; ++round) {
    auto to = spawn_on<server>(rig.system(), there);
    REQUIRE(to);
    std::atomic<bool> stop{false};
    auto from = spawn_on<caller>(rig.system(), here, *to, stop);
    REQUIRE(from);
    self->monitor(to->handle());
    auto talk = self->request(from->handle(), caf::infinite, go_atom::value);
    // Half of the time the conversation is well under way.
    if (round % 2 == 0) {
      self->request(to->handle(), caf::infinite, get_atom::value).receive([](int) {}, [](caf::error&) {});
    }
    REQUIRE(scheduler_of(rig).down(there));
    talk.receive([](int answered) { CHECK(answered >= 0); }, [&](caf::error& e) { FAIL(rig.system().render(e)); });
    self->receive([](const caf::down_msg& d) { CHECK(is(d.reason, errc::core_down)); });
    const auto late = spawn_on<server>(rig.system(), there);
    REQUIRE_FALSE(late);
    CHECK(late.error().code() == errc::core_down);
    bool failed = false;
    self->request(to->handle(), caf::infinite, get_atom::value)
        .receive([](int) {}, [&](caf::error&) { failed = true; });
    CHECK(failed);
    REQUIRE(scheduler_of(rig).up(there));
    self->send_exit(from->handle(), caf::exit_reason::user_shutdown);
  }
}

// Brings up a server on the other core, and calls it when it is told to.
struct parent : core_actor<parent, protocol<>> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    return {[this](add_atom) { child_ = *spawn_on<server>(system(), there); },
            [this](get_atom) {
              auto promise = make_response_promise<int>();
              start(ask_child(promise));
              return promise;
            }};
  }
  // The error that the call ends with; -1 for an answer.
  task<void> ask_child(caf::typed_response_promise<int> promise) {
    auto got = co_await call(child_, question{});
    promise.deliver(got ? -1 : static_cast<int>(got.error().code()));
  }
  core_ref<server> child_;
};

TEST_CASE("a call to an actor whose core went down before it had come there fails, also later") {
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto from = spawn_on<parent>(rig.system(), here);
  REQUIRE(from);
  held_core held{rig.on(), there.value};
  self->request(from->handle(), caf::infinite, add_atom::value).receive([] {}, [](caf::error&) { FAIL(""); });
  std::thread goes{[&] { CHECK(scheduler_of(rig).down(there)); }};
  while (monitor_of(rig.system(), there)) std::this_thread::yield();
  held.release();
  goes.join();
  CHECK(ask<int>(self, from->handle(), get_atom::value) == static_cast<int>(errc::core_down));
  REQUIRE(scheduler_of(rig).up(there));
  CHECK(ask<int>(self, from->handle(), get_atom::value) == static_cast<int>(errc::no_receiver));
}

TEST_CASE("a thread's timeouts come while the first core is down") {
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto silent = start(rig.system(), there, [](caf::event_based_actor* me) -> caf::behavior {
    return {[me](int) { return me->make_response_promise<int>(); }};
  });
  REQUIRE(scheduler_of(rig).down(here));
  caf::error why;
  self->request(silent, 10ms, 1).receive([](int) { FAIL("an answer"); }, [&](caf::error& e) { why = e; });
  CHECK(why == caf::sec::request_timeout);
  self->delayed_send(self, 10ms, get_atom::value);
  self->receive([](get_atom) {});
  REQUIRE(scheduler_of(rig).up(here));
}

TEST_CASE("the last core stays, and so does one that is not there") {
  actor_rig rig;
  REQUIRE(scheduler_of(rig).down(there));
  const auto last = scheduler_of(rig).down(here);
  REQUIRE_FALSE(last);
  CHECK(last.error().code() == errc::last_core);
  CHECK(scheduler_of(rig).down(core_id{9}).error().code() == errc::no_such_core);
  CHECK(scheduler_of(rig).down(there).error().code() == errc::core_down);
  // The system ends with a core down.
}

TEST_CASE("whoever asked is told of cores that go down and come up") {
  actor_rig rig{3};
  caf::scoped_actor self{rig.system()};
  REQUIRE(watch_cores(rig.system(), self));
  // An unmodified actor of a core that goes down goes on elsewhere, and is told there.
  const auto mover = rig.system().spawn([&](caf::event_based_actor* me) -> caf::behavior {
    me->send(me, go_atom::value);
    return {[me](go_atom) { CHECK(watch_cores(me->system(), me)); },
            [me, to = caf::actor_cast<caf::actor>(self)](const core_event& e) {
              me->send(to, get_atom::value, static_cast<int>(e.what));
            },
            [](get_atom) { return static_cast<int>(core::current()->id().value); }};
  });
  int at = 0;
  self->request(mover, caf::infinite, get_atom::value).receive([&](int n) { at = n; }, [](caf::error&) { FAIL(""); });
  const core_id home = core_number(static_cast<std::size_t>(at));
  CHECK(monitor_of(rig.system(), home));
  REQUIRE(scheduler_of(rig).down(home));
  CHECK_FALSE(monitor_of(rig.system(), home));
  REQUIRE(scheduler_of(rig).up(home));
  CHECK(monitor_of(rig.system(), home));
  std::vector<core_event::kind> seen, seen_by_mover;
  while (seen.size() < 2 || seen_by_mover.size() < 2) {
    self->receive(
        [&](const core_event& e) {
          CHECK(e.core == home);
          seen.push_back(e.what);
        },
        [&](get_atom, int what) { seen_by_mover.push_back(static_cast<core_event::kind>(what)); });
  }
  const std::vector<core_event::kind> both{core_event::kind::down, core_event::kind::up};
  CHECK(seen == both);
  CHECK(seen_by_mover == both);
}

TEST_CASE("a core that does not turn is announced while a call waits for it, and again when it goes on") {
  struct sleepy : core_actor<sleepy, protocol<request<question, answer>>> {
    sleepy(caf::actor_config& cfg, std::atomic<bool>& go) : core_actor{cfg}, go_{go} {}
    caf::behavior make_behavior() override {
      return {[](get_atom) {}};
    }
    answer handle(const question&) {
      while (!go_) {}
      return {1};
    }
    std::atomic<bool>& go_;
  };
  struct asker : core_actor<asker, protocol<>> {
    asker(caf::actor_config& cfg, core_ref<sleepy> to) : core_actor{cfg}, to_{std::move(to)} {}
    caf::behavior make_behavior() override {
      return {[this](go_atom) {
        auto promise = make_response_promise<bool>();
        call(to_, question{}, [promise](result<answer> r) mutable { promise.deliver(static_cast<bool>(r)); });
        return promise;
      }};
    }
    core_ref<sleepy> to_;
  };
  actor_rig rig;
  std::atomic<bool> go{false};
  const auto stuck = spawn_on<sleepy>(rig.system(), there, go);
  const auto waits = spawn_on<asker>(rig.system(), here, *stuck);
  caf::scoped_actor self{rig.system()};
  REQUIRE(watch_cores(rig.system(), self));
  auto answered = self->request(waits->handle(), caf::infinite, go_atom::value);
  const auto next = [&](core_event::kind what) {
    self->receive([&](const core_event& e) {
      CHECK(e.core == there);
      CHECK(e.what == what);
    });
  };
  next(core_event::kind::stalled);
  go = true;
  next(core_event::kind::turning);
  answered.receive([](bool good) { CHECK(good); }, [](caf::error&) { FAIL(""); });
}

TEST_CASE_TEMPLATE("an actor that does not return is named in the stall report", Kind, drop_in, at_home) {
  machine_options options = native_options(2);
  options.stall_after = 30ms;
  std::array<int, 2> said{};
  REQUIRE(::pipe(said.data()) == 0);
  const int kept = ::dup(STDERR_FILENO);
  {
    actor_rig rig{options};
    std::atomic<bool> go{false};
    const auto stuck = start(rig.system(), there, [&go](self_of<Kind>*) -> caf::behavior {
      return {[&go](go_atom) {
        while (!go) {}
      }};
    });
    ::dup2(said[1], STDERR_FILENO);
    caf::anon_send(stuck, go_atom::value);
    const std::string named = "; actor " + std::to_string(stuck->id());
    std::string all;
    // It ends by the watchdog if nothing is ever said.
    while (all.find(named) == std::string::npos) {
      std::array<char, 512> part{};
      const ssize_t n = ::read(said[0], part.data(), part.size());
      if (n > 0) all.append(part.data(), static_cast<std::size_t>(n));
    }
    ::dup2(kept, STDERR_FILENO);
    CHECK(all.find("core 1") != std::string::npos);
    go = true;
  }
  for (const int fd : {said[0], said[1], kept}) ::close(fd);
}
