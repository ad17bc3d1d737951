// SPDX-License-Identifier: BSD-3-Clause
// What is around an actor: groups and pools, aout, other systems of the process, the network, settings; and line calls
// at their edges. As far as it differs, each for actors as CAF has them and for core actors.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <caf/io/all.hpp>

#include <cooper/actors/caf_error.hpp>
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

// As actor_rig, with the middleman beside the scheduler.
class node {
 public:
  node() : machine_{boot(native_options(2))} {
    config_.load<caf::io::middleman>();
    run_on(config_, *machine_);
    system_ = std::make_unique<caf::actor_system>(config_);
  }
  ~node() {
    system_.reset();
    REQUIRE(machine_->stop());
  }
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  caf::actor_system& system() { return *system_; }
  caf::io::middleman& network() { return system_->middleman(); }

 private:
  const watchdog dog_{60s};
  std::unique_ptr<machine> machine_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

}  // namespace

// -- many as one ------------------------------------------------------------------------------------------------------

TEST_CASE_TEMPLATE("the members of a group hear what is sent to it, until they leave or end", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  const caf::group all = rig.system().groups().get_local("all");
  const auto member = [all](self_t* me) -> caf::behavior {
    me->join(all);
    auto sum = std::make_shared<int>(0);
    return {[=](add_atom, int n) { *sum += n; }, [=](get_atom) { return *sum; }, [=](stop_atom) { me->leave(all); }};
  };
  std::vector<caf::actor> members;
  for (std::size_t i = 0; i < 8; ++i) members.push_back(start(rig.system(), core_number(i % 2), member));
  for (const auto& m : members) CHECK(ask<int>(self, m, get_atom::value) == 0);
  const auto speaker = start(rig.system(), there, [all](self_t* me) -> caf::behavior {
    return {[=](go_atom) {
      for (int i = 1; i <= 10; ++i) me->send(all, add_atom::value, i);
      return 0;
    }};
  });
  const auto sums = [&] {
    std::vector<int> found;
    for (const auto& m : members) found.push_back(ask<int>(self, m, get_atom::value));
    return found;
  };
  ask<int>(self, speaker, go_atom::value);
  self->send(all, add_atom::value, 100);
  // What the speaker has sent comes by another way than what this thread asks, and may be later.
  for (const auto& m : members) {
    while (ask<int>(self, m, get_atom::value) < 155) std::this_thread::yield();
  }
  CHECK(sums() == std::vector<int>(8, 155));
  self->send(members[0], stop_atom::value);
  CHECK(ask<int>(self, members[0], get_atom::value) == 155);
  self->send_exit(members[7], caf::exit_reason::user_shutdown);
  self->wait_for(members[7]);
  members.pop_back();
  self->send(all, add_atom::value, 1);
  CHECK(sums() == std::vector<int>{155, 156, 156, 156, 156, 156, 156});
  // A group holds its members; what nobody refers to otherwise would not end.
  for (const auto& m : members) self->send_exit(m, caf::exit_reason::user_shutdown);
}

TEST_CASE_TEMPLATE("a pool hands its work round, from threads and from cores", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  caf::scoped_execution_unit outside{&rig.system()};
  std::vector<caf::actor> workers;
  const auto make_worker = [&] {
    workers.push_back(start(rig.system(), core_number(workers.size() % 2), [](self_t*) -> caf::behavior {
      auto sum = std::make_shared<int>(0);
      return {[=](add_atom, int n) { return *sum += n; }, [=](get_atom) { return *sum; }};
    }));
    return workers.back();
  };
  const auto pool = caf::actor_pool::make(&outside, 4, make_worker, caf::actor_pool::round_robin());
  for (int i = 0; i < 100; ++i) ask<int>(self, pool, add_atom::value, 1);
  const auto client = start(rig.system(), there, [pool](self_t* me) -> caf::behavior {
    return {[=](go_atom) {
      auto promise = me->template make_response_promise<int>();
      auto left = std::make_shared<int>(100);
      for (int i = 0; i < 100; ++i) {
        me->request(pool, caf::infinite, add_atom::value, 1).then([=](int) mutable {
          if (--*left == 0) promise.deliver(1);
        });
      }
      return promise;
    }};
  });
  CHECK(ask<int>(self, client, go_atom::value) == 1);
  for (const auto& w : workers) CHECK(ask<int>(self, w, get_atom::value) == 50);
  const auto joined = caf::actor_pool::make(
      &outside, 2, make_worker,
      caf::actor_pool::split_join<int>([](int& sum, caf::message& m) { m.apply([&](int n) { sum += n; }); }));
  CHECK(ask<int>(self, joined, add_atom::value, 21) == 42);
  for (const auto& p : {pool, joined}) self->send_exit(p, caf::exit_reason::user_shutdown);
  // With a pool go its workers.
  self->wait_for(workers);
}

