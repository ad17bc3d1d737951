// SPDX-License-Identifier: BSD-3-Clause
// CAF's semantics on our scheduler, in breadth: each for actors as CAF has them and, where it differs, for core actors.
// Both kinds run the same behaviour, so that what holds for one is asked of the other.
#include <algorithm>
#include <atomic>
#include <concepts>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

// The error that a request from a thread ends with; an answer fails the test.
template <class... Ts>
caf::error failure(caf::scoped_actor& self, const caf::actor& to, const Ts&... xs) {
  caf::error got;
  self->request(to, caf::infinite, xs...)
      .receive([](int) { FAIL("an answer"); }, [&](caf::error& e) { got = std::move(e); });
  return got;
}

// Why an actor ends that is told to by what `end` does.
template <class F>
caf::error reason_of(caf::scoped_actor& self, const caf::actor& whom, F end) {
  self->monitor(whom);
  end();
  caf::error got;
  self->receive([&](caf::down_msg& d) {
    CHECK(d.source == whom.address());
    got = std::move(d.reason);
  });
  return got;
}

// Counts what it holds alive, so that a test sees what was not released.
struct burden {
  std::shared_ptr<int> held;
};

}  // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(burden)

// -- messages ---------------------------------------------------------------------------------------------------------

TEST_CASE_TEMPLATE("an urgent message overtakes those that wait in the mailbox", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto a = start(rig.system(), there, [](self_t* me) -> caf::behavior {
    auto seen = std::make_shared<std::string>();
    return {[=](go_atom) {
              me->send(me, 1);
              me->send(me, 2);
              me->template send<caf::message_priority::high>(me, 3);
              return me->delegate(caf::actor{me}, get_atom::value);
            },
            [=](int n) { *seen += std::to_string(n); }, [=](get_atom) { return *seen; }};
  });
  CHECK(ask<std::string>(self, a, go_atom::value) == "312");
}

TEST_CASE("an urgent message from another core overtakes what waits for a busy actor") {
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  std::atomic<bool> busy{false}, go_on{false};
  const auto sink = start(rig.system(), there, [&](caf::event_based_actor*) -> caf::behavior {
    auto seen = std::make_shared<std::string>();
    return {[&](go_atom) {
              busy = true;
              while (!go_on) std::this_thread::yield();
            },
            [=](int n) { *seen += std::to_string(n); }, [=](get_atom) { return *seen; }};
  });
  const auto source = start(rig.system(), here, [&, sink](caf::event_based_actor* me) -> caf::behavior {
    return {[&, me, sink](go_atom) {
      me->send(sink, 1);
      me->send(sink, 2);
      me->send<caf::message_priority::high>(sink, 3);
      const auto answered_there = me->delegate(sink, get_atom::value);
      go_on = true;
      return answered_there;
    }};
  });
  self->send(sink, go_atom::value);
  while (!busy) std::this_thread::yield();
  CHECK(ask<std::string>(self, source, go_atom::value) == "312");
}

TEST_CASE_TEMPLATE("what an actor skips waits in its order until a behaviour takes it", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto a = start(rig.system(), there, [](self_t* me) -> caf::behavior {
    auto seen = std::make_shared<std::string>();
    me->set_default_handler(caf::skip);
    return {[=](go_atom) {
              me->become(
                  caf::keep_behavior, [=](int n) { *seen += std::to_string(n); },
                  // A handler may skip as well.
                  [=](double) -> caf::result<int> { return caf::skip(); }, [=](stop_atom) { me->unbecome(); },
                  [=](get_atom) { return *seen; });
            },
            [](double d) { return static_cast<int>(d); }};
  });
  for (int i = 1; i <= 5; ++i) self->send(a, i);
  self->send(a, go_atom::value);
  self->send(a, 6);
  CHECK(ask<std::string>(self, a, get_atom::value) == "123456");
  auto later = self->request(a, caf::infinite, 7.5);
  CHECK(ask<std::string>(self, a, get_atom::value) == "123456");
  self->send(a, 8);
  self->send(a, stop_atom::value);
  // Only the first behaviour answers that; an int waits again.
  later.receive([](int n) { CHECK(n == 7); }, [](caf::error&) { FAIL("no answer"); });
  self->send(a, 9);
  self->send(a, go_atom::value);
  CHECK(ask<std::string>(self, a, get_atom::value) == "12345689");
}

