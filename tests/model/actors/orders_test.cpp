// SPDX-License-Identifier: BSD-3-Clause
// What actors promise when things cross: the last reference is dropped, a core goes down, an actor has not come home,
// an endpoint is used again, floods meet, each with messages on their way, in every order of the cores' turns. And each
// planted fault is noticed (actors/src/planted.hpp).
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <caf/all.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/spawn.hpp>
#include <cooper/runtime/machine.hpp>
#include "orders.hpp"
#include "planted.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

// What one execution leaves behind; it outlives the actors.
struct tally {
  int alive = 0;     // servers
  int living = 0;    // those of core 1 that have begun and not ended
  int payloads = 0;  // elements that are alive
  int handled = 0;   // messages that servers handled
  int out_of_order = 0;
  int begun = 0, ended = 0;  // calls and requests
};

struct payload {
  explicit payload(tally& t) : counted{&t} { ++counted->payloads; }
  payload(const payload& other) : counted{other.counted} { ++counted->payloads; }
  payload& operator=(const payload&) = delete;
  ~payload() { --counted->payloads; }
  tally* counted;
};

struct note {
  std::uint64_t number;
};
struct question {};
struct answer {};

}  // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(payload)

namespace {

struct server : core_actor<server, protocol<one_way<note>, request<question, answer>>> {
  server(caf::actor_config& cfg, tally& t) : core_actor{cfg}, tally_{t} { ++tally_.alive; }
  ~server() override { --tally_.alive; }
  caf::behavior make_behavior() override {
    if (home_core() == core_id{1}) ++tally_.living;
    begun_ = true;
    return {[this](const payload&) { ++tally_.handled; }, [](int n) { return n; }};
  }
  void on_exit() override {
    if (begun_ && home_core() == core_id{1}) --tally_.living;
  }
  void handle(const note& n) {
    ++tally_.handled;
    if (n.number != ++last_) ++tally_.out_of_order;
  }
  answer handle(const question&) { return {}; }

  tally& tally_;
  std::uint64_t last_ = 0;
  bool begun_ = false;
};

// Does what the scenario says, on its core.
struct player : core_actor<player, protocol<one_way<note>>> {
  using work = std::function<void(player&)>;
  player(caf::actor_config& cfg, tally& t) : core_actor{cfg}, tally_{t} {}
  caf::behavior make_behavior() override {
    on_overflow(overflow_policy::wait);
    return {[this](const std::shared_ptr<work>& w) { (*w)(*this); },
            [this](std::uint64_t n) { take(n, last_parcel_); }};
  }
  void handle(const note& n) { take(n.number, last_line_); }
  void take(std::uint64_t n, std::uint64_t& last) {
    ++tally_.handled;
    if (n != ++last) ++tally_.out_of_order;
  }

  // Calls and asks, once each; both must end.
  void ask_twice(const core_ref<server>& whom) {
    tally_.begun += 2;
    call(whom, question{}, no_deadline, [t = &tally_](result<answer>) { ++t->ended; });
    request(whom.handle(), caf::infinite, 1)
        .then([t = &tally_](int) { ++t->ended; }, [t = &tally_](caf::error&) { ++t->ended; });
  }
  // The same again and again, a nanosecond apart.
  task<void> keep_asking(int times, int each) {
    while (times-- > 0) {
      for (int i = 0; i < each; ++i) ask_twice(child_);
      co_await sleep(duration{1});
    }
  }
  task<void> flood(core_ref<player> to, int count) {
    for (int i = 1; i <= count; ++i) {
      send(to.handle(), static_cast<std::uint64_t>(i));
      static_cast<void>(co_await send(to, note{static_cast<std::uint64_t>(i)}));
    }
  }

  tally& tally_;
  core_ref<server> child_;
  std::uint64_t last_parcel_ = 0, last_line_ = 0;
};

}  // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<player::work>)

