// SPDX-License-Identifier: BSD-3-Clause
// What every machine does beside lines: work from outside, timers, grace periods, bulk buffers, trace.
#include <array>
#include <cstring>
#include <map>
#include <set>

#include <boost/json.hpp>

#include <cooper/runtime/buffers.hpp>
#include <cooper/runtime/trace.hpp>
#include "machines.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

TEST_CASE_TEMPLATE("posted work runs on the core it was posted to, in order", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3);
  for (std::size_t where = 0; where < 3; ++where) {
    std::vector<int> ran;
    for (int i = 0; i < 100; ++i) {
      REQUIRE(m->post(core_number(where), [&ran, i, where](core& here) {
        CHECK(here.id() == core_number(where));
        CHECK(core::current() == &here);
        ran.push_back(i);
        if (i == 99) here.home().request_stop();
      }));
    }
    m->run();
    REQUIRE(ran.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
  }
  CHECK(core::current() == nullptr);
}

TEST_CASE_TEMPLATE("a core posts work to other cores and to itself", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3);
  std::vector<std::uint16_t> path;
  std::function<void(core&)> hop = [&](core& here) {
    path.push_back(here.id().value);
    if (path.size() == 7) return here.home().request_stop();
    const std::uint16_t to = path.size() % 2 == 0 ? here.id().value : static_cast<std::uint16_t>(path.size() % 3);
    CHECK(here.home().post(core_id{to}, hop));
  };
  REQUIRE(m->post(core_id{0}, hop));
  m->run();
  CHECK(path == std::vector<std::uint16_t>{0, 1, 1, 0, 0, 2, 2});
}

TEST_CASE_TEMPLATE("a driver never waits for a full gateway", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::size_t accepted = 0, ran = 0;
  held_core busy{*m, 1};
  on(*m, 0, [&](core& here) {
    for (;;) {
      const auto posted = here.home().post(core_id{1}, [&ran](core&) { ++ran; });
      if (!posted) {
        CHECK(posted.error().code() == errc::queue_full);
        break;
      }
      ++accepted;
    }
  });
  busy.release();
  CHECK(accepted >= 1000);
  wait_until(*m, 1, [&](core&) { return ran == accepted; });
}

TEST_CASE_TEMPLATE("work for a core that does not exist is refused", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  for (const std::uint16_t nobody : {std::uint16_t{2}, std::uint16_t{65535}}) {
    const core_id id{nobody};
    CHECK(m->post(id, [](core&) {}).error().code() == errc::no_such_core);
    CHECK(m->call(id, [](core&) {}).error().code() == errc::no_such_core);
    CHECK(m->down(id).error().code() == errc::no_such_core);
    CHECK(m->up(id).error().code() == errc::no_such_core);
    CHECK(m->adopt(id).error().code() == errc::no_such_core);
  }
  CHECK(m->core_count() == 2);
  CHECK(m->status().size() == 2);
}

TEST_CASE_TEMPLATE("timers run in the order of their deadlines, then of setting", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::vector<int> ran;
  on(*m, 0, [&](core& here) {
    const instant start = here.now();
    const auto note = [&ran, &here, start](int n, duration due) {
      return here.at(start + due, [&ran, &here, n, start, due] {
        CHECK(here.now() >= start + due);
        ran.push_back(n);
        if (n == 9) here.home().request_stop();
      });
    };
    note(9, 3ms);
    note(1, 1ms);
    note(2, 2ms);
    const timer_id cancelled = note(100, 1500us);
    note(3, 2ms);
    note(0, -1ms);
    CHECK(here.cancel(cancelled));
    CHECK_FALSE(here.cancel(cancelled));
  });
  m->run();
  CHECK(ran == std::vector<int>{0, 1, 2, 3, 9});
  CHECK(ask(*m, 0, [](core& here) { return here.metrics().timers_fired.read(); }) == 5);
}

TEST_CASE_TEMPLATE("a timer that has run cannot be cancelled", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  timer_id timer;
  on(*m, 0, [&](core& here) { timer = here.after(1us, [&here] { here.home().request_stop(); }); });
  m->run();
  CHECK_FALSE(ask(*m, 0, [&](core& here) { return here.cancel(timer); }));
  CHECK_FALSE(ask(*m, 0, [&](core& here) { return here.cancel(timer_id{4711}); }));
}

TEST_CASE_TEMPLATE("a timer in the far future is not due now", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(1);
  on(*m, 0, [](core& here) {
    for (const auto far : {24h * 107, 24h * 365, 24h * 365 * 200}) here.after(far, [] { FAIL("years early"); });
    here.after(1ms, [&here] { here.home().request_stop(); });
  });
  m->run();
  CHECK(ask(*m, 0, [](core& here) { return here.metrics().timers_fired.read(); }) == 1);
}

TEST_CASE_TEMPLATE("a timer wakes a core that is parked", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  const auto parks = [](core& here) { return here.metrics().parks.read(); };
  const std::uint64_t before = ask(*m, 1, parks);
  // Longer than any poll budget, so that the core parks before each of them; ten, so that one is armed after another.
  int left = 10;
  std::function<void(core&)> again = [&](core& here) {
    here.after(2ms, [&] { --left == 0 ? here.home().request_stop() : again(here); });
  };
  on(*m, 1, again);
  m->run();
  CHECK(left == 0);
  CHECK(ask(*m, 1, parks) > before);
}

