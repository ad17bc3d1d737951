// SPDX-License-Identifier: BSD-3-Clause
// What the runtime does on two real cores, with an eye on every line of memory that both touch.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cooper/runtime/buffers.hpp>
#include <cooper/runtime/trace.hpp>
#include "footprint_rig.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

template <class Kind>
machine_options options_of() {
  machine_options options = native_options(2);
  options.force_fence = std::is_same_v<Kind, fence_cores>;
  return options;
}

// Counts what arrives on one core; asks the machine to stop at the last.
struct alignas(destructive_bytes) counting_inbox {
  std::uint64_t got = 0, last = 0;
  static void handle(void* self, core& here, const line_view&) {
    auto& mine = *static_cast<counting_inbox*>(self);
    if (++mine.got == mine.last) here.home().request_stop();
  }
};

}  // namespace

TEST_CASE_TEMPLATE("lines go to and fro on every lane", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2);
    for (const lane via : {lane::request, lane::reply, lane::monitor}) players{*m, {.via = via}}.play();
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("floods both ways fill rings and overflow, and credit comes back", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2, {.overflow_bound = 128});
    constexpr std::uint64_t total = 20000;
    std::array<counting_inbox, 2> boxes;
    std::array<address, 2> to;
    for (std::size_t i = 0; i < 2; ++i) {
      boxes[i].last = total;
      to[1 - i] = ask(*m, i, [&](core& here) { return *here.open(counting_inbox::handle, &boxes[i]); });
    }
    // Each floods by itself: as much as goes, then it waits for room.
    struct alignas(destructive_bytes) pump {
      address to;
      std::uint64_t left = total;
      void run(core& here) {
        while (left != 0) {
          if (here.post(to, 1, number{left}) != send_result::ok) {
            return here.when_writable(to.core, lane::request, [this, &here] { run(here); });
          }
          --left;
        }
      }
    };
    std::array<pump, 2> pumps;
    for (std::size_t i = 0; i < 2; ++i) pumps[i].to = to[i];
    for (std::size_t i = 0; i < 2; ++i) {
      REQUIRE(m->post(core_number(i), [p = &pumps[i]](core& here) { p->run(here); }));
    }
    for (std::size_t i = 0; i < 2; ++i) {
      wait_until(*m, i, [&](core&) { return boxes[i].got == total; });
    }
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("bulk buffers are moved to and fro, written by whoever has them", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2);
    struct alignas(destructive_bytes) side {
      address to;
      std::uint64_t rounds = 2000;
      static void handle(void* self, core& here, const line_view& line) {
        auto& mine = *static_cast<side*>(self);
        auto& pool = **here.buffers();
        buffer got = *pool.receive(line.as<buffer_handle>(), line.from);
        for (std::byte& b : got.span()) b = static_cast<std::byte>(std::to_integer<int>(b) + 1);
        if (mine.rounds-- == 0) return here.home().request_stop();
        // Every eighth goes home to its pool by the batch, and another starts.
        if (mine.rounds % 8 == 0) got = *pool.take(256);
        const auto handle = *pool.send(std::move(got), mine.to.core);
        CHECK(here.post(mine.to, 1, handle) == send_result::ok);
      }
    };
    std::array<side, 2> sides;
    std::array<address, 2> at;
    for (std::size_t i = 0; i < 2; ++i) {
      at[i] = ask(*m, i, [&](core& here) {
        static_cast<void>(here.buffers());
        return *here.open(side::handle, &sides[i]);
      });
    }
    for (std::size_t i = 0; i < 2; ++i) sides[i].to = at[1 - i];
    on(*m, 0, [&](core& here) {
      auto& pool = **here.buffers();
      const auto handle = *pool.send(*pool.take(256), core_id{1});
      CHECK(here.post(sides[0].to, 1, handle) == send_result::ok);
    });
    m->run();
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("bulk buffers are lent, read there, and written again when they are back", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2);
    struct alignas(destructive_bytes) lender {
      address to;
      std::uint64_t rounds = 500;
      buffer mine;
      void lend(core& here) {
        if (mine.loans() != 0) return here.defer([this, &here] { lend(here); });
        if (rounds-- == 0) {
          mine.release();
          return here.home().request_stop();
        }
        for (std::byte& b : mine.span()) b = std::byte{1};
        const auto handle = *(*here.buffers())->lend(mine, to.core);
        CHECK(here.post(to, 1, handle) == send_result::ok);
        here.defer([this, &here] { lend(here); });
      }
    } lending;
    apart<std::uint64_t> sum;
    apart<inbox> borrower;
    borrower.value.on_line = [&sum](core& here, const line_view& line) {
      lent_buffer got = *(*here.buffers())->receive_loan(line.as<buffer_handle>(), line.from);
      for (const std::byte b : got.bytes()) sum.value += std::to_integer<std::uint64_t>(b);
    };
    lending.to = open_on(*m, 1, borrower.value);
    on(*m, 1, [](core& here) { static_cast<void>(here.buffers()); });
    on(*m, 0, [&](core& here) {
      lending.mine = *(*here.buffers())->take(512);
      lending.lend(here);
    });
    m->run();
    CHECK(ask(*m, 1, [&](core&) { return sum.value; }) == 500 * 512);
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("timers, deferred work and I/O run beside lines", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2);
    std::array<apart<std::uint64_t>, 2> fired;
    players{*m,
            {.rounds = 3000,
             .at_each =
                 [&](core& here, std::uint64_t n) {
                   std::uint64_t& mine = fired[here.id().value].value;
                   const auto timer = here.after(duration{std::chrono::microseconds{n % 50}}, [&mine] { ++mine; });
                   if (n % 3 == 0) here.cancel(timer);
                   here.defer([&mine] { ++mine; });
                   if (n % 500 != 0) return;
                   auto asio = std::make_shared<boost::asio::steady_timer>(**here.io(), 20us);
                   asio->async_wait([asio, &mine](const boost::system::error_code&) { ++mine; });
                 }}}
        .play();
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("foreign threads post to both cores", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2);
    std::array<apart<std::uint64_t>, 2> ran;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) {
          CHECK(m->post(core_number(i % 2), [&ran](core& here) { ++ran[here.id().value].value; }));
        }
      });
    }
    players{*m, {}}.play();
    for (std::thread& t : threads) t.join();
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("cores that park are woken by lines, credit and posts", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    machine_options options = options_of<Kind>();
    options.poll_budget = duration::zero();
    const auto m = boot(options);
    players{*m,
            {.rounds = 1000,
             .at_each =
                 [](core& here, std::uint64_t n) {
                   if (n % 10 == 0) CHECK(here.home().post(core_number(1u - here.id().value), [](core&) {}));
                 }}}
        .play();
    CHECK(m->prometheus().find("cooper_parks_total") != std::string::npos);
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("cores that ask for hints get one from each sender", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(3, {.hint_threshold = 0});
    players{*m, {.rounds = 2000}}.play();
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("endpoints are closed and opened again under lines", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2);
    players{*m,
            {.rounds = 3000,
             .at_each =
                 [](core& here, std::uint64_t n) {
                   if (n % 5 == 0) here.close(*here.open([](void*, core&, const line_view&) {}, nullptr));
                 }}}
        .play();
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("a core goes down and comes up again between conversations", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2);
    for (int i = 0; i < 5; ++i) {
      players{*m, {.rounds = 500, .post = true}}.play();
      const core_id which = core_number(static_cast<std::size_t>(i % 2));
      REQUIRE(m->down(which));
      REQUIRE(m->up(which));
    }
  }
  check_footprint();
}

TEST_CASE_TEMPLATE("another thread reads metrics, status and the trace meanwhile", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  {
    const auto m = Kind::make(2, {.trace = true});
    std::atomic<bool> over{false};
    std::thread reader{[&] {
      while (!over) {
        CHECK_FALSE(m->prometheus().empty());
        CHECK(m->status().size() == 2);
        m->set_tracing(false);
        CHECK_FALSE(m->chrome_trace().empty());
        m->set_tracing(true);
      }
    }};
    players{*m, {.rounds = 1000}}.play();
    over = true;
    reader.join();
  }
  check_footprint();
}
