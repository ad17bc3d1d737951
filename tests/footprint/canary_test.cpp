// SPDX-License-Identifier: BSD-3-Clause
// What the footprint check must find: each body breaks the rule that cores share nothing, in another way.
#include <cstdio>

#include <cooper/runtime/buffers.hpp>
#include "footprint_rig.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

apart<std::uint64_t> plain_counter;
apart<std::atomic<std::uint64_t>> atomic_counter;
apart<std::array<std::uint64_t, 2>> neighbours;
struct alignas(destructive_bytes) {
  std::uint64_t of_core_0 = 0;
  std::atomic<std::uint64_t> looked_at{7};
} mixed;

// What was found must name both cores, an address, this file as often as told, and the cure.
void must_be_found(std::size_t places_here, const char* cure) {
  std::string all;
  bool right = false;
  for (const auto& found : footprint::explain_violations({{"doctest::"}})) {
    if (!found.made_in.empty()) continue;
    all += found.text;
    constexpr std::string_view this_file = " at tests/footprint/canary_test.cpp:";
    std::size_t here = 0;
    for (std::size_t at = 0; (at = found.text.find(this_file, at)) != std::string::npos; ++at) ++here;
    right |= here >= places_here && found.text.find("core 0") != std::string::npos &&
             found.text.find("core 1") != std::string::npos && found.text.find(" 0x") != std::string::npos &&
             found.text.find(cure) != std::string::npos;
  }
  CHECK_MESSAGE(right, "found only: " << all);
}

void in_a_rally(rally wrong) {
  const watchdog dog{120s};
  const auto m = membarrier_cores::make(2);
  wrong.rounds = 200;
  players{*m, std::move(wrong)}.play();
}

// Core 0 gives a buffer to core 1, which reads it and answers; core 0 writes it all the same.
void write_what_was_given(bool lent) {
  const watchdog dog{120s};
  const auto m = membarrier_cores::make(2);
  for (std::size_t i = 0; i < 2; ++i) on(*m, i, [](core& here) { static_cast<void>(here.buffers()); });
  struct alignas(destructive_bytes) giver {
    buffer mine;
    std::span<std::byte> memory;
    inbox box;
  } from;
  struct alignas(destructive_bytes) taker {
    address back;
    buffer moved;
    lent_buffer borrowed;
    inbox box;
  } to;
  from.box.on_line = [&](core& here, const line_view&) {
    from.memory[0] = std::byte{2};
    here.home().request_stop();
  };
  to.box.on_line = [&](core& here, const line_view& line) {
    auto& pool = **here.buffers();
    const auto& handle = line.as<buffer_handle>();
    std::span<const std::byte> bytes;
    if (lent) {
      to.borrowed = *pool.receive_loan(handle, line.from);
      bytes = to.borrowed.bytes();
    } else {
      to.moved = *pool.receive(handle, line.from);
      bytes = to.moved.bytes();
    }
    CHECK(here.send(to.back, 1, number{std::to_integer<std::uint64_t>(bytes[0])}) == send_result::ok);
  };
  to.back = open_on(*m, 0, from.box);
  const address there = open_on(*m, 1, to.box);
  bind(*m, 0, 1);  // what binding hands over is behind us
  bind(*m, 1, 0);
  on(*m, 0, [&](core& here) {
    auto& pool = **here.buffers();
    from.mine = *pool.take(64);
    from.memory = from.mine.span();
    const auto handle = lent ? *pool.lend(from.mine, core_id{1}) : *pool.send(std::move(from.mine), core_id{1});
    CHECK(here.post(there, 1, handle) == send_result::ok);
  });
  m->run();
  on(*m, 1, [&](core&) {
    to.moved.release();
    to.borrowed.release();
  });
  on(*m, 0, [&](core&) { from.mine.release(); });
}

}  // namespace

TEST_CASE("a plain counter that handlers on two cores increment is found") {
  in_a_rally({.at_each = [](core&, std::uint64_t) { ++plain_counter.value; }});
  must_be_found(2, "send its contents in a line");
}

TEST_CASE("an atomic counter that two cores write is found") {
  in_a_rally({.at_each = [](core&, std::uint64_t) { atomic_counter.value.fetch_add(1, std::memory_order_relaxed); }});
  must_be_found(2, "a second writer");
}

TEST_CASE("counters of two cores in one line are found") {
  in_a_rally({.at_each = [](core& here, std::uint64_t) { ++neighbours.value[here.id().value]; }});
  must_be_found(2, "a line of its own");
}

TEST_CASE("a word that another core may read is found in a line with private data") {
  in_a_rally({.at_each = [](core& here, std::uint64_t) {
    if (here.id().value == 0) {
      ++mixed.of_core_0;
    } else {
      CHECK(mixed.looked_at.load(std::memory_order_relaxed) == 7);
    }
  }});
  must_be_found(2, "a line of its own");
}

TEST_CASE("a pointer in a line that the other core follows is found") {
  struct alignas(destructive_bytes) secret {
    std::uint64_t value = 0;
  };
  apart<std::unique_ptr<secret>> mine;
  {
    const watchdog dog{120s};
    const auto m = membarrier_cores::make(2);
    inbox reader{[](core& here, const line_view& line) {
      const std::uint64_t value = line.as<const secret*>()->value;
      CHECK(value == 42);
      here.home().request_stop();
    }};
    const address to = open_on(*m, 1, reader);
    bind(*m, 0, 1);
    on(*m, 0, [&](core& here) {
      mine.value = std::make_unique<secret>();
      mine.value->value = 42;
      const secret* followed = mine.value.get();
      CHECK(here.send(to, 1, followed) == send_result::ok);
    });
    m->run();
  }
  must_be_found(1, "send its contents in a line");
}

TEST_CASE("a line that is read after its handler has returned is found") {
  apart<const std::byte*> kept;
  in_a_rally({.at_line = [&kept](core& here, const line_view& line) {
    if (here.id().value == 0) return;
    const std::uint64_t late = kept.value == nullptr ? 0 : reinterpret_cast<const number*>(kept.value)->value;
    CHECK(late < 1000);
    kept.value = line.payload;
  }});
  must_be_found(1, "send its contents in a line");
}

TEST_CASE("a buffer that is written after it was sent is found") {
  write_what_was_given(false);
  must_be_found(2, "send its contents in a line");
}

TEST_CASE("a buffer that is written while it is lent is found") {
  write_what_was_given(true);
  must_be_found(2, "send its contents in a line");
}
