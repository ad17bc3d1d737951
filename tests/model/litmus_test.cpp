// SPDX-License-Identifier: BSD-3-Clause
// The model's memory against the litmus tests of the literature: for each the exact set of outcomes, so that a model
// that allows too little fails as much as one that allows too much. Names as in the herd and C11 papers.
#include "litmus.hpp"

#include <doctest/doctest.h>

namespace {

using namespace cooper;
using namespace cooper::model;
using namespace cooper::model::litmus;
using env_type = model_environment;

#define CHECK_OUTCOMES(result, ...)                  \
  do {                                               \
    const observed& seen_result = (result);          \
    INFO(seen_result.found.summary());               \
    INFO("saw ", text_of(seen_result.seen));         \
    CHECK(seen_result.found.passed());               \
    CHECK(seen_result.seen == outcomes __VA_ARGS__); \
  } while (false)

template <class Write, class Read>
observed message_passing(Write write, Read read) {
  return observe({}, 2, [=](program& p, shared_cells c) {
    p.thread("writer", [=](env_type env) {
      env.store(write_relaxed, c->x, 1);
      env.store(write, c->y, 1);
    });
    p.thread("reader", [=](env_type env) {
      c->r[0] = env.load(read, c->y);
      c->r[1] = env.load(read_relaxed, c->x);
    });
  });
}

TEST_CASE("MP: release and acquire pass a message, and anything weaker does not") {
  CHECK_OUTCOMES(message_passing(write_release, read_acquire), {{0, 0}, {0, 1}, {1, 1}});
  CHECK_OUTCOMES(message_passing(write_relaxed, read_acquire), {{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  CHECK_OUTCOMES(message_passing(write_release, read_relaxed), {{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  CHECK_OUTCOMES(message_passing(write_relaxed, read_relaxed), {{0, 0}, {0, 1}, {1, 0}, {1, 1}});
}

// What stands between the store and the load of each side of SB.
enum class between { nothing, light, heavy };

observed store_buffering(const options& how, between left, between right) {
  const auto side = [](between b, word cells::*mine, word cells::*other, std::size_t r, const shared_cells& c) {
    return [=](env_type env) {
      env.store(write_release, (*c).*mine, 1);
      if (b == between::light) env.light_barrier();
      if (b == between::heavy) env.heavy_barrier();
      c->r[r] = env.load(read_acquire, (*c).*other);
    };
  };
  return observe(how, 2, [=](program& p, shared_cells c) {
    p.thread("left", side(left, &cells::x, &cells::y, 0, c));
    p.thread("right", side(right, &cells::y, &cells::x, 1, c));
  });
}

TEST_CASE("SB: release and acquire alone let both sides miss the other's store") {
  CHECK_OUTCOMES(store_buffering({}, between::nothing, between::nothing), {with_both_zero()});
}

TEST_CASE("SB: fences on both sides, by either name, forbid that both miss") {
  const options fences{.barriers = barrier_mode::fence};
  CHECK_OUTCOMES(store_buffering(fences, between::light, between::heavy), {without_both_zero()});
  CHECK_OUTCOMES(store_buffering(fences, between::light, between::light), {without_both_zero()});
  CHECK_OUTCOMES(store_buffering(fences, between::heavy, between::nothing), {with_both_zero()});
}

TEST_CASE("SB: a light barrier against a heavy one forbids that both miss; any other pair with a light one does not") {
  CHECK_OUTCOMES(store_buffering({}, between::light, between::heavy), {without_both_zero()});
  CHECK_OUTCOMES(store_buffering({}, between::heavy, between::light), {without_both_zero()});
  CHECK_OUTCOMES(store_buffering({}, between::heavy, between::heavy), {without_both_zero()});
  CHECK_OUTCOMES(store_buffering({}, between::light, between::light), {with_both_zero()});
  CHECK_OUTCOMES(store_buffering({}, between::nothing, between::heavy), {with_both_zero()});
}

TEST_CASE("SB: a planted mutation that leaves a barrier out is as good as none") {
  for (const barrier_mode mode : {barrier_mode::membarrier, barrier_mode::fence}) {
    for (const mutation m : {mutation::omit_light_barrier, mutation::omit_heavy_barrier}) {
      const options how{.planted = m, .barriers = mode};
      CHECK_OUTCOMES(store_buffering(how, between::light, between::heavy), {with_both_zero()});
    }
  }
}

TEST_CASE("a store is delayed past a later load of another word, unless a light barrier stands between") {
  // A third thread's heavy barrier tells the two apart: it acts on what was issued, not on what is still to come.
  const auto run = [](bool barrier) {
    return observe({}, 2, [=](program& p, shared_cells c) {
      p.thread("storer", [=](env_type env) {
        env.store(write_relaxed, c->x, 1);
        if (barrier) env.light_barrier();
        c->r[0] = env.load(read_relaxed, c->y);
      });
      p.thread("parker", [=](env_type env) {
        env.store(write_relaxed, c->y, 1);
        env.heavy_barrier();
        c->r[1] = env.load(read_relaxed, c->x);
      });
    });
  };
  CHECK_OUTCOMES(run(true), {without_both_zero()});
  CHECK_OUTCOMES(run(false), {with_both_zero()});
}

TEST_CASE("CoRR: two reads of one word never go back") {
  CHECK_OUTCOMES(observe({}, 2,
                         [](program& p, shared_cells c) {
                           p.thread("writer", [=](env_type env) {
                             env.store(write_relaxed, c->x, 1);
                             env.store(write_relaxed, c->x, 2);
                           });
                           p.thread("reader", [=](env_type env) {
                             c->r[0] = env.load(read_relaxed, c->x);
                             c->r[1] = env.load(read_relaxed, c->x);
                           });
                         }),
                 {{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}});
}

TEST_CASE("CoWW and CoWR: a thread's stores to one word stay in order, and it reads its own or a later one") {
  CHECK_OUTCOMES(observe({}, 2,
                         [](program& p, shared_cells c) {
                           p.thread("writer", [=](env_type env) {
                             env.store(write_relaxed, c->x, 1);
                             env.store(write_relaxed, c->x, 2);
                             c->r[0] = env.load(read_relaxed, c->x);
                           });
                           p.thread("other", [=](env_type env) { env.store(write_relaxed, c->x, 3); });
                           p.finally([=](env_type env) { c->r[1] = env.load(read_relaxed, c->x); });
                         }),
                 {{2, 2}, {2, 3}, {3, 3}});
}

TEST_CASE("IRIW: two readers may disagree on the order of two writers, unless heavy barriers stand between the reads") {
  const auto run = [](bool barriers) {
    return observe({}, 4, [=](program& p, shared_cells c) {
      p.thread("writes x", [=](env_type env) { env.store(write_release, c->x, 1); });
      p.thread("writes y", [=](env_type env) { env.store(write_release, c->y, 1); });
      const auto reader = [=](word& first, word& second, std::size_t r) {
        return [=, &first, &second](env_type env) {
          c->r[r] = env.load(read_acquire, first);
          if (barriers) env.heavy_barrier();
          c->r[r + 1] = env.load(read_acquire, second);
        };
      };
      p.thread("x then y", reader(c->x, c->y, 0));
      p.thread("y then x", reader(c->y, c->x, 2));
    });
  };
  const observed weak = run(false);
  CHECK(weak.found.passed());
  CHECK(weak.seen.size() == 16);
  CHECK(weak.seen.count({1, 0, 1, 0}) == 1);
  const observed strong = run(true);
  INFO(strong.found.summary());
  CHECK(strong.found.passed());
  CHECK(strong.seen.size() == 15);
  CHECK(strong.seen.count({1, 0, 1, 0}) == 0);
}

TEST_CASE("LB: loads that see a store of their own future are not produced, which memory.hpp documents") {
  CHECK_OUTCOMES(observe({}, 2,
                         [](program& p, shared_cells c) {
                           p.thread("left", [=](env_type env) {
                             c->r[0] = env.load(read_relaxed, c->x);
                             env.store(write_relaxed, c->y, 1);
                           });
                           p.thread("right", [=](env_type env) {
                             c->r[1] = env.load(read_relaxed, c->y);
                             env.store(write_relaxed, c->x, 1);
                           });
                         }),
                 {{0, 0}, {0, 1}, {1, 0}});
}

TEST_CASE("a read-modify-write continues the release sequence of what it read, a store breaks it") {
  const auto run = [](bool exchange) {
    return observe({}, 3, [=](program& p, shared_cells c) {
      p.thread("first", [=](env_type env) {
        env.store(write_relaxed, c->x, 1);
        env.store(write_release, c->y, 1);
      });
      p.thread("second", [=](env_type env) {
        if (exchange) {
          c->r[0] = env.exchange(update_relaxed, c->y, 2);
        } else if ((c->r[0] = env.load(read_relaxed, c->y)) == 1) {
          env.store(write_relaxed, c->y, 2);
        }
      });
      p.thread("third", [=](env_type env) {
        c->r[1] = env.load(read_acquire, c->y);
        c->r[2] = env.load(read_relaxed, c->x);
      });
    });
  };
  const observed chained = run(true);
  INFO("saw ", text_of(chained.seen));
  CHECK(chained.found.passed());
  CHECK(chained.seen.count({1, 2, 1}) == 1);
  CHECK(chained.seen.count({1, 2, 0}) == 0);
  CHECK(chained.seen.count({0, 2, 0}) == 1);
  const observed broken = run(false);
  CHECK(broken.found.passed());
  CHECK(broken.seen.count({1, 2, 0}) == 1);
}

TEST_CASE("of two exchanges one sees the other") {
  CHECK_OUTCOMES(observe({}, 2,
                         [](program& p, shared_cells c) {
                           p.thread("a", [=](env_type env) { c->r[0] = env.exchange(update_relaxed, c->x, 1); });
                           p.thread("b", [=](env_type env) { c->r[1] = env.exchange(update_relaxed, c->x, 2); });
                         }),
                 {{0, 1}, {2, 0}});
}

TEST_CASE("a fence turns relaxed accesses around it into release and acquire") {
  const options fences{.barriers = barrier_mode::fence};
  CHECK_OUTCOMES(observe(fences, 2,
                         [](program& p, shared_cells c) {
                           p.thread("writer", [=](env_type env) {
                             env.store(write_relaxed, c->x, 1);
                             env.light_barrier();
                             env.store(write_relaxed, c->y, 1);
                           });
                           p.thread("reader", [=](env_type env) {
                             c->r[0] = env.load(read_relaxed, c->y);
                             env.light_barrier();
                             c->r[1] = env.load(read_relaxed, c->x);
                           });
                         }),
                 {{0, 0}, {0, 1}, {1, 1}});
}

TEST_CASE("a weakened site executes as relaxed, and no other does") {
  constexpr named_site<"publish", std::memory_order_release, 1001> publish;
  constexpr named_site<"observe", std::memory_order_acquire, 1002> see;
  for (const std::size_t weakened : {std::size_t{1001}, std::size_t{1002}, std::size_t{1003}}) {
    const observed o = observe({.weakened_site = weakened}, 2, [=](program& p, shared_cells c) {
      p.thread("writer", [=](env_type env) {
        env.store(write_relaxed, c->x, 1);
        env.store(publish, c->y, 1);
      });
      p.thread("reader", [=](env_type env) {
        c->r[0] = env.load(see, c->y);
        c->r[1] = env.load(read_relaxed, c->x);
      });
    });
    CHECK(o.seen.count({1, 0}) == (weakened == 1003 ? 0 : 1));
  }
}

// --- payload ---

template <class Write, class Read>
report publish_payload(Write write, Read read, bool heavy = false) {
  return observe({}, 0,
                 [=](program& p, shared_cells c) {
                   p.thread("writer", [=](env_type env) {
                     env.payload_write(&c->data);
                     c->data = 7;
                     if (heavy) env.heavy_barrier();
                     env.store(write, c->x, 1);
                   });
                   p.thread("reader", [=](env_type env) {
                     if (env.load(read, c->x) != 1) return;
                     if (heavy) env.heavy_barrier();
                     env.payload_read(&c->data);
                     check(c->data == 7, "the payload arrived");
                   });
                 })
      .found;
}

TEST_CASE("payload published by release and acquired is no race; with either relaxed it is one") {
  CHECK(publish_payload(write_release, read_acquire).passed());
  for (const report& r : {publish_payload(write_relaxed, read_acquire), publish_payload(write_release, read_relaxed)}) {
    REQUIRE(r.found(violation_kind::data_race));
    CHECK(r.violation->message == "reader reads data with no happens-before after writer has written it");
  }
}

TEST_CASE("the heavy barrier gives no happens-before, so it excuses no race") {
  CHECK(publish_payload(write_relaxed, read_relaxed, true).found(violation_kind::data_race));
}

TEST_CASE("two unordered writes race, and so does a write after an unordered read") {
  const auto run = [](bool first_writes) {
    return observe({}, 0,
                   [=](program& p, shared_cells c) {
                     p.thread("a", [=](env_type env) {
                       if (first_writes) {
                         env.payload_write(&c->data);
                       } else {
                         env.payload_read(&c->data);
                       }
                     });
                     p.thread("b", [=](env_type env) { env.payload_write(&c->data); });
                   })
        .found;
  };
  CHECK(run(true).found(violation_kind::data_race));
  CHECK(run(false).found(violation_kind::data_race));
}

TEST_CASE("the setup happens before all threads, and all threads before the final checks") {
  const report r =
      observe({}, 0, [](program& p, shared_cells c) {
        env_type env = p.environment();
        env.payload_write(&c->data);
        env.store(write_relaxed, c->x, 5);
        for (const char* name : {"a", "b"}) {
          p.thread(name, [=](env_type e) {
            check(e.load(read_relaxed, c->x) == 5, "what the setup stored is there");
            e.payload_read(&c->data);
            e.store(write_relaxed, name[0] == 'a' ? c->y : c->z, 1);
          });
        }
        p.finally([=](env_type e) {
          e.payload_write(&c->data);
          check(e.load(read_relaxed, c->y) == 1 && e.load(read_relaxed, c->z) == 1, "all stores are there");
        });
      }).found;
  INFO(r.summary());
  CHECK(r.passed());
}

}  // namespace
