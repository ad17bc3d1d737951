// SPDX-License-Identifier: BSD-3-Clause
// Everything at once: cores that flood each other in cycles, endpoints that open and close, buffers that move, foreign
// threads that post, and cores that go down and come up again, in an order drawn from a seed. At the end every line,
// buffer and task is accounted for.
//
// Each core owns its books (`ledger`); the test adds them up when nothing moves any more. The number of operations is
// fixed, so the outcome does not depend on how fast this computer is.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <thread>

#include <cooper/runtime/buffers.hpp>
#include <cooper/vocabulary/random.hpp>
#include "machines.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t core_total = 4;
constexpr message_type plain = 1, with_buffer = 2;

// Two endpoints a core: one that is closed and opened all the time, and one for buffers, which lives with its core.
enum class endpoint_kind : std::uint8_t { fleeting, lasting };

// Where lines may go: published by the core that opened the endpoint, read by all.
struct directory {
  std::array<std::array<std::atomic<std::uint64_t>, core_total>, 2> current{};

  static std::uint64_t pack(address a) { return 1ull << 63 | std::uint64_t{a.slot} << 32 | a.generation; }
  void publish(endpoint_kind kind, address a) {
    current[static_cast<std::size_t>(kind)][a.core.value].store(pack(a), std::memory_order_relaxed);
  }
  std::optional<address> find(endpoint_kind kind, std::size_t core) const {
    const std::uint64_t packed = current[static_cast<std::size_t>(kind)][core].load(std::memory_order_relaxed);
    if (packed == 0) return {};
    return address{.core = core_number(core),
                   .generation = static_cast<std::uint16_t>(packed),
                   .slot = static_cast<std::uint32_t>(packed >> 32) & endpoint_slot_max};
  }
};

// What one core did and saw. Touched on its core only.
struct ledger {
  std::uint64_t sent = 0;           // said ok, to other cores
  std::uint64_t refused_posts = 0;  // posts that said full: counted by the driver as overflow_refused, too
  std::uint64_t sent_here = 0;      // said ok, to itself
  std::uint64_t got = 0, got_here = 0;
  std::uint64_t buffers_sent = 0, buffers_got = 0;
  std::uint64_t spoiled = 0;
  std::uint64_t tasks = 0;  // posted by foreign threads
  std::uint64_t endpoints = 0;
};

// One core's part of the flood.
class worker {
 public:
  worker(std::size_t self, std::uint64_t seed, directory& where, bool buffers)
      : self_{self}, dice_{seed}, where_{where}, buffers_{buffers} {}

  ledger books;

  void open(core& here) {
    mine_ = open_one(here, endpoint_kind::fleeting);
    open_one(here, endpoint_kind::lasting);
  }

  void run(core& here) {
    static_cast<void>(here.buffers());
    going_ = true;
    step(here);
  }
  void pause() { going_ = false; }

