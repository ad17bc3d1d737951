// SPDX-License-Identifier: BSD-3-Clause
// What every machine does with lines: delivery, order, bounds, lanes, endpoints. One body each, over three machines.
#include <array>
#include <cstring>
#include <tuple>

#include "machines.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

constexpr std::array<lane, lane_count> all_lanes{lane::request, lane::reply, lane::monitor};

struct seven_words {
  std::uint64_t w[7];
};

// Sends 0, 1, 2 ... on one lane as fast as the lane takes them, from one core.
struct pump {
  address to;
  lane via;
  std::uint64_t count;
  bool by_post;
  std::uint64_t next = 0;
  std::uint64_t refused = 0;

  void go(core& here) {
    while (next < count) {
      const send_result sent = by_post ? here.post(to, 1, number{next}, via) : here.send(to, 1, number{next}, via);
      REQUIRE(sent != send_result::closed);
      if (sent == send_result::full) {
        ++refused;
        here.when_writable(to.core, via, [this, &here] { go(here); });
        return;
      }
      ++next;
    }
  }
};

// Takes numbers of each lane in order, and stops the run after so many.
struct sink : inbox {
  std::array<std::uint64_t, lane_count> next{};
  std::uint64_t left;
  bool in_order = true;

  explicit sink(std::uint64_t expected) : left{expected} {
    on_line = [this](core& here, const line_view& line) {
      std::uint64_t& expects = next[static_cast<std::size_t>(line.via)];
      if (line.as<number>().value != expects) in_order = false;
      ++expects;
      if (--left == 0) here.home().request_stop();
    };
  }
};

void flood(machine& m, bool by_post, std::uint64_t count) {
  sink box{count * lane_count};
  const address to = open_on(m, 1, box);
  std::array<pump, lane_count> pumps;
  for (std::size_t l = 0; l < lane_count; ++l) {
    pumps[l] = {.to = to, .via = all_lanes[l], .count = count, .by_post = by_post};
  }
  on(m, 0, [&](core& here) {
    for (pump& p : pumps) p.go(here);
  });
  m.run();
  CHECK(box.left == 0);
  CHECK(box.in_order);
  CHECK(pumps[0].refused > 0);
}

}  // namespace

TEST_CASE_TEMPLATE("a line reaches its endpoint with its payload, type, sender and lane", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{120s};
  const auto m = Kind::make(3);
  for (std::size_t from = 0; from < 3; ++from) {
    for (std::size_t to = 0; to < 3; ++to) {
      for (const lane via : all_lanes) {
        std::optional<std::tuple<seven_words, message_type, core_id, lane>> got;
        inbox box{[&](core& here, const line_view& line) {
          got.emplace(line.as<seven_words>(), line.type, line.from, line.via);
          here.home().request_stop();
        }};
        const address there = open_on(*m, to, box);
        CHECK(there.core == core_number(to));
        seven_words words{};
        for (std::uint64_t i = 0; i < 7; ++i) words.w[i] = 0x0123456789abcdefu * (i + 1) + from;
        CHECK(ask(*m, from, [&](core& here) { return here.send(there, 0xabc, words, via); }) == send_result::ok);
        m->run();
        REQUIRE(got);
        CHECK(std::memcmp(&std::get<0>(*got), &words, sizeof words) == 0);
        CHECK(std::get<1>(*got) == 0xabc);
        CHECK(std::get<2>(*got) == core_number(from));
        CHECK(std::get<3>(*got) == via);
        on(*m, to, [&](core& here) { CHECK(here.close(there)); });
      }
    }
  }
}

TEST_CASE_TEMPLATE("a line may carry nothing but its type", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  message_type got = 0;
  inbox box{[&](core& here, const line_view& line) {
    got = line.type;
    here.home().request_stop();
  }};
  const address there = open_on(*m, 1, box);
  for (const std::size_t from : {0u, 1u}) {
    got = 0;
    on(*m, from, [&](core& here) {
      CHECK(here.send_words(there, message_type_max, lane::request, nullptr, 0) == send_result::ok);
    });
    m->run();
    CHECK(got == message_type_max);
  }
}