TEST_CASE_TEMPLATE("what actors write on both cores is in the file, whole lines in each one's order", Kind, drop_in,
                   at_home) {
  using self_t = self_of<Kind>;
  const auto path = std::filesystem::temp_directory_path() / ("cooper_aout." + std::to_string(getpid()));
  constexpr int writers = 8, lines = 200;
  {
    actor_rig rig;
    caf::actor_ostream::redirect_all(rig.system(), path.string());
    for (int w = 0; w < writers; ++w) {
      const auto a =
          start(rig.system(), core_number(static_cast<std::size_t>(w) % 2), [w](self_t* me) -> caf::behavior {
            return {[=](int n) {
              // In pieces, and in a run for each line: others write between.
              caf::aout(me) << "writer " << w << " wrote "
                            << "line ";
              caf::aout(me) << n << std::endl;
              if (n + 1 == lines) return me->quit();
              me->send(me, n + 1);
            }};
          });
      caf::anon_send(a, 0);
    }
    rig.system().await_all_actors_done();
  }
  std::ifstream file{path};
  std::map<int, int> next;
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    int w = -1, n = -1;
    char end = 0;
    REQUIRE_MESSAGE(std::sscanf(line.c_str(), "writer %d wrote line %d%c", &w, &n, &end) == 2, line);
    CHECK(next[w]++ == n);
  }
  CHECK(count == writers * lines);
  CHECK(next.size() == writers);
  std::filesystem::remove(path);
}

// -- other systems ----------------------------------------------------------------------------------------------------

TEST_CASE_TEMPLATE("actors of two systems, each with a machine of its own, talk both ways", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  actor_rig left, right;
  const auto first = start(left.system(), there, adder<self_t>), second = start(right.system(), there, adder<self_t>);
  const auto asker = [](const caf::actor& to) {
    return [to](self_t* me) -> caf::behavior {
      return {[=](go_atom) {
        for (int i = 1; i <= 100; ++i) me->send(to, add_atom::value, i);
        return me->delegate(to, get_atom::value);
      }};
    };
  };
  const auto from_left = start(left.system(), here, asker(second)),
             from_right = start(right.system(), here, asker(first));
  caf::scoped_actor self{left.system()}, other{right.system()};
  for (int round = 1; round <= 10; ++round) {
    auto a = self->request(from_left, caf::infinite, go_atom::value);
    auto b = other->request(from_right, caf::infinite, go_atom::value);
    for (auto* answer : {&a, &b}) {
      answer->receive([=](int n) { CHECK(n == round * 5050); }, [](caf::error&) { FAIL("no answer"); });
    }
  }
  // And one hears of the other's end.
  self->monitor(second);
  other->send_exit(second, caf::exit_reason::user_shutdown);
  self->receive([](const caf::down_msg& d) { CHECK(d.reason == caf::exit_reason::user_shutdown); });
  for (const auto& a : {first, from_left, from_right}) {
    other->send_exit(a, caf::exit_reason::user_shutdown);
    other->wait_for(a);
  }
}

TEST_CASE("core actors keep to their machine when actors of another system speak to them") {
  actor_rig left, right;
  machine* own = &right.on();
  const auto a = start(right.system(), there, [own](basic_core_actor<>*) -> caf::behavior {
    return {[=](get_atom) { return core::current() != nullptr && &core::current()->home() == own; }};
  });
  const auto speaker = start(left.system(), here, [a](basic_core_actor<>* me) -> caf::behavior {
    return {[=](go_atom) { return me->delegate(a, get_atom::value); }};
  });
  caf::scoped_actor self{left.system()};
  CHECK(ask<bool>(self, speaker, go_atom::value));
  self->send_exit(speaker, caf::exit_reason::user_shutdown);
  self->wait_for(speaker);
}

