// SPDX-License-Identifier: BSD-3-Clause
// Core actors: parcels, lines, calls, coroutines, and what becomes of all of them when an actor ends.
#include <atomic>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <cooper/actors/caf_error.hpp>
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

struct add {
  std::int64_t amount;
};
struct get {};
struct total {
  std::int64_t value;
};
struct slow_get {
  std::int64_t delay_us;
};
struct break_down {};
struct never_answer {};
struct nothing {};

using counting = protocol<one_way<add>, request<get, total>, request<slow_get, total>, request<break_down, total>,
                          request<never_answer, nothing>>;

struct tally : core_actor<tally, counting> {
  explicit tally(caf::actor_config& cfg, std::atomic<int>* frames = nullptr) : core_actor{cfg}, frames_{frames} {}

  caf::behavior make_behavior() override {
    set_exception_handler([](std::exception_ptr&) { return caf::make_error(caf::sec::runtime_error); });
    return {[this](int n) { sum_ += n; }, [this](get_atom) { return sum_; },
            [this](const caf::actor& silent) {
              // Until the answer or the timeout is there, lines wait as CAF messages do.
              request(silent, 50ms, go_atom::value).await([](int) {}, [this](caf::error&) { sum_ = 77; });
            }};
  }

  void handle(const add& m) { sum_ += m.amount; }
  total handle(const get&) { return {sum_}; }
  task<total> handle(slow_get) { co_return total{sum_}; }
  result<total> handle(const break_down&) { throw std::runtime_error{"on purpose"}; }
  task<nothing> handle(never_answer) {
    struct counted {
      std::atomic<int>* n;
      explicit counted(std::atomic<int>* to) : n{to} {
        if (n != nullptr) ++*n;
      }
      ~counted() {
        if (n != nullptr) --*n;
      }
    } in_frame{frames_};
    co_await std::suspend_always{};
    co_return nothing{};
  }

  std::atomic<int>* frames_;
  std::int64_t sum_ = 0;
};

// Runs a function as a coroutine on a core, and tells a thread what came of it.
struct caller : core_actor<caller, protocol<>> {
  using body = std::function<task<void>(caller&)>;
  caller(caf::actor_config& cfg, body b) : core_actor{cfg}, body_{std::move(b)} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) {
      auto promise = make_response_promise<bool>();
      start(run(promise));
      return promise;
    }};
  }
  task<void> run(caf::typed_response_promise<bool> promise) {
    co_await body_(*this);
    promise.deliver(true);
  }
  body body_;
};

void run_on_core(actor_rig& rig, core_id where, caller::body body) {
  auto c = spawn_on<caller>(rig.system(), where, std::move(body));
  REQUIRE(c);
  caf::scoped_actor self{rig.system()};
  bool done = false;
  self->request(c->handle(), caf::infinite, go_atom::value)
      .receive([&](bool b) { done = b; }, [&](caf::error& e) { FAIL(rig.system().render(e)); });
  CHECK(done);
}

}  // namespace

