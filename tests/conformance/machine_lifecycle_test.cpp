// SPDX-License-Identifier: BSD-3-Clause
// Cores go down and come up while the rest runs, and machines stop: nothing is lost, and whoever blocks is named.
#include <array>

#include "machines.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

// Sends numbered lines to core 1 from a core that keeps running, whatever happens to core 1, and counts what became
// of them. A turn's worth at a time, so that the core stays responsive.
struct chatterer {
  address to;
  bool going = true;
  std::uint64_t ok = 0, full = 0, closed = 0;

  void go(core& here) {
    for (int i = 0; i < 20 && going; ++i) {
      switch (here.send(to, 1, number{ok})) {
        case send_result::ok:
          ++ok;
          continue;
        case send_result::full:
          ++full;
          break;
        case send_result::closed:
          ++closed;
          break;
      }
      break;
    }
    if (going) here.after(1us, [this, &here] { go(here); });
  }
};

struct counting_sink : inbox {
  std::uint64_t got = 0, next = 0;
  bool in_order = true;
  counting_sink() {
    on_line = [this](core&, const line_view& line) {
      // Gaps come from lines to a core that was down, never from disorder.
      in_order &= line.as<number>().value >= next;
      next = line.as<number>().value + 1;
      ++got;
    };
  }
};

std::uint64_t counted(machine& m, std::size_t where, counter core_metrics::*which) {
  return ask(m, where, [which](core& here) { return (here.metrics().*which).read(); });
}

}  // namespace

TEST_CASE_TEMPLATE("a core that goes down is closed for its peers, and nothing sent is lost", Kind,
                   COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3);
  counting_sink box;
  const address to = open_on(*m, 1, box);
  bind(*m, 0, 1);
  std::uint64_t sent = 0;
  on(*m, 0, [&](core& here) {
    while (here.send(to, 1, number{sent}) == send_result::ok) ++sent;
  });
  REQUIRE(m->down(core_id{1}));
  // Core 1 has no thread now, so this thread may look.
  CHECK(box.got == sent);
  CHECK(box.in_order);
  CHECK(m->status()[1].state == core_state::down);
  for (const std::size_t from : {0u, 2u}) {
    on(*m, from, [&](core& here) {
      CHECK(here.send(to, 1, number{}) == send_result::closed);
      CHECK(here.post(to, 1, number{}, lane::monitor) == send_result::closed);
      here.when_writable(core_id{1}, lane::request, [&here] { here.home().request_stop(); });
    });
    m->run();
  }
  CHECK(m->post(core_id{1}, [](core&) {}).error().code() == errc::core_down);
  CHECK(m->call(core_id{1}, [](core&) {}).error().code() == errc::core_down);
  CHECK(m->down(core_id{1}).error().code() == errc::core_down);
  CHECK(m->up(core_id{0}).error().code() == errc::core_up);
}

TEST_CASE_TEMPLATE("the last running core cannot be taken down", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  REQUIRE(m->down(core_id{0}));
  CHECK(m->down(core_id{1}).error().code() == errc::last_core);
  REQUIRE(m->up(core_id{0}));
  REQUIRE(m->down(core_id{1}));
}

TEST_CASE_TEMPLATE("replies pass while a core goes down", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::uint64_t replies = 0, asked = 0, answered = 0;
  address client;
  inbox server{[&](core& here, const line_view& line) {
    if (here.post(client, 2, line.as<number>(), lane::reply) == send_result::ok) ++answered;
  }};
  inbox back{[&](core&, const line_view&) { ++replies; }};
  const address to = open_on(*m, 1, server);
  client = open_on(*m, 0, back);
  bind(*m, 0, 1);
  bind(*m, 1, 0);
  on(*m, 0, [&](core& here) {
    while (asked < 32 && here.send(to, 1, number{asked}) == send_result::ok) ++asked;
  });
  REQUIRE(m->down(core_id{1}));
  CHECK(asked == 32);
  CHECK(answered == 32);
  CHECK(ask(*m, 0, [&](core&) { return replies; }) == 32);
}