TEST_CASE_TEMPLATE("a request is answered once, by the last whom it was delegated to", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto last = start(rig.system(), here, [](self_t* me) -> caf::behavior {
    return {[=](int n) {
      auto promise = me->template make_response_promise<int>();
      CHECK(promise.pending());
      promise.deliver(n + 1);
      CHECK_FALSE(promise.pending());
      promise.deliver(n + 2);
      return promise;
    }};
  });
  const auto middle = start(rig.system(), there, [last](self_t* me) -> caf::behavior {
    return {[=](int n) {
      auto promise = me->make_response_promise();
      promise.delegate(last, 10 * n);
    }};
  });
  const auto first = start(rig.system(), here, [middle](self_t* me) -> caf::behavior {
    return {[=](int n) { return me->delegate(middle, n); }};
  });
  const auto asker = start(rig.system(), there, [first](self_t* me) -> caf::behavior {
    auto sum = std::make_shared<int>(0);
    return {[=](go_atom) {
      auto promise = me->template make_response_promise<int>();
      for (int i = 0; i < 100; ++i) {
        me->request(first, caf::infinite, i).then([=](int n) mutable {
          *sum += n;
          if (i == 99) promise.deliver(*sum);
        });
      }
      return promise;
    }};
  });
  CHECK(ask<int>(self, asker, go_atom::value) == 10 * 4950 + 100);
}

TEST_CASE_TEMPLATE("an actor asks itself", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto a = start(rig.system(), there, [](self_t* me) -> caf::behavior {
    return {[=](go_atom) {
              auto promise = me->template make_response_promise<int>();
              me->request(caf::actor{me}, caf::infinite, 20).then([=](int n) mutable { promise.deliver(n + 2); });
              return promise;
            },
            [](int n) { return 2 * n; }};
  });
  CHECK(ask<int>(self, a, go_atom::value) == 42);
}

TEST_CASE_TEMPLATE("an answer after the timeout is dropped", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto slow = start(rig.system(), there, [](self_t* me) -> caf::behavior {
    auto promise = std::make_shared<caf::typed_response_promise<int>>();
    return {[=](go_atom) { return *promise = me->template make_response_promise<int>(); },
            [=](stop_atom) { promise->deliver(1000); }, [](get_atom) { return 0; }};
  });
  const auto asker = start(rig.system(), here, [slow](self_t* me) -> caf::behavior {
    return {[=](go_atom) {
      auto promise = me->template make_response_promise<int>();
      auto seen = std::make_shared<int>(0);
      me->request(slow, 1ms, go_atom::value)
          .then([=](int n) { *seen += n; },
                [=](caf::error& e) mutable {
                  *seen += e == caf::sec::request_timeout ? 1 : 100;
                  me->send(slow, stop_atom::value);
                  // Its answer comes behind the late one.
                  me->request(slow, caf::infinite, get_atom::value).then([=](int) mutable { promise.deliver(*seen); });
                });
      return promise;
    }};
  });
  CHECK(ask<int>(self, asker, go_atom::value) == 1);
}

TEST_CASE_TEMPLATE("delayed messages reach other cores, the earlier first", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto sink = start(rig.system(), there, [](self_t* me) -> caf::behavior {
    auto seen = std::make_shared<std::string>();
    auto promise = std::make_shared<caf::typed_response_promise<std::string>>();
    return {[=](go_atom) { return *promise = me->template make_response_promise<std::string>(); },
            [=](int n) {
              *seen += std::to_string(n);
              if (seen->size() == 4) promise->deliver(*seen);
            }};
  });
  const auto source = start(rig.system(), here, [sink](self_t* me) -> caf::behavior {
    return {[=](add_atom) {
      me->delayed_send(sink, 12ms, 4);
      me->delayed_send(sink, 4ms, 2);
      me->delayed_send(sink, 8ms, 3);
      me->send(sink, 1);
    }};
  });
  auto answer = self->request(sink, caf::infinite, go_atom::value);
  self->send(source, add_atom::value);
  answer.receive([](const std::string& s) { CHECK(s == "1234"); }, [](caf::error&) { FAIL("no answer"); });
  // A thread has no clock of its own.
  caf::delayed_anon_send(caf::actor{self}, 1ms, 5);
  self->receive([](int n) { CHECK(n == 5); });
}

// -- kinds of actors --------------------------------------------------------------------------------------------------