TEST_CASE_TEMPLATE("lines of one lane keep their order when send is tried again", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{120s};
  flood(*Kind::make(2), false, 5000);
}

TEST_CASE_TEMPLATE("lines of one lane keep their order through overflow", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{120s};
  flood(*Kind::make(2, {.overflow_bound = 20}), true, 5000);
}

TEST_CASE_TEMPLATE("lines keep their order when the receiver asks for hints", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{120s};
  flood(*Kind::make(2, {.hint_threshold = 0}), false, 5000);
  // The wish for hints comes with the second peer, in the middle of the first one's flood.
  const auto m = Kind::make(3, {.hint_threshold = 1});
  sink first{3000};
  sink second{3000};
  const address to_first = open_on(*m, 1, first);
  const address to_second = open_on(*m, 1, second);
  pump from_0{.to = to_first, .via = lane::request, .count = 3000, .by_post = false};
  pump from_2{.to = to_second, .via = lane::reply, .count = 3000, .by_post = false};
  on(*m, 0, [&](core& here) { from_0.go(here); });
  on(*m, 2, [&](core& here) { from_2.go(here); });
  wait_until(*m, 1, [&](core&) { return first.left == 0 && second.left == 0; });
  CHECK(first.in_order);
  CHECK(second.in_order);
}

TEST_CASE_TEMPLATE("a full lane refuses and keeps its lines", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  for (const lane via : all_lanes) {
    const auto m = Kind::make(2);
    const std::uint64_t capacity = via == lane::monitor ? 8 : 32;
    sink box{capacity};
    const address to = open_on(*m, 1, box);
    bind(*m, 0, 1);
    held_core busy{*m, 1};
    on(*m, 0, [&](core& here) {
      const std::uint64_t before = here.metrics().sends_full.read();
      for (std::uint64_t i = 0; i < capacity; ++i) CHECK(here.send(to, 1, number{i}, via) == send_result::ok);
      for (int i = 0; i < 3; ++i) CHECK(here.send(to, 1, number{999}, via) == send_result::full);
      CHECK(here.metrics().sends_full.read() == before + 3);
    });
    busy.release();
    m->run();
    CHECK(box.left == 0);
    CHECK(box.in_order);
    // What was refused never comes.
    REQUIRE(m->stop());
    CHECK(box.next[static_cast<std::size_t>(via)] == capacity);
  }
}

TEST_CASE_TEMPLATE("a full request lane does not hold up replies or monitors", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  sink box{32 + 32 + 8};
  const address to = open_on(*m, 1, box);
  bind(*m, 0, 1);
  held_core busy{*m, 1};
  on(*m, 0, [&](core& here) {
    for (std::uint64_t i = 0; i < 32; ++i) CHECK(here.send(to, 1, number{i}) == send_result::ok);
    CHECK(here.send(to, 1, number{32}) == send_result::full);
    for (std::uint64_t i = 0; i < 32; ++i) CHECK(here.send(to, 1, number{i}, lane::reply) == send_result::ok);
    for (std::uint64_t i = 0; i < 8; ++i) CHECK(here.send(to, 1, number{i}, lane::monitor) == send_result::ok);
  });
  busy.release();
  m->run();
  CHECK(box.left == 0);
  CHECK(box.in_order);
}