TEST_CASE_TEMPLATE("a published actor is spoken to over the network, and seen to end", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  node server, client;
  const auto a = start(server.system(), there, adder<self_t>);
  const auto port = server.network().publish(a, 0, "127.0.0.1");
  REQUIRE(port);
  const auto remote = client.network().remote_actor("127.0.0.1", *port);
  REQUIRE(remote);
  CHECK(remote->node() == server.system().node());
  const auto asker = start(client.system(), here, [to = *remote](self_t* me) -> caf::behavior {
    auto promise = std::make_shared<caf::typed_response_promise<bool>>();
    me->monitor(to);
    me->set_down_handler([=](caf::down_msg& d) {
      promise->deliver(d.source == to.address() && d.reason == caf::exit_reason::user_shutdown);
    });
    return {[=](go_atom) {
              for (int i = 1; i <= 100; ++i) me->send(to, add_atom::value, i);
              return me->delegate(to, get_atom::value);
            },
            [=](get_atom) {
              auto sum = me->template make_response_promise<int>();
              me->request(to, caf::infinite, get_atom::value).then([=](int n) mutable { sum.deliver(n); });
              return sum;
            },
            [=](stop_atom) { return *promise = me->template make_response_promise<bool>(); }};
  });
  caf::scoped_actor self{client.system()};
  CHECK(ask<int>(self, asker, go_atom::value) == 5050);
  CHECK(ask<int>(self, asker, get_atom::value) == 5050);
  CHECK(ask<int>(self, *remote, get_atom::value) == 5050);
  auto down = self->request(asker, caf::infinite, stop_atom::value);
  caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  down.receive([](bool told) { CHECK(told); }, [](caf::error&) { FAIL("no answer"); });
  self->send_exit(asker, caf::exit_reason::user_shutdown);
}

TEST_CASE_TEMPLATE("brokers carry bytes for actors on cores", Kind, drop_in, at_home) {
  using self_t = self_of<Kind>;
  constexpr std::size_t word = 5;
  node n;
  std::uint16_t port = 0;
  const auto echo = n.network().spawn_server(
      [](caf::io::broker* me) -> caf::behavior {
        return {[=](const caf::io::new_connection_msg& m) {
                  me->configure_read(m.handle, caf::io::receive_policy::exactly(word));
                },
                [=](const caf::io::new_data_msg& m) {
                  me->write(m.handle, m.buf.size(), m.buf.data());
                  me->flush(m.handle);
                },
                [=](const caf::io::connection_closed_msg&) { me->quit(); }};
      },
      port);
  REQUIRE(echo);
  const auto talker = start(n.system(), there, [](self_t* me) -> caf::behavior {
    auto promise = std::make_shared<caf::typed_response_promise<std::string>>();
    auto heard = std::make_shared<std::string>();
    return {[=](const caf::actor& by) {
              *promise = me->template make_response_promise<std::string>();
              for (const char* w : {"first", "then ", "last."}) me->send(by, std::string{w});
              return *promise;
            },
            [=](const std::string& text) {
              *heard += text;
              if (heard->size() == 3 * word) promise->deliver(*heard);
            }};
  });
  const auto line = n.network().spawn_client(
      [](caf::io::broker* me, caf::io::connection_handle to, const caf::actor& listener) -> caf::behavior {
        me->configure_read(to, caf::io::receive_policy::exactly(word));
        return {[=](const std::string& text) {
                  me->write(to, text.size(), text.data());
                  me->flush(to);
                },
                [=](const caf::io::new_data_msg& m) { me->send(listener, std::string(m.buf.begin(), m.buf.end())); },
                [=](const caf::io::connection_closed_msg&) { me->quit(); }};
      },
      "127.0.0.1", port, talker);
  REQUIRE(line);
  caf::scoped_actor self{n.system()};
  CHECK(ask<std::string>(self, talker, *line) == "firstthen last.");
  self->send_exit(*line, caf::exit_reason::user_shutdown);
  // The echo ends by itself when it hears that nobody is there any more.
  self->wait_for(*echo);
}