namespace {

using sum_actor = caf::typed_actor<caf::reacts_to<add_atom, int>, caf::replies_to<get_atom>::with<int>>;

template <class Base>
struct counting final : Base {
  using Base::Base;
  sum_actor::behavior_type make_behavior() override {
    return {[this](add_atom, int n) { sum_ += n; }, [this](get_atom) { return sum_; }};
  }
  int sum_ = 0;
};

template <class Base>
struct passing_on final : Base {
  passing_on(caf::actor_config& cfg, sum_actor to) : Base{cfg}, to_{std::move(to)} {}
  sum_actor::behavior_type make_behavior() override {
    return {[this](add_atom a, int n) { this->send(to_, a, n); },
            [this](get_atom g) { return this->delegate(to_, g); }};
  }
  sum_actor to_;
};

template <class Actor, class... Ts>
sum_actor start_typed(caf::actor_system& system, core_id where, const Ts&... xs) {
  const auto made = spawn_on<Actor>(system, where, xs...);
  REQUIRE(made);
  if constexpr (std::derived_from<Actor, resident>) {
    return made->template handle<sum_actor>();
  } else {
    return *made;
  }
}

std::atomic<int> states_alive{0};

struct tracked {
  tracked() { ++states_alive; }
  tracked(const tracked&) = delete;
  ~tracked() { --states_alive; }
  int sum = 0;
};

template <class Self>
caf::behavior keep_sum(Self* me) {
  return {[=](add_atom, int n) { me->state.sum += n; }, [=](get_atom) { return me->state.sum; }};
}

struct own_state final : basic_core_actor<caf::stateful_actor<tracked>> {
  using basic_core_actor::basic_core_actor;
  caf::behavior make_behavior() override { return keep_sum(this); }
};

}  // namespace

TEST_CASE_TEMPLATE("typed actors talk across cores, and to a function view", Kind, drop_in, at_home) {
  using base = typename Kind::template actor<sum_actor::base>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const sum_actor a = start_typed<counting<base>>(rig.system(), there);
  const sum_actor b = start_typed<passing_on<base>>(rig.system(), here, a);
  const sum_actor c = start(rig.system(), here, [b](sum_actor::pointer me) -> sum_actor::behavior_type {
    return {[=](add_atom x, int n) { me->send(b, x, n); }, [=](get_atom g) { return me->delegate(b, g); }};
  });
  for (int i = 1; i <= 100; ++i) self->send(c, add_atom::value, i);
  CHECK(ask<int>(self, c, get_atom::value) == 5050);
  auto view = caf::make_function_view(c);
  const auto seen = view(get_atom::value);
  REQUIRE(seen);
  CHECK(*seen == 5050);
  self->send_exit(a, caf::exit_reason::kill);
  self->wait_for(a);
  // The way there goes over two that live.
  const auto failed = view(get_atom::value);
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == caf::sec::request_receiver_down);
}

TEST_CASE_TEMPLATE("the state of an actor lives as long as the actor runs", Kind, drop_in, at_home) {
  using self_t = caf::stateful_actor<tracked, self_of<Kind>>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  std::vector<caf::actor> all{start(rig.system(), there, keep_sum<self_t>),
                              start(rig.system(), here, keep_sum<self_t>)};
  if constexpr (std::is_same_v<Kind, at_home>) {
    const auto made = spawn_on<own_state>(rig.system(), there);
    REQUIRE(made);
    all.push_back(made->handle());
  }
  for (const auto& a : all) {
    self->send(a, add_atom::value, 40);
    self->send(a, add_atom::value, 2);
    CHECK(ask<int>(self, a, get_atom::value) == 42);
  }
  CHECK(states_alive == static_cast<int>(all.size()));
  for (const auto& a : all) self->send_exit(a, caf::exit_reason::user_shutdown);
  self->wait_for(all);
  // The handles are held still: the actors are there, their states are not.
  CHECK(states_alive == 0);
}