TEST_CASE_TEMPLATE("lines to a closed endpoint are counted and dropped", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::uint64_t got = 0;
  inbox box{[&](core&, const line_view&) { ++got; }};
  const address there = open_on(*m, 1, box);
  CHECK_FALSE(ask(*m, 0, [&](core& here) { return here.close(there); }));                // another core's
  CHECK_FALSE(ask(*m, 1, [&](core& here) { return here.close({.core = here.id()}); }));  // the driver's own
  CHECK(ask(*m, 1, [&](core& here) { return here.close(there); }));
  CHECK_FALSE(ask(*m, 1, [&](core& here) { return here.close(there); }));
  on(*m, 0, [&](core& here) {
    for (std::uint64_t i = 0; i < 5; ++i) CHECK(here.send(there, 1, number{i}) == send_result::ok);
    CHECK(here.send({.core = core_number(1), .generation = 0, .slot = 77}, 1, number{}) == send_result::ok);
  });
  on(*m, 1, [&](core& here) { CHECK(here.send(there, 1, number{}) == send_result::ok); });
  wait_until(*m, 1, [](core& here) { return here.metrics().lines_dropped.read() == 7; });
  CHECK(ask(*m, 1, [&](core&) { return got; }) == 0);
}

TEST_CASE_TEMPLATE("a reused slot has another generation, and its old address reaches nobody", Kind,
                   COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  std::uint64_t before = 0, after = 0;
  inbox old_box{[&](core&, const line_view&) { ++before; }};
  inbox new_box{[&](core& here, const line_view&) {
    ++after;
    here.home().request_stop();
  }};
  address current = open_on(*m, 1, old_box);
  const address old_address = current;
  for (int round = 1; round <= 5; ++round) {
    on(*m, 1, [&](core& here) {
      CHECK(here.close(current));
      // Not before a grace period has passed.
      const address other = *here.open(inbox::handle, &old_box);
      CHECK(other.slot != current.slot);
      CHECK(here.close(other));
    });
    std::optional<address> again;
    wait_until(*m, 1, [&](core& here) {
      const address a = *here.open(inbox::handle, &new_box);
      if (a.slot == current.slot) {
        again = a;
      } else {
        here.close(a);
      }
      return again.has_value();
    });
    CHECK(again->generation == current.generation + 1);
    current = *again;
  }
  on(*m, 0, [&](core& here) {
    CHECK(here.send(old_address, 1, number{}) == send_result::ok);
    CHECK(here.send(current, 1, number{}) == send_result::ok);
  });
  m->run();
  CHECK(before == 0);
  CHECK(after == 1);
}

TEST_CASE_TEMPLATE("lines to the own core wait until the handler has returned", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  bool inside = false, nested = false, in_order = true;
  std::uint64_t next = 0, sent = 0;
  address me;
  inbox box{[&](core& here, const line_view& line) {
    nested |= std::exchange(inside, true);
    in_order &= line.as<number>().value == next++ && line.from == here.id();
    // Each line asks for two more, as long as there are few.
    for (int i = 0; i < 2 && sent < 1000; ++i) CHECK(here.send(me, 1, number{sent++}) == send_result::ok);
    inside = false;
    if (next == 1000) here.home().request_stop();
  }};
  me = open_on(*m, 0, box);
  on(*m, 0, [&](core& here) { CHECK(here.send(me, 1, number{sent++}) == send_result::ok); });
  m->run();
  CHECK(next == 1000);
  CHECK_FALSE(nested);
  CHECK(in_order);
  CHECK(ask(*m, 0, [](core& here) { return here.metrics().lines_sent.read(); }) == 0);
}

TEST_CASE_TEMPLATE("the own core's queue has a bound", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2, {.overflow_bound = 10});
  sink box{10};
  const address me = open_on(*m, 0, box);
  on(*m, 0, [&](core& here) {
    for (std::uint64_t i = 0; i < 10; ++i) CHECK(here.send(me, 1, number{i}) == send_result::ok);
    CHECK(here.send(me, 1, number{10}) == send_result::full);
    CHECK(here.post(me, 1, number{10}) == send_result::full);
  });
  m->run();
  CHECK(box.left == 0);
  CHECK(box.in_order);
}