TEST_CASE_TEMPLATE("deferred work runs later, in order, and may defer again", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::vector<int> ran;
  on(*m, 0, [&](core& here) {
    for (int i = 0; i < 200; ++i) {
      here.defer([&ran, &here, i] {
        ran.push_back(i);
        if (i == 199) {
          here.defer([&ran, &here] {
            ran.push_back(200);
            here.home().request_stop();
          });
        }
      });
    }
    CHECK(ran.empty());
  });
  m->run();
  REQUIRE(ran.size() == 201);
  for (int i = 0; i <= 200; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
}

TEST_CASE_TEMPLATE("retired work waits for every core to begin a new turn", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3);
  int retired = 0;
  held_core busy{*m, 2};
  on(*m, 0, [&](core& here) {
    here.retire([&retired] { ++retired; });
    CHECK(retired == 0);
  });
  if (Kind::native) {
    // Core 2 is still in the turn in which this was asked.
    for (int i = 0; i < 100; ++i) CHECK(ask(*m, 0, [&](core&) { return retired; }) == 0);
  }
  // One that asks while a grace period is under way waits for the next.
  on(*m, 0, [&](core& here) {
    here.retire([&retired, &here] {
      CHECK(retired == 1);
      here.home().request_stop();
    });
  });
  busy.release();
  m->run();
  CHECK(ask(*m, 0, [&](core&) { return retired; }) == 1);
}

TEST_CASE_TEMPLATE("retired work does not wait for cores that are parked or down", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3);
  REQUIRE(m->down(core_id{1}));
  for (int i = 0; i < 20; ++i) {
    on(*m, 0, [&](core& here) { here.retire([&here] { here.home().request_stop(); }); });
    m->run();
  }
  CHECK(m->status()[1].state == core_state::down);
}

namespace {

// One buffer or loan goes to core 1, is read there, and comes home.
struct courier : inbox {
  buffer_handle::mode_t mode;
  std::uint64_t bad = 0, arrived = 0;

  explicit courier(buffer_handle::mode_t how) : mode{how} {
    on_line = [this](core& here, const line_view& line) {
      const auto handle = line.as<buffer_handle>();
      buffer_pool& pool = **here.buffers();
      const auto check = [&](std::span<const std::byte> bytes) {
        for (const std::byte b : bytes) bad += b != static_cast<std::byte>(line.type);
        if (bytes.size() != 1000u + line.type) ++bad;
      };
      if (handle.mode == buffer_handle::mode_t::move) {
        auto got = pool.receive(handle, line.from);
        REQUIRE(got);
        check(got->bytes());
        // In a checking build that is an assertion: a bug of ours.
        if (!checking_build) CHECK_FALSE(pool.receive(handle, line.from));
      } else {
        auto got = pool.receive_loan(handle, line.from);
        REQUIRE(got);
        check(got->bytes());
      }
      ++arrived;
    };
  }
};

std::uint64_t send_buffers(core& here, address to, buffer_handle::mode_t mode, std::uint64_t count,
                           std::vector<buffer>& lent) {
  buffer_pool& pool = **here.buffers();
  std::uint64_t sent = 0;
  for (; sent < count; ++sent) {
    const auto type = static_cast<message_type>(sent + 1);
    auto taken = pool.take(1000u + type);
    if (!taken) {
      CHECK(taken.error().code() == errc::pool_exhausted);
      break;
    }
    for (std::byte& b : taken->span()) b = static_cast<std::byte>(type);
    const bool moves = mode == buffer_handle::mode_t::move;
    auto handle = moves ? pool.send(std::move(*taken), to.core) : pool.lend(*taken, to.core);
    REQUIRE(handle);
    CHECK(here.post(to, type, *handle) == send_result::ok);
    if (!moves) lent.push_back(std::move(*taken));
  }
  return sent;
}

void carry(machine& m, buffer_handle::mode_t mode) {
  courier box{mode};
  const address to = open_on(m, 1, box);
  on(m, 1, [](core& here) { REQUIRE(here.buffers()); });  // a core without a pool can be given nothing
  std::vector<buffer> lent;
  std::uint64_t sent = 0;
  for (int round = 0; round < 20; ++round) {
    on(m, 0, [&](core& here) { sent += send_buffers(here, to, mode, 50, lent); });
    wait_until(m, 1, [&](core&) { return box.arrived == sent; });
    if (mode == buffer_handle::mode_t::loan) {
      wait_until(m, 0, [&](core&) {
        std::uint32_t out = 0;
        for (const buffer& b : lent) out += b.loans();
        if (out == 0) lent.clear();
        return out == 0;
      });
    }
    // Ten more than a whole batch of twelve each time: the rest comes home when the core idles.
    wait_until(m, 0, [](core& here) { return (*here.buffers())->free_count() == 64; });
  }
  CHECK(sent == 20 * 50);
  CHECK(ask(m, 1, [&](core&) { return box.bad; }) == 0);
  const buffer_census all = ask(m, 0, [](core& here) { return (*here.buffers())->census(); });
  CHECK(all.free == 64);
  CHECK(all.held_here + all.held_there + all.in_flight + all.in_flight_home == 0);
}

}  // namespace