TEST_CASE_TEMPLATE("detached actors and those on cores talk in both directions", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto pong = [](auto* me) -> caf::behavior {
    return {[=](int n) {
      if (n == 0) me->quit();
      return n > 0 ? n - 1 : 0;
    }};
  };
  const auto on_core = start(rig.system(), there, [=](self_t* me) { return pong(me); });
  const auto apart = rig.system().spawn<caf::detached>([=](caf::event_based_actor* me) { return pong(me); });
  const auto ping = [](auto* me, const caf::actor& to) -> caf::behavior {
    auto promise = std::make_shared<caf::typed_response_promise<int>>();
    return {[=](go_atom) {
              me->send(me, 200);
              return *promise = me->template make_response_promise<int>();
            },
            [=](int n) {
              me->request(to, caf::infinite, n).then([=](int left) {
                if (left > 0) return me->send(me, left);
                promise->deliver(core_now());
              });
            }};
  };
  const auto from_apart =
      rig.system().spawn<caf::detached>([=](caf::event_based_actor* me) { return ping(me, on_core); });
  const auto from_core = start(rig.system(), here, [=](self_t* me) { return ping(me, apart); });
  CHECK(ask<int>(self, from_apart, go_atom::value) == -1);
  CHECK(ask<int>(self, from_core, go_atom::value) >= 0);
  for (const auto& a : {on_core, apart}) CHECK(reason_of(self, a, [&] { self->send(a, 0); }) == caf::error{});
  for (const auto& a : {from_apart, from_core}) self->send_exit(a, caf::exit_reason::user_shutdown);
}

TEST_CASE_TEMPLATE("a blocking actor receives from cores for as long as it wants", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto source = [](self_t* me) -> caf::behavior {
    return {[=](const caf::actor& to, int count) {
      for (int i = 1; i <= count; ++i) me->send(to, i);
      me->send(to, stop_atom::value);
    }};
  };
  const std::vector<caf::actor> sources{start(rig.system(), here, source), start(rig.system(), there, source)};
  const auto blocking = rig.system().spawn([=](caf::blocking_actor* me) {
    int sum = 0, stops = 0;
    for (const auto& s : sources) me->send(s, caf::actor{me}, 100);
    me->receive_while([&] { return stops < 2; })([&](int n) { sum += n; }, [&](stop_atom) { ++stops; });
    CHECK(sum == 2 * 5050);
    me->send(sources[0], caf::actor{me}, 10);
    int counted = 0;
    for (int i = 0; i < 10;) me->receive_for(i, 10)([&](int n) { counted += n; });
    CHECK(counted == 55);
    bool stopped = false;
    me->do_receive([&](stop_atom) { stopped = true; }).until([&] { return stopped; });
    me->fail_state(caf::exit_reason::user_shutdown);
  });
  self->monitor(blocking);
  self->receive([](const caf::down_msg& d) { CHECK(d.reason == caf::exit_reason::user_shutdown); });
}

TEST_CASE_TEMPLATE("threads with actors of their own ask at once", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  constexpr int threads = 4, each = 200;
  const std::vector<caf::actor> sinks{start(rig.system(), here, adder<self_t>),
                                      start(rig.system(), there, adder<self_t>)};
  std::vector<std::thread> askers;
  for (int t = 0; t < threads; ++t) {
    askers.emplace_back([&] {
      caf::scoped_actor self{rig.system()};
      int before = 0;
      for (int i = 0; i < each; ++i) {
        for (const auto& s : sinks) self->send(s, add_atom::value, 1);
        const int now = ask<int>(self, sinks[0], get_atom::value);
        CHECK(now > before);
        before = now;
      }
    });
  }
  for (auto& t : askers) t.join();
  caf::scoped_actor self{rig.system()};
  for (const auto& s : sinks) CHECK(ask<int>(self, s, get_atom::value) == threads * each);
}

// -- ends -------------------------------------------------------------------------------------------------------------

TEST_CASE_TEMPLATE("who monitors an actor on another core learns why it ended", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto victim = [](self_t* me) -> caf::behavior {
    me->set_exception_handler([](std::exception_ptr&) { return caf::make_error(caf::sec::runtime_error); });
    return {[=](int how) -> int {
      if (how == 0) me->quit();
      if (how == 1) me->quit(caf::sec::bad_function_call);
      if (how == 2) throw std::runtime_error{"on purpose"};
      return 0;
    }};
  };
  const auto watcher = start(rig.system(), here, [](self_t* me) -> caf::behavior {
    auto promise = std::make_shared<caf::typed_response_promise<std::string>>();
    me->set_down_handler([=](caf::down_msg& d) { promise->deliver(to_string(d.reason)); });
    return {[=](const caf::actor& whom, int how) {
              *promise = me->template make_response_promise<std::string>();
              me->monitor(whom);
              me->send(whom, how);
              return *promise;
            },
            // What the victim answers, and what CAF sends in place of an answer when it has thrown.
            [](int) {}, [](const caf::error&) {}};
  });
  const caf::error reasons[] = {caf::error{}, caf::make_error(caf::sec::bad_function_call),
                                caf::make_error(caf::sec::runtime_error)};
  for (int how = 0; how < 3; ++how) {
    const auto v = start(rig.system(), there, victim);
    CHECK(ask<std::string>(self, watcher, v, how) == to_string(reasons[how]));
    // And so does who comes when it has ended.
    CHECK(reason_of(self, v, [] {}) == reasons[how]);
  }
  for (const auto reason :
       {caf::exit_reason::kill, caf::exit_reason::user_shutdown, caf::exit_reason::out_of_workers}) {
    const auto v = start(rig.system(), there, victim);
    CHECK(reason_of(self, v, [&] { caf::anon_send_exit(v, reason); }) == reason);
  }
}