TEST_CASE_TEMPLATE("lines of a first contact wait for the channel, in order and up to the bound", Kind,
                   COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  for (const bool by_post : {false, true}) {
    const auto m = Kind::make(2, {.overflow_bound = 100});
    sink box{100 + 100};
    const address to = open_on(*m, 1, box);
    on(*m, 0, [&](core& here) {
      const auto send = [&](std::uint64_t i, lane via) {
        return by_post ? here.post(to, 1, number{i}, via) : here.send(to, 1, number{i}, via);
      };
      for (const lane via : {lane::request, lane::reply}) {
        for (std::uint64_t i = 0; i < 100; ++i) CHECK(send(i, via) == send_result::ok);
        CHECK(send(100, via) == send_result::full);
      }
      CHECK(here.metrics().overflow_lines.read() == 200);
      CHECK(here.metrics().lines_sent.read() == 0);
    });
    m->run();
    CHECK(box.left == 0);
    CHECK(box.in_order);
    wait_until(*m, 0, [](core& here) { return here.metrics().overflow_lines.read() == 0; });
  }
}

TEST_CASE_TEMPLATE("a post beyond the overflow bound is refused and counted, and nothing overtakes", Kind,
                   COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2, {.overflow_bound = 16});
  sink box{32 + 16};
  const address to = open_on(*m, 1, box);
  bind(*m, 0, 1);
  held_core busy{*m, 1};
  on(*m, 0, [&](core& here) {
    for (std::uint64_t i = 0; i < 32 + 16; ++i) CHECK(here.post(to, 1, number{i}) == send_result::ok);
    CHECK(here.post(to, 1, number{777}) == send_result::full);
    // While lines wait, a plain send has to wait behind them.
    CHECK(here.send(to, 1, number{888}) == send_result::full);
    CHECK(here.metrics().overflow_refused.read() == 1);
    CHECK(here.metrics().overflow_lines.read() == 16);
  });
  busy.release();
  m->run();
  CHECK(box.left == 0);
  CHECK(box.in_order);
}

TEST_CASE_TEMPLATE("a line to a core that does not exist is refused", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  on(*m, 0, [&](core& here) {
    for (const std::uint16_t nobody : {std::uint16_t{2}, std::uint16_t{4095}, std::uint16_t{65535}}) {
      CHECK(here.send({.core = core_id{nobody}}, 1, number{}) == send_result::closed);
      CHECK(here.post({.core = core_id{nobody}}, 1, number{}) == send_result::closed);
    }
    CHECK(here.metrics().sends_closed.read() == 6);
    bool told = false;
    here.when_writable(core_id{9}, lane::request, [&told, &here] {
      told = true;
      here.home().request_stop();
    });
    CHECK_FALSE(told);
  });
  m->run();
}

TEST_CASE_TEMPLATE("counters of both ends add up", Kind, COOPER_ALL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(3);
  sink box{3 * 500};
  box.on_line = [&box](core& here, const line_view&) {
    if (--box.left == 0) here.home().request_stop();
  };
  const address to = open_on(*m, 2, box);
  std::array<pump, 3> pumps;
  for (std::size_t from = 0; from < 3; ++from) {
    pumps[from] = {.to = to, .via = lane::request, .count = 500, .by_post = false};
    on(*m, from, [&](core& here) { pumps[from].go(here); });
  }
  m->run();
  CHECK(box.left == 0);
  REQUIRE(m->stop());
  const std::string text = m->prometheus();
  CHECK(text.find("cooper_lines_sent_total{core=\"0\"} 500\n") != std::string::npos);
  CHECK(text.find("cooper_lines_sent_total{core=\"1\"} 500\n") != std::string::npos);
  CHECK(text.find("cooper_lines_received_total{core=\"2\"} 1000\n") != std::string::npos);
  CHECK(text.find("cooper_lines_local_total{core=\"2\"} 500\n") != std::string::npos);
}