TEST_CASE_TEMPLATE("a core that is up again has new channels, and its old addresses are dead", Kind,
                   COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3, {.hint_threshold = 1});
  std::uint64_t stale = 0;
  inbox old_box{[&](core&, const line_view&) { ++stale; }};
  const address old_address = open_on(*m, 1, old_box);
  bind(*m, 0, 1);
  bind(*m, 1, 0);
  // More than 256 rounds: the lives of the channels wrap once.
  const int rounds = Kind::native ? (sanitized ? 20 : 60) : 300;
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(m->down(core_id{1}));
    REQUIRE(m->up(core_id{1}));
    std::array<std::uint64_t, 3> got{};
    inbox box{[&](core& here, const line_view& line) {
      ++got[line.from.value];
      if (got == std::array<std::uint64_t, 3>{40, 1, 5}) here.home().request_stop();
    }};
    const address to = open_on(*m, 1, box);
    CHECK(to != old_address);
    on(*m, 0, [&](core& here) {
      CHECK(here.send(old_address, 1, number{}) == send_result::ok);
      for (int i = 0; i < 40; ++i) CHECK(here.post(to, 1, number{}) == send_result::ok);
    });
    on(*m, 2, [&](core& here) {
      for (int i = 0; i < 5; ++i) CHECK(here.send(to, 1, number{}, lane::monitor) == send_result::ok);
    });
    on(*m, 1, [&](core& here) { CHECK(here.send(to, 1, number{}) == send_result::ok); });
    m->run();
    CHECK(got == std::array<std::uint64_t, 3>{40, 1, 5});
    on(*m, 1, [&](core& here) { CHECK(here.close(to)); });
  }
  CHECK(ask(*m, 1, [&](core&) { return stale; }) == 0);
}

TEST_CASE_TEMPLATE("cores go down and up under traffic, and every line is accounted for", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{120s};
  const auto m = Kind::make(3);
  std::uint64_t got = 0;
  inbox box{[&](core&, const line_view&) { ++got; }};
  const address to = open_on(*m, 1, box);
  chatterer from_0{.to = to};
  chatterer from_2{.to = to};
  on(*m, 0, [&](core& here) { from_0.go(here); });
  on(*m, 2, [&](core& here) { from_2.go(here); });
  const int rounds = Kind::native ? (sanitized ? 10 : 25) : 100;
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(m->down(core_id{1}));
    REQUIRE(m->up(core_id{1}));
    // Addresses died with the core: the senders get the new one.
    const address again = open_on(*m, 1, box);
    on(*m, 0, [&](core&) { from_0.to = again; });
    on(*m, 2, [&](core&) { from_2.to = again; });
    // Some traffic passes in each round.
    const std::uint64_t before = ask(*m, 1, [&](core&) { return got; });
    wait_until(*m, 1, [&](core&) { return got >= before + 50; });
  }
  on(*m, 0, [&](core&) { from_0.going = false; });
  on(*m, 2, [&](core&) { from_2.going = false; });
  REQUIRE(m->down(core_id{1}));
  const std::uint64_t ok = ask(*m, 0, [&](core&) { return from_0.ok; }) + ask(*m, 2, [&](core&) { return from_2.ok; });
  // Accepted before the channel was bound, and then the core went down: given up, and counted as such.
  const std::uint64_t given_up =
      counted(*m, 0, &core_metrics::overflow_refused) + counted(*m, 2, &core_metrics::overflow_refused);
  REQUIRE(m->up(core_id{1}));
  const std::uint64_t dropped = counted(*m, 1, &core_metrics::lines_dropped);
  CHECK(ok == got + dropped + given_up);
}