// -- settings ---------------------------------------------------------------------------------------------------------

TEST_CASE("a setting that there is not is refused by its name") {
  const watchdog dog{60s};
  const auto refusal = [](const std::string& key, const std::string& value) {
    caf::actor_system_config cfg;
    cfg.load<core_scheduler>();
    caf::put(cfg.content, key, value);
    try {
      const caf::actor_system system{cfg};
    } catch (const std::runtime_error& e) {
      return std::string{e.what()};
    }
    return std::string{};
  };
  CHECK(refusal("cooper.plcement", "pack").find("cooper.plcement") != std::string::npos);
  CHECK(refusal("cooper.placement", "everywhere").find("everywhere") != std::string::npos);
}

TEST_CASE("more workers than cores are asked for: there is one driver a core") {
  const watchdog dog{60s};
  const auto cores_with = [](std::size_t workers) {
    caf::actor_system_config cfg;
    cfg.load<core_scheduler>();
    caf::put(cfg.content, "scheduler.max-threads", workers);
    caf::actor_system system{cfg};
    caf::scoped_actor self{system};
    CHECK(ask<int>(self, system.spawn(adder<caf::event_based_actor>), get_atom::value) == 0);
    return core_scheduler::of(system)->units().size();
  };
  CHECK(cores_with(1000) == topology::discover()->allowed_cores().size());
  CHECK(cores_with(1) == 1);
}

// -- line calls -------------------------------------------------------------------------------------------------------

namespace {

struct add {
  std::int64_t amount;
};
struct get {};
struct get_by_itself {};
struct break_now {};
struct break_later {};
struct total {
  std::int64_t value;
};

// Runs a function as a coroutine on its core, which may call anybody, the actor itself too.
struct server : core_actor<server, protocol<one_way<add>, request<get, total>, request<get_by_itself, total>,
                                            request<break_now, total>, request<break_later, total>>> {
  using body = std::function<task<void>(server&)>;
  explicit server(caf::actor_config& cfg, body b = {}) : core_actor{cfg}, body_{std::move(b)} {}

  caf::behavior make_behavior() override {
    set_exception_handler([](std::exception_ptr&) { return caf::make_error(caf::sec::runtime_error); });
    return {[this](go_atom) {
      auto promise = make_response_promise<bool>();
      start(run(promise));
      return promise;
    }};
  }

  void handle(const add& m) { sum_ += m.amount; }
  total handle(const get&) {
    CHECK(++running_ == 1);
    --running_;
    return {sum_};
  }
  task<total> handle(get_by_itself) {
    ++running_;
    CHECK(tell(line_self(), add{1}) == send_result::ok);
    auto seen = call(line_self(), get{});
    --running_;
    co_return total{(co_await seen)->value};
  }
  task<total> handle(break_now) {
    if (sum_ >= 0) throw std::runtime_error{"on purpose"};
    co_return total{};
  }
  task<total> handle(break_later) {
    const auto seen = co_await call(line_self(), get{});
    if (seen) throw std::runtime_error{"on purpose, behind a call"};
    co_return total{};
  }

 private:
  task<void> run(caf::typed_response_promise<bool> promise) {
    co_await body_(*this);
    promise.deliver(true);
  }

  body body_;
  std::int64_t sum_ = 0;
  int running_ = 0;
};

void run_on_core(actor_rig& rig, core_id where, server::body body) {
  const auto made = spawn_on<server>(rig.system(), where, std::move(body));
  REQUIRE(made);
  caf::scoped_actor self{rig.system()};
  CHECK(ask<bool>(self, made->handle(), go_atom::value));
}

}  // namespace

TEST_CASE("an actor calls itself, and its handlers do not nest") {
  actor_rig rig;
  const auto other = spawn_on<server>(rig.system(), there);
  REQUIRE(other);
  run_on_core(rig, here, [other](server& me) -> task<void> {
    CHECK(me.tell(me.line_self(), add{5}) == send_result::ok);
    CHECK((co_await me.call(me.line_self(), get{}))->value == 5);
    CHECK((co_await me.call(me.line_self(), get_by_itself{}))->value == 6);
    for (int i = 1; i <= 100; ++i) CHECK((co_await me.call(*other, get_by_itself{}))->value == i);
    const auto late = co_await me.call(me.line_self(), get{}, -1ns);
    CHECK(late.error().code() == errc::deadline_passed);
    const auto at_once = co_await me.call(me.line_self(), get{}, 0ns);
    CHECK(at_once.error().code() == errc::deadline_passed);
  });
}