 private:
  void step(core& here) {
    if (!going_) return;
    for (std::uint64_t i = dice_.below(30); i > 0; --i) act(here);
    // Bursts and pauses: some steps follow at once, some after a park.
    if (dice_.below(4) != 0) {
      here.defer([this, &here] { step(here); });
    } else {
      here.after(duration{static_cast<std::int64_t>(dice_.below(200'000))}, [this, &here] { step(here); });
    }
  }

  void act(core& here) {
    const std::uint64_t what = dice_.below(100);
    if (what < 2) {
      here.close(mine_);
      mine_ = open_one(here, endpoint_kind::fleeting);
    } else if (buffers_ && what < 12) {
      if (const auto to = where_.find(endpoint_kind::lasting, dice_.below(core_total))) send_buffer(here, *to);
    } else if (const auto to = where_.find(endpoint_kind::fleeting, dice_.below(core_total))) {
      send_number(here, *to, what < 60);
    }
  }

  address open_one(core& here, endpoint_kind kind) {
    const address opened = *here.open(
        [](void* self, core& on, const line_view& line) { static_cast<worker*>(self)->receive(on, line); }, this);
    where_.publish(kind, opened);
    ++books.endpoints;
    return opened;
  }

  lane any_lane() { return static_cast<lane>(dice_.below(lane_count)); }

  void send_number(core& here, address to, bool by_post) {
    const lane via = any_lane();
    enter(to, by_post ? here.post(to, plain, number{self_}, via) : here.send(to, plain, number{self_}, via), by_post);
  }

  bool enter(address to, send_result sent, bool by_post) {
    if (sent == send_result::ok) ++(to.core.value == self_ ? books.sent_here : books.sent);
    if (sent == send_result::full && by_post && to.core.value != self_) ++books.refused_posts;
    return sent == send_result::ok;
  }

  void send_buffer(core& here, address to) {
    if (to.core.value == self_) return;
    auto pool = here.buffers();
    auto taken = (*pool)->take(64);
    if (!taken) return;
    for (std::byte& b : taken->span()) b = static_cast<std::byte>(self_);
    const auto handle = (*pool)->send(std::move(*taken), to.core);
    if (!handle) return;
    if (enter(to, here.send(to, with_buffer, *handle, any_lane()), false)) {
      ++books.buffers_sent;
    } else {
      REQUIRE((*pool)->recall(*handle));
    }
  }

  void receive(core& here, const line_view& line) {
    ++(line.from == here.id() ? books.got_here : books.got);
    if (line.type == plain) {
      books.spoiled += line.as<number>().value != line.from.value;
      return;
    }
    auto got = (*here.buffers())->receive(line.as<buffer_handle>(), line.from);
    if (!got) {
      ++books.spoiled;
      return;
    }
    for (const std::byte b : got->bytes()) books.spoiled += b != static_cast<std::byte>(line.from.value);
    ++books.buffers_got;
  }

  std::size_t self_;
  class random dice_;
  directory& where_;
  bool buffers_;
  address mine_;
  bool going_ = false;
};

struct totals {
  ledger books;
  std::uint64_t refused = 0, dropped = 0;
  // What the drivers counted; the lines that bring buffers home are among them.
  std::uint64_t published = 0, received = 0, local = 0;
};

totals add_up(machine& m, std::deque<worker>& workers) {
  totals t;
  for (std::size_t i = 0; i < core_total; ++i) {
    on(m, i, [&](core& here) {
      const ledger& b = workers[i].books;
      t.books.sent += b.sent;
      t.books.sent_here += b.sent_here;
      t.books.refused_posts += b.refused_posts;
      t.books.got += b.got;
      t.books.got_here += b.got_here;
      t.books.buffers_sent += b.buffers_sent;
      t.books.buffers_got += b.buffers_got;
      t.books.spoiled += b.spoiled;
      t.books.tasks += b.tasks;
      t.books.endpoints += b.endpoints;
      t.refused += here.metrics().overflow_refused.read();
      t.dropped += here.metrics().lines_dropped.read();
      t.published += here.metrics().lines_sent.read();
      t.received += here.metrics().lines_received.read();
      t.local += here.metrics().lines_local.read();
    });
  }
  return t;
}

// What was published is received, on bound channels and on the own core, whatever went down.
bool nothing_lost(const totals& t) { return t.published == t.received && t.local == t.books.sent_here; }

// Lines that were accepted: handled, or dropped at a closed endpoint, or given up when their receiver went down before
// the channel was bound. Lines that bring buffers home may be given up too, and are in nobody's books.
bool balanced(const totals& t, bool buffers) {
  const std::uint64_t given_up = t.refused - t.books.refused_posts;
  const std::uint64_t accepted = t.books.sent + t.books.sent_here;
  const std::uint64_t arrived = t.books.got + t.books.got_here + t.dropped;
  return buffers ? arrived <= accepted && accepted <= arrived + given_up : accepted == arrived + given_up;
}

// Until many looks in a row find the same: then nothing is under way.
totals settle(machine& m, std::deque<worker>& workers) {
  totals last = add_up(m, workers);
  for (int same = 0; same < 200;) {
    const totals now = add_up(m, workers);
    same = now.books.got == last.books.got && now.books.got_here == last.books.got_here &&
                   now.published == last.published && now.dropped == last.dropped
               ? same + 1
               : 0;
    last = now;
    std::this_thread::yield();
  }
  return last;
}

template <class Kind>
void churn(const char* what, std::uint64_t cycles, bool buffers) {
  const std::uint64_t seed = seed_or(0);
  std::printf("%s: seed %llu, %llu cycles\n", what, static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(cycles));
  std::fflush(stdout);
  CAPTURE(rerun_command(seed));
  std::atomic<std::uint64_t> reached{0};
  const watchdog dog{std::chrono::seconds{std::getenv("COOPER_LONG") != nullptr ? 3000 : 250}, seed,
                     [&] { return "cycle " + std::to_string(reached); }};
  const auto m = Kind::make(core_total, {.overflow_bound = 64, .hint_threshold = 1, .buffers_per_core = 128});
  class random dice {
    seed
  };
  directory where;
  std::deque<worker> workers;
  for (std::size_t i = 0; i < core_total; ++i) workers.emplace_back(i, dice.next(), where, buffers);
  for (std::size_t i = 0; i < core_total; ++i) {
    on(*m, i, [&](core& here) { workers[i].open(here); });
  }
  for (std::size_t i = 0; i < core_total; ++i) {
    on(*m, i, [&](core& here) { workers[i].run(here); });
  }

  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> posted{0};
  std::vector<std::thread> foreigners;
  for (std::size_t t = 0; Kind::native && t < 2; ++t) {
    foreigners.emplace_back([&, mine = dice.next()] {
      class random choice {
        mine
      };
      while (!over) {
        const std::size_t to = choice.below(core_total);
        if (m->post(core_number(to), [&workers](core& here) { ++workers[here.id().value].books.tasks; })) ++posted;
        std::this_thread::yield();
      }
    });
  }

  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    reached = cycle;
    const std::size_t victim = dice.below(core_total);
    if (const auto gone = m->down(core_number(victim), 60s); !gone) FAIL(gone.error().message());
    for (std::size_t i = 0; i < core_total; ++i) {
      // Buffers that were on their way to it and will not arrive.
      if (i != victim) on(*m, i, [&](core& here) { (*here.buffers())->reclaim_in_flight(core_number(victim)); });
    }
    // Sometimes a second one, while the first is away.
    const std::size_t second = (victim + 1 + dice.below(core_total - 1)) % core_total;
    const bool both = dice.below(3) == 0;
    if (both) REQUIRE(m->down(core_number(second), 60s));
    REQUIRE(m->up(core_number(victim)));
    // Its endpoint died with it; its timers and deferred work waited.
    on(*m, victim, [&](core& here) { workers[victim].open(here); });
    if (both) {
      REQUIRE(m->up(core_number(second)));
      on(*m, second, [&](core& here) { workers[second].open(here); });
    }
    // Some traffic in between.
    const std::uint64_t before = ask(*m, victim, [&](core&) { return workers[victim].books.got; });
    wait_until(*m, victim, [&](core&) { return workers[victim].books.got >= before + 100; });
  }

  over = true;
  for (std::thread& t : foreigners) t.join();
  for (std::size_t i = 0; i < core_total; ++i) {
    on(*m, i, [&](core&) { workers[i].pause(); });
  }
  const totals t = settle(*m, workers);
  CHECK(nothing_lost(t));
  CHECK(balanced(t, buffers));
  CHECK(t.books.spoiled == 0);
  CHECK(t.books.tasks == posted);
  CHECK(t.books.sent > 0);
  CHECK((t.books.buffers_got > 0) == buffers);
  CHECK(t.books.buffers_got <= t.books.buffers_sent);
  CHECK(t.books.endpoints > cycles);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < core_total; ++i) {
    total += ask(*m, i, [](core& here) {
      const buffer_census c = (*here.buffers())->census();
      return c.free + c.held_here + c.held_there + c.in_flight + c.in_flight_home;
    });
  }
  CHECK(total == core_total * 128);
  std::printf(
      "  %llu lines and %llu to the own core: %llu got, %llu dropped, %llu given up; %llu of %llu buffers; "
      "%llu tasks; %llu endpoints\n",
      static_cast<unsigned long long>(t.books.sent), static_cast<unsigned long long>(t.books.sent_here),
      static_cast<unsigned long long>(t.books.got + t.books.got_here), static_cast<unsigned long long>(t.dropped),
      static_cast<unsigned long long>(t.refused - t.books.refused_posts),
      static_cast<unsigned long long>(t.books.buffers_got), static_cast<unsigned long long>(t.books.buffers_sent),
      static_cast<unsigned long long>(t.books.tasks), static_cast<unsigned long long>(t.books.endpoints));
  REQUIRE(m->stop(60s));
}

std::uint64_t cycles_of(std::uint64_t usual) {
  if (std::getenv("COOPER_LONG") != nullptr) return usual * 50;
  return sanitized ? usual / 10 + 1 : usual;
}

}  // namespace

TEST_CASE("four drivers in churn lose nothing, with membarrier") {
  churn<membarrier_cores>("lines, membarrier", cycles_of(100), false);
  churn<membarrier_cores>("lines and buffers, membarrier", cycles_of(100), true);
}

TEST_CASE("four drivers in churn lose nothing, with fences") {
  churn<fence_cores>("lines, fence", cycles_of(100), false);
  churn<fence_cores>("lines and buffers, fence", cycles_of(100), true);
}

TEST_CASE("four simulated drivers in churn lose nothing") {
  churn<simulated_cores>("lines, simulated", cycles_of(300), false);
  churn<simulated_cores>("lines and buffers, simulated", cycles_of(300), true);
}
