// SPDX-License-Identifier: BSD-3-Clause
// The explorer itself: that it leaves nothing out, repeats what it reports, waits and sleeps as it says, and cleans up.
#include <doctest/doctest.h>

#include <stdexcept>

#include <cooper/vocabulary/random.hpp>

#include "litmus.hpp"

namespace {

using namespace cooper;
using namespace cooper::model;
using namespace cooper::model::litmus;
using env_type = model_environment;

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// --- nothing is left out ---

struct instruction {
  enum class kind { load, acquire, store, release, exchange, light, heavy, pause, signal, wait, now, advance } what;
  std::size_t word;
  std::uint64_t value;
};
using listing = std::vector<std::vector<instruction>>;

// By turns: programs that use the memory only, all there is, or mostly wait for each other's stores.
listing random_listing(std::uint64_t seed) {
  using kind = instruction::kind;
  cooper::random draw{seed};
  const auto next = [&]() -> kind {
    if (seed % 3 == 0) return static_cast<kind>(draw.below(7));
    if (seed % 3 == 1) return static_cast<kind>(draw.below(12));
    constexpr std::array<kind, 5> waiting{kind::load, kind::load, kind::store, kind::pause, kind::pause};
    return waiting[draw.below(waiting.size())];
  };
  const std::size_t threads = 2 + draw.below(2);
  const std::size_t more = seed % 3 == 2 ? 2 : 0;
  listing all(threads);
  std::uint64_t value = 0;
  for (auto& thread : all) {
    const std::size_t length = (threads == 2 ? 2 + more : 1) + draw.below(3);
    for (std::size_t i = 0; i < length; ++i) thread.push_back({next(), draw.below(2), ++value});
  }
  return all;
}

observed run_listing(const options& how, const listing& all) {
  std::size_t registers = 2;
  for (const auto& thread : all) registers += thread.size();
  return observe(how, registers, [&](program& p, shared_cells c) {
    std::size_t first = 2;
    auto bed = std::make_shared<sleeper>();
    for (std::size_t t = 0; t < all.size(); ++t) {
      p.thread("t" + std::to_string(t), [&all, t, first, c, bed](env_type env) {
        std::size_t r = first;
        for (const instruction& i : all[t]) {
          word& w = i.word == 0 ? c->x : c->y;
          switch (i.what) {
            case instruction::kind::load:
              c->r[r] = env.load(read_relaxed, w);
              break;
            case instruction::kind::acquire:
              c->r[r] = env.load(read_acquire, w);
              break;
            case instruction::kind::store:
              env.store(write_relaxed, w, i.value);
              break;
            case instruction::kind::release:
              env.store(write_release, w, i.value);
              break;
            case instruction::kind::exchange:
              c->r[r] = env.exchange(update_both, w, i.value);
              break;
            case instruction::kind::light:
              env.light_barrier();
              break;
            case instruction::kind::heavy:
              env.heavy_barrier();
              break;
            case instruction::kind::pause:
              env.pause();
              break;
            case instruction::kind::signal:
              bed->signal();
              break;
            case instruction::kind::wait:
              c->r[r] = bed->wait(instant{static_cast<std::int64_t>(i.value)}) ? 1 : 0;
              break;
            case instruction::kind::now:
              c->r[r] = static_cast<std::uint64_t>(env.now().ns);
              break;
            case instruction::kind::advance:
              model::advance(duration{2});
          }
          ++r;
        }
      });
      first += all[t].size();
    }
    // Added before the collecting one of observe(): the last value of each word is part of the outcome.
    p.finally([c](env_type env) {
      c->r[0] = env.load(read_relaxed, c->x);
      c->r[1] = env.load(read_relaxed, c->y);
    });
  });
}

TEST_CASE("sleep sets lose no outcome of random programs, in either barrier mode") {
  std::uint64_t with = 0;
  std::uint64_t without = 0;
  for (std::uint64_t seed = 1; seed <= 1200; ++seed) {
    const listing all = random_listing(seed);
    for (const barrier_mode mode : {barrier_mode::membarrier, barrier_mode::fence}) {
      // A thread may pause several times though nothing changes: that is no deadlock here.
      const observed reduced = run_listing({.barriers = mode, .delayed_stores = 2, .quiet_rounds = 9}, all);
      // A few of the programs are too large without the reduction; what is found until then must still be a subset.
      const observed full = run_listing(
          {.barriers = mode, .delayed_stores = 2, .quiet_rounds = 9, .executions_max = 3'000, .reduction = false}, all);
      INFO("seed ", seed, ", ", reduced.found.summary(), " against ", full.found.summary());
      REQUIRE(reduced.found.passed());
      if (full.found.complete) {
        REQUIRE(reduced.seen == full.seen);
        with += reduced.found.executions;
        without += full.found.executions;
      } else {
        for (const outcome& o : full.seen) REQUIRE(reduced.seen.count(o) == 1);
      }
    }
  }
  // The reduction does reduce.
  CHECK(with * 4 < without);
}

// --- waiting ---

TEST_CASE("a thread that pauses until a store arrives goes on, and the program is explored completely") {
  const observed o = observe({}, 1, [](program& p, shared_cells c) {
    p.thread("writer", [=](env_type env) {
      env.store(write_relaxed, c->x, 1);
      env.store(write_release, c->y, 1);
    });
    p.thread("spinner", [=](env_type env) {
      while (env.load(read_acquire, c->y) == 0) env.pause();
      c->r[0] = env.load(read_relaxed, c->x);
    });
  });
  INFO(o.found.summary());
  CHECK(o.found.passed());
  CHECK(o.seen == outcomes{{1}});
}

TEST_CASE("two threads that wait for each other in turn both end") {
  const report r = observe({}, 0, [](program& p, shared_cells c) {
                     p.thread("ping", [=](env_type env) {
                       for (std::uint64_t i = 1; i <= 3; ++i) {
                         env.store(write_release, c->x, i);
                         while (env.load(read_acquire, c->y) != i) env.pause();
                       }
                     });
                     p.thread("pong", [=](env_type env) {
                       for (std::uint64_t i = 1; i <= 3; ++i) {
                         while (env.load(read_acquire, c->x) != i) env.pause();
                         env.store(write_release, c->y, i);
                       }
                     });
                   }).found;
  INFO(r.summary());
  CHECK(r.passed());
}

TEST_CASE("a thread that waits for a store that nobody makes is a deadlock, named with what it read") {
  const report r = observe({}, 0, [](program& p, shared_cells c) {
                     p.thread("writer", [=](env_type env) { env.store(write_release, c->x, 1); });
                     p.thread("spinner", [=](env_type env) {
                       while (env.load(read_acquire, c->x) != 2) env.pause();
                     });
                   }).found;
  REQUIRE(r.found(violation_kind::deadlock));
  CHECK(contains(r.violation->message, "spinner is paused after reading x=1"));
}

// The protocol of core_words.hpp, small: publish, look whether the other sleeps; announce, look again, sleep.
report park(const options& how, bool look_again) {
  return explore(how, [=](program& p) {
    struct state {
      word line, parked;
      sleeper bed;
    };
    auto s = std::make_shared<state>();
    p.name(s->line, "line");
    p.name(s->parked, "parked");
    p.name(s->bed, "bed");
    p.thread("sender", [=](env_type env) {
      env.store(sync::line_publish, s->line, 1);
      env.light_barrier();
      if (env.load(sync::park_peek, s->parked) == 0) return;
      if (env.exchange(sync::park_claim, s->parked, 0) != 0) s->bed.signal();
    });
    p.thread("receiver", [=](env_type env) {
      while (env.load(sync::line_observe, s->line) == 0) {
        env.store(sync::park_set, s->parked, 1);
        env.heavy_barrier();
        if (!look_again || env.load(sync::line_observe, s->line) == 0) s->bed.wait();
        env.store(sync::park_clear, s->parked, 0);
      }
    });
  });
}

TEST_CASE("poll, then park loses no wake-up, in either barrier mode") {
  for (const barrier_mode mode : {barrier_mode::membarrier, barrier_mode::fence}) {
    const report r = park({.barriers = mode}, true);
    INFO(r.summary());
    CHECK(r.passed());
  }
}

TEST_CASE("a wake-up lost by a missing barrier or a missing second look is found as a deadlock with its transcript") {
  for (const barrier_mode mode : {barrier_mode::membarrier, barrier_mode::fence}) {
    for (const report& r :
         {park({.barriers = mode}, false), park({.planted = mutation::omit_heavy_barrier, .barriers = mode}, true),
          park({.planted = mutation::omit_light_barrier, .barriers = mode}, true)}) {
      INFO(r.summary());
      REQUIRE(r.found(violation_kind::deadlock));
      CHECK(contains(r.violation->message, "receiver sleeps on bed"));
      CHECK(contains(r.violation->transcript, "line_publish (release) line = 1"));
      CHECK(contains(r.violation->transcript, "park_peek (relaxed) parked -> 0"));
      CHECK_FALSE(r.violation->choices.empty());
    }
  }
}

TEST_CASE("a reported execution repeats from its choices, with the same transcript") {
  const options broken{.planted = mutation::omit_heavy_barrier};
  const report first = park(broken, true);
  REQUIRE(first.violation);
  options again = broken;
  again.replay = first.violation->choices;
  const report second = park(again, true);
  REQUIRE(second.violation);
  CHECK(second.executions == 1);
  CHECK(second.violation->transcript == first.violation->transcript);
  again.replay = "no choices";
  CHECK(park(again, true).found(violation_kind::misuse));
}

TEST_CASE("random executions find a lost wake-up too, and the same seed finds the same one") {
  const options how{.planted = mutation::omit_heavy_barrier, .executions_max = 20'000, .random_seed = 7};
  const report first = park(how, true);
  const report second = park(how, true);
  REQUIRE(first.found(violation_kind::deadlock));
  REQUIRE(second.violation);
  CHECK(first.executions == second.executions);
  CHECK(first.violation->choices == second.violation->choices);
  CHECK(contains(first.summary(), "seed 7"));
  CHECK_FALSE(park({.executions_max = 100, .random_seed = 7}, true).complete);
}

TEST_CASE("a preemption bound explores fewer executions, and does not call that complete") {
  const report all = park({}, true);
  const report bounded = park({.reduction = false, .preemptions_max = 0}, true);
  const report unreduced = park({.reduction = false}, true);
  CHECK(all.complete);
  CHECK(unreduced.complete);
  CHECK_FALSE(bounded.complete);
  CHECK(bounded.executions < unreduced.executions);
}

// --- time ---

TEST_CASE("a sleeper is woken by a signal, and each wait consumes what was signalled so far") {
  const report r = explore({}, [](program& p) {
    auto bed = std::make_shared<sleeper>();
    auto woken = std::make_shared<int>(0);
    p.thread("sleeper", [=](env_type) {
      while (*woken < 2) {
        if (!bed->wait(instant{50})) return;
        ++*woken;
      }
    });
    p.thread("signaller", [=](env_type) {
      bed->signal();
      bed->signal();
    });
    p.finally([=](env_type env) {
      check(*woken >= 1, "a signal is not lost");
      check(*woken == 2 || env.now() == instant{50}, "two signals may be one wake-up, then the deadline ends the wait");
    });
  });
  INFO(r.summary());
  CHECK(r.passed());
}

TEST_CASE("time passes to the earliest deadline when nothing else can happen, and no further") {
  const observed o = observe({}, 2, [](program& p, shared_cells c) {
    auto bed = std::make_shared<std::array<sleeper, 2>>();
    p.thread("early", [=](env_type env) {
      check(!(*bed)[0].wait(instant{10}), "nobody signals");
      c->r[0] = static_cast<std::uint64_t>(env.now().ns);
      (*bed)[1].signal();
    });
    p.thread("late", [=](env_type env) {
      check((*bed)[1].wait(instant{20}), "signalled before the deadline");
      c->r[1] = static_cast<std::uint64_t>(env.now().ns);
    });
  });
  INFO(o.found.summary());
  CHECK(o.found.passed());
  CHECK(o.seen == outcomes{{10, 10}});
}

TEST_CASE("a clock that a thread moves is read before or after, and a moved clock ends a wait") {
  const observed o = observe({}, 2, [](program& p, shared_cells c) {
    auto bed = std::make_shared<sleeper>();
    p.thread("reader", [=](env_type env) {
      c->r[0] = static_cast<std::uint64_t>(env.now().ns);
      c->r[1] = bed->wait(instant{4}) ? 1 : 0;
    });
    p.thread("mover", [=](env_type) {
      model::advance(duration{5});
      bed->signal();
    });
  });
  INFO(o.found.summary());
  CHECK(o.found.passed());
  CHECK(o.seen == outcomes{{0, 0}, {0, 1}, {5, 0}, {5, 1}});
}

// --- the queue ---

TEST_CASE("the queue keeps every element, in the order of each producer, and carries what was written before") {
  const observed o = observe({}, 3, [](program& p, shared_cells c) {
    auto q = std::make_shared<queue<std::uint64_t>>();
    p.thread("a", [=](env_type env) {
      env.payload_write(&c->data);
      q->push(1);
      q->push(2);
    });
    p.thread("b", [=](env_type) { q->push(3); });
    p.thread("owner", [=](env_type env) {
      for (std::size_t i = 0; i < 3;) {
        if (const auto value = q->pop()) {
          c->r[i++] = *value;
          if (*value == 1) env.payload_read(&c->data);
        } else {
          env.pause();
        }
      }
      check(q->empty(), "nothing is there twice");
    });
  });
  INFO(o.found.summary());
  CHECK(o.found.passed());
  CHECK(o.seen == outcomes{{1, 2, 3}, {1, 3, 2}, {3, 1, 2}});
}

TEST_CASE("an owner that looks whether the queue is empty may miss a push that no barrier orders before") {
  const auto run = [](bool barriers) {
    return observe({}, 2, [=](program& p, shared_cells c) {
      auto q = std::make_shared<queue<int>>();
      p.thread("producer", [=](env_type env) {
        q->push(1);
        if (barriers) env.light_barrier();
        c->r[0] = env.load(read_relaxed, c->x);
      });
      p.thread("owner", [=](env_type env) {
        env.store(write_relaxed, c->x, 1);
        if (barriers) env.heavy_barrier();
        c->r[1] = q->empty() ? 0 : 1;
      });
    });
  };
  CHECK(run(false).seen == with_both_zero());
  CHECK(run(true).seen == without_both_zero());
}

// --- ends ---

TEST_CASE("a check that fails in some order only is found, and the transcript tells who read what from where") {
  const report r = observe({}, 0, [](program& p, shared_cells c) {
                     p.thread("writer", [=](env_type env) {
                       env.store(write_relaxed, c->x, 1);
                       env.store(write_relaxed, c->y, 1);
                     });
                     p.thread("reader", [=](env_type env) {
                       if (env.load(read_acquire, c->y) == 1) {
                         check(env.load(read_relaxed, c->x) == 1, "x came before y");
                       }
                     });
                   }).found;
  INFO(r.summary());
  REQUIRE(r.found(violation_kind::check_failed));
  CHECK(r.violation->message == "x came before y");
  CHECK(contains(r.violation->transcript, "reader       load      read (acquire) y -> 1  (from line "));
  CHECK(contains(r.violation->transcript, "reader       load      read (relaxed) x -> 0  (the initial value"));
  CHECK(contains(r.violation->transcript, "VIOLATION: x came before y"));
}

TEST_CASE("an exception out of a thread is a violation with its text") {
  const report r =
      explore({}, [](program& p) { p.thread("thrower", [](env_type) { throw std::runtime_error{"out of cheese"}; }); });
  REQUIRE(r.found(violation_kind::exception));
  CHECK(r.violation->message == "thrower threw out of cheese");
}

TEST_CASE("an execution of too many steps is cut, counted, and not called complete") {
  const report r = observe({.steps_max = 50, .executions_max = 20}, 0, [](program& p, shared_cells c) {
                     p.thread("endless", [=](env_type env) {
                       for (std::uint64_t i = 1;; ++i) env.store(write_relaxed, c->x, i);
                     });
                   }).found;
  CHECK(r.truncated > 0);
  CHECK(r.executions == 0);
  CHECK_FALSE(r.complete);
  CHECK_FALSE(r.passed());
}

TEST_CASE("a search that ends at its limit of executions is not called complete") {
  const report r = park({.executions_max = 2}, true);
  CHECK(r.executions + r.pruned == 2);
  CHECK_FALSE(r.complete);
}

struct counted {
  explicit counted(int& to) : alive{to} { ++alive; }
  ~counted() {
    // A destructor may reach the environment while its execution is taken apart.
    model_environment::store(write_relaxed, own, 1);
    --alive;
  }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  int& alive;
  word own;
};

TEST_CASE("threads that are cut short are unwound, and what they held is destroyed") {
  int alive = 0;
  const report r = observe({}, 0, [&](program& p, shared_cells c) {
                     for (const char* name : {"a", "b", "c"}) {
                       p.thread(name, [&alive, c](env_type env) {
                         const counted mine{alive};
                         env.exchange(update_both, c->x, 1);
                         env.load(read_relaxed, c->y);
                         env.store(write_relaxed, c->y, 1);
                       });
                     }
                     p.thread("waits in vain", [&alive, c](env_type env) {
                       const counted mine{alive};
                       while (env.load(read_relaxed, c->z) == 0) env.pause();
                     });
                   }).found;
  CHECK(r.found(violation_kind::deadlock));
  CHECK(alive == 0);
}

TEST_CASE("misuse is refused: too many threads, a sleeping setup, a clock that goes back") {
  CHECK(explore({}, [](program& p) {
          for (int i = 0; i < 9; ++i) p.thread("t", [](env_type) {});
        }).found(violation_kind::misuse));
  CHECK(explore({}, [](program&) { sleeper{}.wait(); }).found(violation_kind::misuse));
  CHECK(explore({}, [](program& p) {
          p.thread("t", [](env_type) { model::advance(duration{-1}); });
        }).found(violation_kind::misuse));
}

TEST_CASE("the planted mutation is on, and only that one") {
  const report r = explore({.planted = mutation::lose_credit}, [](program& p) {
    env_type env = p.environment();
    check(env.mutated(mutation::lose_credit), "planted");
    check(!env.mutated(mutation::miss_hint), "not planted");
    check(!env.mutated(mutation::none), "no mutation is none");
  });
  INFO(r.summary());
  CHECK(r.passed());
}

}  // namespace