TEST_CASE_TEMPLATE("a bulk buffer moves to another core and comes home", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  carry(*Kind::make(2), buffer_handle::mode_t::move);
}

TEST_CASE_TEMPLATE("a lent bulk buffer is read elsewhere and released", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  carry(*Kind::make(2), buffer_handle::mode_t::loan);
}

TEST_CASE_TEMPLATE("buffers come home although their lane was full and their holder sleeps", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  // Ten batches of twelve and a rest, where the lane takes eight.
  const auto m = Kind::make(2, {.buffers_per_core = 128});
  std::vector<buffer> kept;
  inbox box{[&](core& here, const line_view& line) {
    kept.push_back(std::move(*(*here.buffers())->receive(line.as<buffer_handle>(), line.from)));
  }};
  const address to = open_on(*m, 1, box);
  on(*m, 1, [](core& here) { REQUIRE(here.buffers()); });
  bind(*m, 1, 0);
  std::vector<buffer> lent;
  on(*m, 0, [&](core& here) { CHECK(send_buffers(here, to, buffer_handle::mode_t::move, 128, lent) == 128); });
  wait_until(*m, 1, [&](core&) { return kept.size() == 128; });
  held_core busy{*m, 0};
  on(*m, 1, [&](core& here) {
    kept.clear();
    CHECK((*here.buffers())->pending_returns() == 128 - 8 * 12);
  });
  while (m->status()[1].state != core_state::parked) std::this_thread::yield();
  busy.release();
  // Nothing touches core 1 but the credit.
  wait_until(*m, 0, [](core& here) { return (*here.buffers())->free_count() == 128; });
}

namespace {

struct arrow_ends {
  int starts = 0, ends = 0;
  double start_us = 0, end_us = 0;
};

}  // namespace

TEST_CASE_TEMPLATE("a trace shows every line at both ends, as matching arrows", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2, {.trace = true});
  std::uint64_t left = 200;
  address here_address, there_address;
  inbox there{[&](core& here, const line_view& line) {
    CHECK(here.send(here_address, 8, line.as<number>(), lane::reply) == send_result::ok);
  }};
  inbox back{[&](core& here, const line_view& line) {
    if (--left == 0) return here.home().request_stop();
    CHECK(here.send(there_address, 7, line.as<number>()) == send_result::ok);
  }};
  there_address = open_on(*m, 1, there);
  here_address = open_on(*m, 0, back);
  on(*m, 0, [&](core& here) { CHECK(here.send(there_address, 7, number{1}) == send_result::ok); });
  m->run();
  m->set_tracing(false);
  REQUIRE(m->stop());
  const boost::json::value parsed = boost::json::parse(m->chrome_trace());
  std::map<std::string, arrow_ends> arrows;
  std::size_t slices = 0;
  for (const auto& entry : parsed.at("traceEvents").as_array()) {
    const auto& event = entry.as_object();
    const std::string phase{event.at("ph").as_string()};
    if (phase == "X" || phase == "B") ++slices;
    if (phase != "s" && phase != "f") continue;
    const std::string id = boost::json::serialize(event.at("id"));
    arrow_ends& arrow = arrows[id];
    const double at = event.at("ts").to_number<double>();
    (phase == "s" ? arrow.starts : arrow.ends) += 1;
    (phase == "s" ? arrow.start_us : arrow.end_us) = at;
  }
  // The last line of all may still have been in its handler when tracing went off.
  CHECK(arrows.size() >= 399);
  CHECK(arrows.size() <= 400);
  CHECK(slices >= 399);
  for (const auto& [id, arrow] : arrows) {
    CHECK(arrow.starts == 1);
    CHECK(arrow.ends == 1);
    // Counters of two real cores agree to well below a microsecond, which a line needs little of.
    CHECK(arrow.end_us >= arrow.start_us - 1.0);
  }
}

TEST_CASE_TEMPLATE("without tracing a machine records nothing", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::uint64_t got = 0;
  inbox box{[&](core& here, const line_view&) {
    if (++got == 20) here.home().request_stop();
  }};
  const address to = open_on(*m, 1, box);
  const auto send_ten = [&](core& here) {
    for (int i = 0; i < 10; ++i) CHECK(here.send(to, 1, number{}) == send_result::ok);
  };
  on(*m, 0, send_ten);
  const auto events = [](core& here) { return here.trace().snapshot().size(); };
  CHECK(ask(*m, 0, events) == 0);
  wait_until(*m, 1, [&](core&) { return got == 10; });
  m->set_tracing(true);
  // It goes on at the end of a turn, and lines come at its beginning.
  wait_until(*m, 1, [](core& here) { return here.trace().on(); });
  on(*m, 0, send_ten);
  m->run();
  CHECK(ask(*m, 0, events) >= 10);
  CHECK(ask(*m, 1, events) >= 20);
}