namespace {

// An actor system on a simulated machine where a turn, a way from core to core and taking a line take equally long, so
// that much happens at the same time.
class world {
 public:
  world(std::size_t cores, choices& choose, tally& t, std::size_t overflow_bound = 1024) : choose_{choose}, tally_{t} {
    simulation_options costs;
    costs.choose = [&choose](std::size_t n) { return choose(n); };
    costs.costs = profile::free();
    costs.costs.turn = duration{4};  // of which an idle core makes four looks
    for (link_costs& l : costs.costs.links) l.transit = l.receive = duration{4};
    costs.poll_budget = duration::zero();
    costs.overflow_bound = overflow_bound;
    costs.buffers_per_core = 1;
    costs.buffer_bytes = 64;
    machine_ = std::move(*machine::simulate(*topology::from_synthetic("pu:" + std::to_string(cores)), costs));
    caf::put(config_.content, "cooper.placement", std::string{"spawner"});
    caf::put(config_.content, "scheduler.max-throughput", std::size_t{1});
    run_on(config_, *machine_);
    system_ = std::make_unique<caf::actor_system>(config_);
    system_->await_actors_before_shutdown(false);
    for (std::size_t i = 0; i < cores; ++i) players_.push_back(*spawn_on<player>(*system_, core_number(i), t));
    at_rest([&] { run_for(1us); });
  }
  ~world() {
    choose_.rest();
    players_.clear();
    system_.reset();
    static_cast<void>(machine_->stop());
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  machine& on() { return *machine_; }
  caf::actor_system& system() { return *system_; }
  core_scheduler& scheduler() { return *core_scheduler::of(*system_); }
  core_ref<player>& at(std::size_t core) { return players_[core]; }
  tally& counts() { return tally_; }

  // Has the player of a core do something, in a handler.
  void on(std::size_t core, player::work w) {
    caf::anon_send(players_[core].handle(), std::make_shared<player::work>(std::move(w)));
  }
  void run_for(duration time) { machine_->run_until(machine_->now() + time); }
  void steps(std::size_t n) {
    while (n-- > 0 && machine_->step(machine_->now() + 1us)) {}
  }
  // Preparations: in one order only.
  template <class F>
  void at_rest(F f) {
    const choices::resting calm{choose_};
    f();
  }

 private:
  choices& choose_;
  tally& tally_;
  std::unique_ptr<machine> machine_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<core_ref<player>> players_;
};

// Whatever a scenario leaves must be so, once all is gone.
std::string verdict(const tally& t) {
  std::string wrong;
  if (t.alive != 0) wrong += fmt::format("{} actors stay; ", t.alive);
  if (t.payloads != 0) wrong += fmt::format("{} payloads stay; ", t.payloads);
  if (t.ended != t.begun) wrong += fmt::format("{} of {} calls ended; ", t.ended, t.begun);
  if (t.out_of_order != 0) wrong += fmt::format("{} out of order; ", t.out_of_order);
  return wrong;
}

using scenario = std::string (*)(choices&);

// An actor that nobody refers to any more handles what it was sent first, and then ends. Its core looks for such ones
// just when the messages are sent; they come from the core that had the reference, or from another that was lent it.
template <std::size_t Cores>
std::string last_reference(choices& choose) {
  tally t;
  std::string wrong;
  {
    world w{Cores, choose, t};
    w.at_rest([&] {
      w.on(0, [&w](player& p) { p.child_ = *spawn_on<server>(w.system(), core_id{1}, p.tally_); });
      w.run_for(100ns);
      // The first look at core 1 is due 20 ms after its first actor came.
      w.on().run_until(instant{} + (20ms - 3ns));
    });
    const auto let_go = [](player& p, const core_ref<server>& whom) {
      static_cast<void>(p.tell(whom, note{1}));
      static_cast<void>(p.tell(whom, note{2}));
      p.send(whom.handle(), payload{p.tally_});
    };
    w.steps(choose(4));
    if constexpr (Cores == 2) {
      w.on(0, [&](player& p) {
        let_go(p, p.child_);
        p.child_ = {};
      });
    } else {
      w.on(0, [&](player& p) {
        auto lent = std::make_shared<player::work>([&, child = p.child_](player& q) { let_go(q, child); });
        p.send(w.at(2).handle(), std::move(lent));
        p.child_ = {};
      });
    }
    w.run_for(10ns);
    w.at_rest([&] { w.run_for(3s); });
    if (t.handled != 3) wrong = fmt::format("{} of 3 messages handled; ", t.handled);
    if (t.alive != 0) wrong += "it does not end; ";
  }
  return wrong + verdict(t);
}

// A core goes down while calls, requests and parcels are on their way to its actors; then it comes up again.
std::string core_down(choices& choose) {
  tally t;
  std::string wrong;
  {
    world w{2, choose, t, 2};
    w.at_rest([&] {
      w.on(0, [&w](player& p) { p.child_ = *spawn_on<server>(w.system(), core_id{1}, p.tally_); });
      w.run_for(100ns);
    });
    // Few at a time; or more than rings and overflow hold.
    const bool many = choose(2) == 1;
    w.on(0, [many](player& p) {
      p.send(p.child_.handle(), payload{p.tally_});
      p.start(p.keep_asking(30, many ? 40 : 1));
    });
    w.steps(choose(4));
    if (!w.scheduler().down(core_id{1})) wrong += "the core does not go down; ";
    w.at_rest([&] {
      w.run_for(1us);
      if (t.living != 0) wrong += "an actor lives on; ";
      // To one that is gone, and to the next one there.
      w.on(0, [](player& p) { p.ask_twice(p.child_); });
      w.run_for(1us);
      if (!w.scheduler().up(core_id{1})) wrong += "the core does not come up; ";
      w.on(0, [&w](player& p) {
        p.ask_twice(p.child_);
        p.ask_twice(*spawn_on<server>(w.system(), core_id{1}, p.tally_));
      });
      w.run_for(1us);
    });
    if (t.begun != t.ended) wrong += fmt::format("{} of {} calls ended in time; ", t.ended, t.begun);
  }
  return wrong + verdict(t);
}

// An actor is brought up on a core that is just going down, and called at once and again.
std::string newcomer(choices& choose) {
  tally t;
  std::string wrong;
  {
    world w{2, choose, t};
    w.on(0, [&w](player& p) {
      if (auto child = spawn_on<server>(w.system(), core_id{1}, p.tally_)) {
        p.child_ = *child;
        p.ask_twice(p.child_);
      }
    });
    w.steps(choose(4));
    w.on(0, [](player& p) {
      if (p.child_) p.ask_twice(p.child_);
    });
    if (!w.scheduler().down(core_id{1})) wrong += "the core does not go down; ";
    w.on(0, [](player& p) {
      if (p.child_) p.ask_twice(p.child_);
    });
    w.run_for(1us);
    if (t.living != 0) wrong += "an actor lives on; ";
    w.at_rest([&] {
      if (!w.scheduler().up(core_id{1})) wrong += "the core does not come up; ";
      w.on(0, [](player& p) {
        if (p.child_) p.ask_twice(p.child_);
      });
      w.run_for(1us);
    });
    if (t.begun != t.ended) wrong += fmt::format("{} of {} calls ended in time; ", t.ended, t.begun);
  }
  return wrong + verdict(t);
}

// An endpoint is used again while lines to the actor that had it are on their way: the next one gets none of them.
std::string endpoint_reuse(choices& choose) {
  tally t, of_next;
  std::string wrong;
  {
    world w{2, choose, t};
    w.at_rest([&] {
      w.on(0, [&w](player& p) { p.child_ = *spawn_on<server>(w.system(), core_id{1}, p.tally_); });
      w.run_for(100ns);
    });
    w.on(0, [](player& p) {
      caf::anon_send_exit(p.child_.handle(), caf::exit_reason::user_shutdown);
      static_cast<void>(p.tell(p.child_, note{1}));
      p.ask_twice(p.child_);
    });
    w.on(1, [&w, &of_next](player& p) { p.child_ = *spawn_on<server>(w.system(), core_id{1}, of_next); });
    w.run_for(1us);
    if (t.begun != t.ended) wrong += fmt::format("{} of {} calls ended in time; ", t.ended, t.begun);
    if (of_next.handled != 0) wrong += "a line reached the next one; ";
  }
  return wrong + verdict(t) + verdict(of_next);
}

// Two cores flood each other with more than rings and overflow hold; all of it arrives, in order.
std::string floods(choices& choose) {
  constexpr int count = 96;
  tally t;
  std::string wrong;
  {
    world w{2, choose, t, 2};
    w.on(0, [&w](player& p) { p.start(p.flood(w.at(1), count)); });
    w.on(1, [&w](player& p) { p.start(p.flood(w.at(0), count)); });
    w.run_for(10us);
    if (t.handled != 4 * count) wrong = fmt::format("{} of {} messages handled; ", t.handled, 4 * count);
  }
  return wrong + verdict(t);
}

// What is sent while earlier messages wait for room does not pass them; and more wait than find room at once, although
// eight share a line.
std::string kept_order(choices& choose) {
  tally t;
  std::string wrong;
  {
    world w{2, choose, t, 2};
    std::uint64_t sent = 0;
    const auto send = [&](std::uint64_t count) {
      w.on(0, [&, count](player& p) {
        for (std::uint64_t i = 0; i < count; ++i) p.send(w.at(1).handle(), ++sent);
      });
    };
    constexpr int first = 600;
    send(first);
    for (int i = 0; i < 6; ++i) {
      w.steps(choose(3));
      send(1);
    }
    w.run_for(20us);
    if (t.handled != first + 6) wrong = fmt::format("{} of {} messages handled; ", t.handled, first + 6);
  }
  return wrong + verdict(t);
}

// A core goes down in the middle of that: nothing stays behind, and it does go down.
std::string flood_and_down(choices& choose) {
  tally t;
  std::string wrong;
  {
    world w{2, choose, t, 2};
    w.on(1, [&w](player& p) {
      for (int i = 0; i < 64; ++i) p.send(w.at(0).handle(), static_cast<std::uint64_t>(i + 1));
    });
    w.steps(choose(6));
    if (!w.scheduler().down(core_id{1})) wrong += "the core does not go down; ";
    w.at_rest([&] { w.run_for(1us); });
    if (t.handled != 64 && t.handled != 0) wrong += fmt::format("{} of 64 messages handled; ", t.handled);
  }
  return wrong + verdict(t);
}

struct named_scenario {
  const char* name;
  scenario run;
};
constexpr named_scenario scenarios[] = {
    {"the last reference is dropped", last_reference<2>},
    {"the last reference is dropped, and was lent", last_reference<3>},
    {"a core goes down", core_down},
    {"an actor on its way to a core that goes down", newcomer},
    {"an endpoint is used again", endpoint_reuse},
    {"floods in a cycle", floods},
    {"messages that wait for room", kept_order},
    {"a core goes down with lines kept there", flood_and_down},
};

std::uint64_t most_executions() { return std::getenv("COOPER_LONG") != nullptr ? 100'000 : 500; }

}  // namespace

TEST_CASE("every order of turns keeps what actors promise") {
  for (const auto& s : scenarios) {
    const orders_report r = explore_orders(s.run, most_executions());
    fmt::print("{:<48} {:>7} executions{}\n", s.name, r.executions, r.complete ? ", complete" : "");
    INFO(s.name);
    CHECK(r.wrong == "");
  }
}

// Faults leak: that is how some of them are noticed.
struct leaks_allowed {
#if defined(__SANITIZE_ADDRESS__)
  leaks_allowed() { __lsan_disable(); }
  ~leaks_allowed() { __lsan_enable(); }
#else
  leaks_allowed() {}
#endif
};

TEST_CASE("each planted fault is noticed") {
  const leaks_allowed while_planted;
  for (auto f = static_cast<int>(actors::fault::none) + 1; f < static_cast<int>(actors::fault::count); ++f) {
    planted_fault = static_cast<actors::fault>(f);
    std::string by;
    for (const auto& s : scenarios) {
      if (const orders_report r = explore_orders(s.run, 400); !r.wrong.empty()) {
        by = fmt::format("{}: {}", s.name, r.wrong);
        break;
      }
    }
    planted_fault = actors::fault::none;
    fmt::print("fault {}: {}\n", f, by.empty() ? "NOT NOTICED" : by);
    INFO("fault number " << f << " of planted.hpp");
    CHECK_FALSE(by.empty());
  }
}