TEST_CASE("an exception in a coroutine handler is told, wherever it is thrown, and ends the actor") {
  actor_rig rig;
  for (const core_id where : {here, there}) {
    for (const bool later : {false, true}) {
      const auto broken = spawn_on<server>(rig.system(), where);
      REQUIRE(broken);
      caf::scoped_actor self{rig.system()};
      self->monitor(broken->handle());
      run_on_core(rig, here, [=](server& me) -> task<void> {
        errc told{};
        if (later) {
          const auto thrown = co_await me.call(*broken, break_later{});
          told = thrown.error().code();
        } else {
          const auto thrown = co_await me.call(*broken, break_now{});
          told = thrown.error().code();
        }
        CHECK(told == errc::handler_failed);
        const auto gone = co_await me.call(*broken, get{});
        CHECK(gone.error().code() == errc::no_receiver);
      });
      self->receive([](const caf::down_msg& d) { CHECK(d.reason == caf::sec::runtime_error); });
    }
  }
}

TEST_CASE("a call to an actor that has ended finds nobody, though another lives in its place") {
  actor_rig rig;
  caf::scoped_actor self{rig.system()};
  for (const core_id where : {here, there}) {
    const auto ended = spawn_on<server>(rig.system(), where);
    REQUIRE(ended);
    line_address<server> before;
    run_on_core(rig, here, [&](server& me) -> task<void> {
      CHECK((co_await me.call(*ended, get{}))->value == 0);
      before.at = (*ended)->where().value_or(address{});
    });
    self->send_exit(ended->handle(), caf::exit_reason::user_shutdown);
    self->wait_for(ended->handle());
    bool in_its_place = false;
    run_on_core(rig, here, [&](server& me) -> task<void> {
      // An endpoint that was closed is opened again some time later, perhaps for the caller itself.
      in_its_place = me.line_self().at.core == where && me.line_self().at.slot == before.at.slot;
      std::vector<core_ref<server>> after;
      while (!in_its_place) {
        const auto made = spawn_on<server>(me.system(), where);
        CHECK(made);
        after.push_back(*made);
        CHECK((co_await me.call(*made, get{}))->value == 0);
        in_its_place = in_its_place || (*made)->where()->slot == before.at.slot;
      }
      const auto by_handle = co_await me.call(*ended, get{});
      CHECK(by_handle.error().code() == errc::no_receiver);
      const auto by_address = co_await me.call(before, get{});
      CHECK(by_address.error().code() == errc::no_receiver);
    });
    CHECK(in_its_place);
  }
}

TEST_CASE("the main thread is a core, and its actors run on it") {
  const watchdog dog{60s};
  machine_options options = native_options(2);
  options.stepped = {core_id{0}};
  const auto m = boot(options);
  REQUIRE(m->adopt(core_id{0}));
  {
    caf::actor_system_config cfg;
    run_on(cfg, *m);
    caf::actor_system system{cfg};
    const auto body = [](caf::event_based_actor* self, std::thread::id* ran_on) -> caf::behavior {
      return {[=](const caf::actor& other, int left) {
        *ran_on = std::this_thread::get_id();
        if (left != 0) self->send(other, caf::actor_cast<caf::actor>(self), left - 1);
        if (left <= 1) self->quit();
      }};
    };
    std::thread::id on_first, on_second;
    {
      const auto first = *spawn_on(system, core_id{0}, body, &on_first);
      const auto second = *spawn_on(system, core_id{1}, body, &on_second);
      caf::anon_send(first, second, 1000);
    }
    await_all_actors_done(system);
    CHECK(system.registry().running() == 0);
    CHECK(on_first == std::this_thread::get_id());
    CHECK(on_second != std::thread::id{});
    CHECK(on_second != std::this_thread::get_id());
  }
  REQUIRE(m->stop());
}