TEST_CASE_TEMPLATE("who monitors no more is told no more, and who does so twice is told twice", Kind, drop_in,
                   at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const std::vector<caf::actor> victims{start(rig.system(), there, adder<self_t>),
                                        start(rig.system(), there, adder<self_t>)};
  const auto watcher = start(rig.system(), here, [victims](self_t* me) -> caf::behavior {
    auto seen = std::make_shared<std::vector<caf::actor_addr>>();
    auto promise = std::make_shared<caf::typed_response_promise<int>>();
    me->monitor(victims[0]);
    me->monitor(victims[1]);
    me->monitor(victims[1]);
    me->demonitor(victims[0]);
    me->set_down_handler([=](caf::down_msg& d) {
      seen->push_back(d.source);
      const auto of_last = std::count(seen->begin(), seen->end(), victims[1].address());
      if (of_last == 2) promise->deliver(static_cast<int>(seen->size()));
    });
    return {[=](go_atom) { return *promise = me->template make_response_promise<int>(); }, [](get_atom) { return 0; }};
  });
  auto told = self->request(watcher, caf::infinite, go_atom::value);
  CHECK(ask<int>(self, watcher, get_atom::value) == 0);
  for (const auto& v : victims) {
    self->send_exit(v, caf::exit_reason::kill);
    self->wait_for(v);
  }
  told.receive([](int n) { CHECK(n == 2); }, [](caf::error&) { FAIL("no answer"); });
}

TEST_CASE_TEMPLATE("actors that are linked end together, unless they trap or unlink", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto start_linked = [&](core_id where, const caf::actor& to) {
    auto a = start(rig.system(), where, [=](self_t* me) -> caf::behavior {
      me->link_to(to);
      return {[](get_atom) { return 1; }};
    });
    CHECK(ask<int>(self, a, get_atom::value) == 1);
    return a;
  };
  const auto first = start(rig.system(), there, adder<self_t>);
  const auto second = start_linked(here, first), third = start_linked(there, second);
  const auto trapping = start(rig.system(), here, [first](self_t* me) -> caf::behavior {
    auto promise = std::make_shared<caf::typed_response_promise<std::string>>();
    me->link_to(first);
    me->set_exit_handler([=](caf::exit_msg& e) { promise->deliver(to_string(e.reason)); });
    return {[=](get_atom) { return *promise = me->template make_response_promise<std::string>(); },
            [](go_atom) { return 2; }};
  });
  const auto unlinked = start(rig.system(), here, [first](self_t* me) -> caf::behavior {
    me->link_to(first);
    me->unlink_from(first);
    return {[](go_atom) { return 3; }};
  });
  auto trapped = self->request(trapping, caf::infinite, get_atom::value);
  CHECK(ask<int>(self, trapping, go_atom::value) == 2);
  CHECK(ask<int>(self, unlinked, go_atom::value) == 3);
  CHECK(reason_of(self, third, [&] { self->send_exit(first, caf::exit_reason::user_shutdown); }) ==
        caf::exit_reason::user_shutdown);
  CHECK(reason_of(self, second, [] {}) == caf::exit_reason::user_shutdown);
  trapped.receive([](const std::string& s) { CHECK(s == to_string(caf::make_error(caf::exit_reason::user_shutdown))); },
                  [](caf::error&) { FAIL("no answer"); });
  CHECK(ask<int>(self, trapping, go_atom::value) == 2);
  CHECK(ask<int>(self, unlinked, go_atom::value) == 3);
  // Nobody traps that.
  CHECK(reason_of(self, trapping, [&] { caf::anon_send_exit(trapping, caf::exit_reason::kill); }) ==
        caf::exit_reason::kill);
}