TEST_CASE_TEMPLATE("a machine that stops finishes what is under way", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  counting_sink box;
  const address to = open_on(*m, 1, box);
  on(*m, 0, [&](core& here) {
    for (std::uint64_t i = 0; i < 500; ++i) CHECK(here.post(to, 1, number{i}) == send_result::ok);
  });
  REQUIRE(m->stop());
  CHECK(box.got == 500);
  CHECK(box.in_order);
  REQUIRE(m->stop());
  CHECK(m->post(core_id{0}, [](core&) {}).error().code() == errc::stopped);
  CHECK(m->call(core_id{0}, [](core&) {}).error().code() == errc::stopped);
  CHECK(m->down(core_id{0}).error().code() == errc::stopped);
  CHECK(m->up(core_id{0}).error().code() == errc::stopped);
}

TEST_CASE_TEMPLATE("a machine stops although a conversation feeds itself", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::array<address, 2> players;
  std::uint64_t hits = 0;
  inbox player{[&](core& here, const line_view& line) {
    static_cast<void>(here.send(players[1u - here.id().value], 1, line.as<number>()));
    if (here.id().value == 1 && ++hits == 1000) here.home().request_stop();
  }};
  for (std::size_t i = 0; i < 2; ++i) players[i] = open_on(*m, i, player);
  on(*m, 0, [&](core& here) { CHECK(here.send(players[1], 1, number{}) == send_result::ok); });
  m->run();
  REQUIRE(m->stop());
  CHECK(hits >= 1000);
}

TEST_CASE_TEMPLATE("a machine with cores down stops", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3);
  REQUIRE(m->down(core_id{2}));
  REQUIRE(m->stop());
}

TEST_CASE_TEMPLATE("stop names the core and the endpoint that block, and works once they do not", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::atomic<bool> entered{false}, release{false};
  std::uint64_t after = 0;
  inbox stubborn{[&](core&, const line_view&) {
    entered = true;
    while (!release) std::this_thread::yield();
    ++after;
  }};
  const address to = open_on(*m, 1, stubborn);
  on(*m, 0, [&](core& here) { CHECK(here.send(to, 1, number{}) == send_result::ok); });
  while (!entered) std::this_thread::yield();
  for (int i = 0; i < 2; ++i) {
    const auto stopped = m->stop(20ms);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code() == errc::stop_timeout);
    const std::string text = stopped.error().message();
    CHECK_MESSAGE(text.find("core 1") != std::string::npos, text);
    CHECK_MESSAGE(text.find("endpoint " + std::to_string(to.slot)) != std::string::npos, text);
    CHECK_MESSAGE(text.find("core 0") == std::string::npos, text);
  }
  release = true;
  REQUIRE(m->stop());
  CHECK(after == 1);
}

TEST_CASE_TEMPLATE("down names who blocks, and can be asked again", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  held_core busy{*m, 0};
  for (int i = 0; i < 2; ++i) {
    const auto gone = m->down(core_id{1}, 20ms);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code() == errc::stop_timeout);
    CHECK_MESSAGE(gone.error().message().find("core 0") != std::string::npos, gone.error().message());
  }
  CHECK_FALSE(m->up(core_id{1}));
  busy.release();
  REQUIRE(m->down(core_id{1}));
  REQUIRE(m->up(core_id{1}));
  bind(*m, 0, 1);
}

TEST_CASE_TEMPLATE("a call to a core that leaves never runs after the caller was told that it will not", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  const int rounds = sanitized ? 20 : 60;
  for (int round = 0; round < rounds; ++round) {
    std::atomic<bool> over{false};
    std::uint64_t calls = 0, refused = 0;
    std::thread caller{[&] {
      do {
        auto alive = std::make_shared<std::atomic<bool>>(true);
        bool ran = false;
        const auto done = m->call(core_id{1}, [&ran, alive](core&) {
          CHECK(alive->load());
          if (alive->load()) ran = true;
        });
        alive->store(false);
        ++(done ? calls : refused);
        CHECK(ran == static_cast<bool>(done));
      } while (!over);
    }};
    REQUIRE(m->down(core_id{1}));
    REQUIRE(m->up(core_id{1}));
    over = true;
    caller.join();
    CHECK(calls + refused > 0);
  }
}