TEST_CASE("calls across cores are answered, one after the other and many at once") {
  actor_rig rig;
  auto c = spawn_on<tally>(rig.system(), there);
  REQUIRE(c);
  run_on_core(rig, here, [c](caller& me) -> task<void> {
    for (int i = 0; i < 1000; ++i) {
      send_result sent = co_await me.send(*c, add{1});
      CHECK(sent == send_result::ok);
      auto got = co_await me.call(*c, get{});
      CHECK(got);
      CHECK(got->value == i + 1);
    }
    std::vector<task<std::int64_t>> many;
    const auto one = [&]() -> task<std::int64_t> { co_return (co_await me.call(*c, slow_get{0}))->value; };
    for (int i = 0; i < 64; ++i) many.push_back(one());
    std::int64_t sum = 0;
    for (const std::int64_t v : co_await when_all(std::move(many))) sum += v;
    CHECK(sum == 64'000);
    auto [a, b] = co_await when_all(one(), one());
    CHECK(a + b == 2000);
    const auto first = co_await when_any(one(), one());
    CHECK(first.value == 1000);
  });
}

TEST_CASE("a call on one's own core is a call too") {
  actor_rig rig;
  auto c = spawn_on<tally>(rig.system(), here);
  REQUIRE(c);
  run_on_core(rig, here, [c](caller& me) -> task<void> {
    CHECK(me.tell(*c, add{5}) == send_result::ok);
    auto got = co_await me.call(*c, get{}, 1s);
    CHECK(got->value == 5);
  });
}

TEST_CASE("parcels and lines of one sender keep their order") {
  actor_rig rig;
  auto c = spawn_on<tally>(rig.system(), there);
  REQUIRE(c);
  run_on_core(rig, here, [c](caller& me) -> task<void> {
    for (int i = 0; i < 500; ++i) {
      me.caf::event_based_actor::send(c->handle(), 1);
      CHECK((co_await me.send(*c, add{1})) == send_result::ok);
    }
    CHECK((co_await me.call(*c, get{}))->value == 1000);
  });
  caf::scoped_actor self{rig.system()};
  self->request(c->handle(), caf::infinite, get_atom::value)
      .receive([](std::int64_t n) { CHECK(n == 1000); }, [](caf::error&) { FAIL("no answer"); });
}

TEST_CASE("failures are told: no receiver, deadline, exception, full window") {
  actor_rig rig;
  std::atomic<int> frames{0};
  auto c = spawn_on<tally>(rig.system(), there, &frames);
  REQUIRE(c);
  auto broken = spawn_on<tally>(rig.system(), there);
  REQUIRE(broken);
  run_on_core(rig, here, [c, broken](caller& me) -> task<void> {
    auto past = co_await me.call(*c, get{}, -1ms);
    CHECK(past.error().code() == errc::deadline_passed);
    auto late = co_await me.call(*c, never_answer{}, 2ms);
    CHECK(late.error().code() == errc::deadline_passed);
    auto thrown = co_await me.call(*broken, break_down{});
    CHECK(thrown.error().code() == errc::handler_failed);
    auto gone = co_await me.call(*broken, get{});
    CHECK(gone.error().code() == errc::no_receiver);
    // By a bare address as well.
    auto by_address = co_await me.call(line_address<tally>{{.core = there, .generation = 7, .slot = 4000}}, get{});
    CHECK(by_address.error().code() == errc::no_receiver);
    const auto wait = [&]() -> task<errc> {
      auto r = co_await me.call(*c, never_answer{});
      co_return r ? errc::nothing : r.error().code();
    };
    std::vector<task<errc>> waiting;
    for (int i = 0; i < 1500; ++i) waiting.push_back(wait());
    std::size_t full = 0;
    const auto end_it = [&]() -> task<errc> {
      me.send_exit(c->handle(), caf::exit_reason::kill);
      co_return errc::nothing;
    };
    waiting.push_back(end_it());
    std::size_t ended = 0;
    for (const errc e : co_await when_all(std::move(waiting))) {
      full += e == errc::mailbox_full;
      ended += e == errc::no_receiver;
    }
    CHECK(full > 0);
    CHECK(ended > 0);
    CHECK(full + ended == 1500);
  });
  CHECK(frames == 0);
}

TEST_CASE("callbacks, also of a call that fails at once") {
  actor_rig rig;
  auto c = spawn_on<tally>(rig.system(), there);
  REQUIRE(c);
  struct asker : core_actor<asker, protocol<>> {
    asker(caf::actor_config& cfg, core_ref<tally> to) : core_actor{cfg}, to_{std::move(to)} {}
    caf::behavior make_behavior() override {
      return {[this](go_atom) {
        auto promise = make_response_promise<int>();
        CHECK(tell(to_, add{3}) == send_result::ok);
        call(to_, get{}, -1ms, [this](result<total> r) { seen_ += r ? 100 : 1; });
        call(to_, get{}, [this, promise](result<total> r) mutable {
          seen_ += static_cast<int>(r->value) * 10;
          promise.deliver(seen_);
        });
        CHECK(seen_ == 0);
        return promise;
      }};
    }
    core_ref<tally> to_;
    int seen_ = 0;
  };
  auto a = spawn_on<asker>(rig.system(), here, *c);
  REQUIRE(a);
  caf::scoped_actor self{rig.system()};
  self->request(a->handle(), caf::infinite, go_atom::value)
      .receive([](int n) { CHECK(n == 31); }, [](caf::error&) { FAIL("no answer"); });
}

TEST_CASE("lines wait while an actor awaits a response, and no coroutine outlives its actor") {
  actor_rig rig;
  std::atomic<int> frames{0};
  auto c = spawn_on<tally>(rig.system(), there, &frames);
  REQUIRE(c);
  caf::scoped_actor self{rig.system()};
  std::promise<void> asked;
  const auto silent = rig.system().spawn([&](caf::event_based_actor* me) -> caf::behavior {
    return {[me, &asked](go_atom) {
      asked.set_value();
      return me->make_response_promise<int>();
    }};
  });
  self->send(c->handle(), silent);
  asked.get_future().wait();  // what comes by the gateway and what comes by a ring keep no order
  run_on_core(rig, here, [c](caller& me) -> task<void> {
    const auto early = co_await me.call(*c, get{}, 10ms);
    CHECK_FALSE(early);
    const auto after = co_await me.call(*c, get{});
    CHECK(after->value == 77);
  });
  auto d = spawn_on<tally>(rig.system(), there, &frames);
  REQUIRE(d);
  run_on_core(rig, here, [d, &frames](caller& me) -> task<void> {
    static_cast<void>(co_await me.call(*d, never_answer{}, 1ms));
    CHECK(frames == 1);
  });
  self->monitor(d->handle());
  self->send_exit(d->handle(), caf::exit_reason::user_shutdown);
  self->receive([](const caf::down_msg&) {});
  CHECK(frames == 0);
  self->send_exit(c->handle(), caf::exit_reason::kill);
}

TEST_CASE("an actor that nobody refers to ends, after what was sent to it has arrived") {
  std::atomic<int> got{0}, ended{0};
  struct fragile : basic_core_actor<> {
    fragile(caf::actor_config& cfg, std::atomic<int>& got, std::atomic<int>& ended)
        : basic_core_actor{cfg}, got_{got}, ended_{ended} {}
    caf::behavior make_behavior() override {
      return {[this](int n) { got_ += n; }};
    }
    void on_exit() override { ++ended_; }
    std::atomic<int>&got_, &ended_;
  };
  {
    actor_rig rig;
    for (int i = 0; i < 100; ++i) {
      caf::anon_send(
          spawn_on<fragile>(rig.system(), core_number(static_cast<std::size_t>(i % 2)), got, ended)->handle(), 1);
    }
    rig.system().await_all_actors_done();
    CHECK(got == 100);
  }
  CHECK(ended == 100);
}

TEST_CASE("a function spawned on a core, beside another, on a core that is not there") {
  actor_rig rig;
  const auto echo = [](basic_core_actor<>*) -> caf::behavior {
    return {[](get_atom) { return static_cast<int>(core::current()->id().value); }};
  };
  auto a = spawn_on(rig.system(), there, echo);
  REQUIRE(a);
  caf::scoped_actor self{rig.system()};
  self->request(*a, caf::infinite, get_atom::value)
      .receive([](int n) { CHECK(n == 1); }, [](caf::error&) { FAIL(""); });
  auto c = spawn_on<tally>(rig.system(), there);
  auto b = spawn_on(rig.system(), beside(**c), echo);
  REQUIRE(b);
  self->request(*b, caf::infinite, get_atom::value)
      .receive([](int n) { CHECK(n == 1); }, [](caf::error&) { FAIL(""); });
  // What a running process tells of that core: its core actors are counted once they have been taken in.
  std::uint64_t residents = 0;
  for (const auto& [name, number] : rig.on().numbers_of(there)) residents += name == "core_actors" ? number : 0;
  CHECK(residents == 3);
  const auto nowhere_to_go = spawn_on<tally>(rig.system(), core_id{17});
  REQUIRE_FALSE(nowhere_to_go);
  CHECK(nowhere_to_go.error().code() == errc::no_such_core);
}

TEST_CASE("floods of parcels both ways: all that was sent was delivered or refused") {
  actor_rig rig;
  constexpr int count = 50'000;
  struct flooder : basic_core_actor<> {
    explicit flooder(caf::actor_config& cfg) : basic_core_actor{cfg} {}
    caf::behavior make_behavior() override {
      return {[this](int) { ++received_; },
              [this](const caf::actor& to) {
                for (int i = 0; i < count; ++i) send(to, i);
              },
              [this](get_atom) { return received_; }};
    }
    int received_ = 0;
  };
  auto a = spawn_on<flooder>(rig.system(), here);
  auto b = spawn_on<flooder>(rig.system(), there);
  caf::scoped_actor self{rig.system()};
  self->send(a->handle(), b->handle());
  self->send(b->handle(), a->handle());
  int got = 0;
  for (const auto& f : {a->handle(), b->handle()}) {
    // A request of theirs, behind everything: the flood is over when both answer.
    self->request(f, caf::infinite, get_atom::value).receive([](int) {}, [](caf::error&) {});
  }
  std::uint64_t refused = 0;
  for (;;) {
    got = 0;
    for (const auto& f : {a->handle(), b->handle()}) {
      self->request(f, caf::infinite, get_atom::value).receive([&](int n) { got += n; }, [](caf::error&) {});
    }
    refused = parcels_refused(rig.system());
    if (static_cast<std::uint64_t>(got) + refused == 2 * count) break;
  }
  CHECK(static_cast<std::uint64_t>(got) + refused == 2 * count);
}