TEST_CASE_TEMPLATE("what was attached to an actor runs at its end, with the reason", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  std::atomic<int> told{0};
  actor_rig rig;
  const auto a = start(rig.system(), there, [&](self_t* me) -> caf::behavior {
    me->attach_functor([&](const caf::error& why) { told += why == caf::exit_reason::kill ? 1 : 100; });
    return {[](get_atom) { return 0; }};
  });
  {
    caf::scoped_actor self{rig.system()};
    CHECK(ask<int>(self, a, get_atom::value) == 0);
    a->attach_functor([&](const caf::error& why) { told += why == caf::exit_reason::kill ? 10 : 100; });
    CHECK(told == 0);
    self->send_exit(a, caf::exit_reason::kill);
    self->wait_for(a);
  }
  while (told != 11) {
    REQUIRE(told < 11);
    std::this_thread::yield();
  }
  a->attach_functor([&](const caf::error&) { told = 1000; });
  CHECK(told == 1000);
}

TEST_CASE_TEMPLATE("an exception ends one actor, and fails what waits for it", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const auto faulty = [](self_t* me) -> caf::behavior {
    me->set_exception_handler([](std::exception_ptr&) { return caf::make_error(caf::sec::runtime_error); });
    return {[](go_atom) -> int { throw std::runtime_error{"on purpose"}; },
            [=](add_atom) {
              auto promise = me->template make_response_promise<int>();
              me->request(caf::actor{me}, caf::infinite, get_atom::value).then([=](int) {
                throw std::runtime_error{"in the handler of a response"};
              });
              return promise;
            },
            [](get_atom) { return 0; }};
  };
  const auto neighbour = start(rig.system(), there, adder<self_t>);
  for (int i = 0; i < 20; ++i) {
    const auto a = start(rig.system(), there, faulty);
    auto thrown = self->request(a, caf::infinite, go_atom::value);
    auto behind = self->request(a, caf::infinite, get_atom::value);
    for (auto* waits : {&thrown, &behind}) {
      waits->receive(
          [](int) { FAIL("an answer"); },
          [](caf::error& e) { CHECK((e == caf::sec::runtime_error || e == caf::sec::request_receiver_down)); });
    }
    const auto b = start(rig.system(), there, faulty);
    CHECK(reason_of(self, b, [&] { self->send(b, add_atom::value); }) == caf::sec::runtime_error);
    self->send(neighbour, add_atom::value, 1);
  }
  CHECK(ask<int>(self, neighbour, get_atom::value) == 20);
}

TEST_CASE_TEMPLATE("a system that does not wait ends with timers and messages pending", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  const auto held = std::make_shared<int>(0);
  {
    actor_rig rig;
    rig.system().await_actors_before_shutdown(false);
    caf::scoped_actor self{rig.system()};
    for (const core_id where : {here, there}) {
      const auto silent = start(rig.system(), where, [](self_t* me) -> caf::behavior {
        me->set_default_handler(caf::skip);
        return {[](go_atom) { return 1; }};
      });
      self->send(silent, 1, burden{held});
      // It learns of the other by message: two actors that hold each other are never released, by CAF's rules.
      const auto a = start(rig.system(), there, [b = burden{held}](self_t* me) -> caf::behavior {
        return {[=](const caf::actor& other) {
                  me->delayed_send(me, 60min, b);
                  me->delayed_send(other, 60min, b);
                  me->request(other, 60min, get_atom::value, b).then([b](int) {});
                  return 1;
                },
                caf::after(60min) >> [b] {}};
      });
      CHECK(ask<int>(self, a, silent) == 1);
      CHECK(ask<int>(self, silent, go_atom::value) == 1);
    }
    CHECK(held.use_count() > 4);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE_TEMPLATE("all actors are done when those are that others have spawned", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  std::atomic<int> made{0};
  struct family {
    static caf::behavior grow(self_t* me, std::atomic<int>& made, int depth) {
      return {[=, &made](go_atom) {
        ++made;
        for (int i = 0; depth > 0 && i < 2; ++i) {
          const auto child = start(me->system(), core_number(static_cast<std::size_t>(i)),
                                   [&made, depth](self_t* it) { return grow(it, made, depth - 1); });
          me->send(child, go_atom::value);
        }
        me->quit();
      }};
    }
  };
  caf::anon_send(start(rig.system(), here, [&](self_t* me) { return family::grow(me, made, 6); }), go_atom::value);
  rig.system().await_all_actors_done();
  CHECK(made == 127);
}
