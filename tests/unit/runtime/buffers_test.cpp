// SPDX-License-Identifier: BSD-3-Clause
// Bulk buffers between the pools of three cores, on one thread: moving, lending, going home, handles that lie, and the
// ownership checker's canaries, each in a child that must abort with its own message.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <cooper/runtime/buffers.hpp>
#include <cooper/runtime/metrics.hpp>
#include <cooper/vocabulary/random.hpp>

using namespace cooper;

namespace {

constexpr core_id a{0}, b{1}, c{2};

// Three pools whose returns wait on a wire until deliver() is called.
struct house {
  explicit house(buffer_pool_options options = {.bytes = 256, .count = 4, .loans = 4, .checking = false}) {
    for (std::uint16_t i = 0; i < 3; ++i) {
      auto made = buffer_pool::create(core_id{i}, registry, options, &metrics[i]);
      REQUIRE(made);
      pools.push_back(std::move(*made));
      pools.back()->set_return_transport([this, i](core_id home, const return_line& line) {
        if (refusing != send_result::ok) return refusing;
        wire.push_back({core_id{i}, home, line});
        return send_result::ok;
      });
    }
  }

  buffer_pool& at(core_id core) { return *pools[core.value]; }
  // Everything that waits travels home. How many entries were refused.
  std::size_t deliver() {
    std::size_t refused = 0;
    for (auto& pool : pools) pool->flush_returns();
    while (!wire.empty()) {
      const auto [from, home, line] = wire.front();
      wire.pop_front();
      refused += at(home).take_back(line, from);
    }
    return refused;
  }
  buffer pass(buffer&& what, core_id from, core_id to) {
    auto handle = at(from).send(std::move(what), to);
    REQUIRE(handle);
    auto received = at(to).receive(*handle, from);
    REQUIRE(received);
    return std::move(*received);
  }

  struct travelling {
    core_id from, home;
    return_line line;
  };
  buffer_registry registry{3};
  core_metrics metrics[3];
  std::vector<std::unique_ptr<buffer_pool>> pools;
  std::deque<travelling> wire;
  send_result refusing = send_result::ok;
};

void fill(std::span<std::byte> bytes, std::uint64_t seed) {
  cooper::random draw{seed};
  for (std::byte& one : bytes) one = static_cast<std::byte>(draw.next());
}
bool filled(std::span<const std::byte> bytes, std::uint64_t seed) {
  cooper::random draw{seed};
  return std::all_of(bytes.begin(), bytes.end(),
                     [&](std::byte one) { return one == static_cast<std::byte>(draw.next()); });
}

template <class T>
errc code_of(const result<T>& r) {
  REQUIRE_FALSE(r);
  return r.error().code();
}

// What a child said before it aborted; empty if it did not abort.
std::string last_words(const std::function<void()>& crime) {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  std::fflush(stdout);  // or the child prints it once more
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(pipe_ends[1], STDERR_FILENO);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    ::signal(SIGABRT, SIG_DFL);
    crime();
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  std::string said;
  char part[512];
  for (ssize_t n; (n = ::read(pipe_ends[0], part, sizeof(part))) > 0;) said.append(part, static_cast<std::size_t>(n));
  ::close(pipe_ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? said : std::string{};
}

constexpr buffer_pool_options checked{.bytes = 256, .count = 4, .loans = 4, .checking = true};

bool dies_of(std::string_view message, const std::function<void(house&)>& crime) {
  return last_words([&] {
           house h{checked};
           crime(h);
         }).find(message) != std::string::npos;
}

}  // namespace

TEST_CASE("a buffer has the size that was asked for, is line-aligned, and goes back when it is destroyed") {
  house h;
  {
    auto one = h.at(a).take(100);
    REQUIRE(one);
    CHECK(one->size() == 100);
    CHECK(one->capacity() == 256);
    CHECK(reinterpret_cast<std::uintptr_t>(one->span().data()) % line_bytes == 0);
    CHECK(h.at(a).free_count() == 3);
    CHECK(h.at(a).census().held_here == 1);
    CHECK(one->resize(256));
    CHECK(one->span().size() == 256);
    CHECK(code_of(one->resize(257)) == errc::too_large);
  }
  CHECK(h.at(a).free_count() == 4);
  CHECK(h.metrics[0].buffers_taken.read() == 1);
  CHECK(h.metrics[0].buffers_returned.read() == 1);
}

TEST_CASE("the pool of every core gives out all of its buffers") {
  for (const bool checking : {false, true}) {
    house h{{.bytes = 64, .count = 3, .checking = checking}};
    for (const core_id core : {a, b, c}) {
      std::vector<buffer> all;
      for (int i = 0; i < 3; ++i) {
        auto one = h.at(core).take(64);
        REQUIRE(one);
        all.push_back(std::move(*one));
      }
      CHECK(h.at(core).census().held_here == 3);
    }
  }
}

TEST_CASE("an empty pool and a size over the limit are errors that say the limit") {
  house h;
  CHECK(code_of(h.at(a).take(257)) == errc::too_large);
  std::vector<buffer> all;
  for (int i = 0; i < 4; ++i) all.push_back(std::move(*h.at(a).take(256)));
  const auto fifth = h.at(a).take(0);
  CHECK(code_of(fifth) == errc::pool_exhausted);
  CHECK(fifth.error().detail().find("all 4 buffers of core 0") != std::string::npos);
  std::vector<const std::byte*> places;
  for (buffer& one : all) places.push_back(one.bytes().data());
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) CHECK(places[i] - places[i - 1] >= 256);
  all.pop_back();
  CHECK(h.at(a).take(0));
}

TEST_CASE("pools of impossible sizes, second pools and cores outside the machine are refused") {
  buffer_registry registry{2};
  CHECK(code_of(buffer_pool::create(core_id{0}, registry, {.bytes = 0})) == errc::bad_option);
  CHECK(code_of(buffer_pool::create(core_id{0}, registry, {.bytes = std::size_t{1} << 32})) == errc::bad_option);
  CHECK(code_of(buffer_pool::create(core_id{0}, registry, {.count = 0})) == errc::bad_option);
  CHECK(code_of(buffer_pool::create(core_id{0}, registry, {.count = (1u << 20) + 1})) == errc::bad_option);
  CHECK(code_of(buffer_pool::create(core_id{2}, registry)) == errc::bad_option);
  CHECK(registry.find(core_id{0}) == nullptr);
  {
    const auto one = buffer_pool::create(core_id{0}, registry);
    REQUIRE(one);
    CHECK(registry.find(core_id{0}) == one->get());
    CHECK(code_of(buffer_pool::create(core_id{0}, registry)) == errc::bad_option);
  }
  CHECK(registry.find(core_id{0}) == nullptr);
}

TEST_CASE("64 KiB move to another core at the same address, and home again") {
  house h{{.bytes = 64 * 1024, .count = 2, .checking = true}};
  auto mine = h.at(a).take(64 * 1024);
  REQUIRE(mine);
  fill(mine->span(), 1);
  const std::byte* const address = mine->bytes().data();
  buffer theirs = h.pass(std::move(*mine), a, b);
  CHECK_FALSE(*mine);
  CHECK(theirs.bytes().data() == address);
  CHECK(theirs.size() == 64 * 1024);
  CHECK(filled(theirs.bytes(), 1));
  CHECK(h.at(a).census().held_there == 1);
  buffer third = h.pass(std::move(theirs), b, c);
  CHECK(third.bytes().data() == address);
  third.release();
  CHECK(h.at(a).census().in_flight_home == 1);
  CHECK(h.deliver() == 0);
  CHECK(h.at(a).free_count() == 2);
}

TEST_CASE("a buffer may be sent to its own core, and back to its home by hand") {
  house h;
  buffer same = h.pass(std::move(*h.at(a).take(10)), a, a);
  CHECK(h.at(a).census().held_here == 1);
  buffer home_again = h.pass(h.pass(std::move(same), a, b), b, a);
  home_again.release();
  CHECK(h.at(a).free_count() == 4);
  CHECK(h.wire.empty());
}

TEST_CASE("a handle is worth nothing to the wrong core, from the wrong sender, or the second time") {
  house h;
  const auto handle = h.at(a).send(std::move(*h.at(a).take(10)), b);
  REQUIRE(handle);
  CHECK(code_of(h.at(c).receive(*handle, a)) == errc::buffer_invalid);
  CHECK(code_of(h.at(b).receive(*handle, c)) == errc::buffer_invalid);
  CHECK(code_of(h.at(b).receive_loan(*handle, a)) == errc::buffer_invalid);
  auto received = h.at(b).receive(*handle, a);
  REQUIRE(received);
  CHECK(code_of(h.at(b).receive(*handle, a)) == errc::buffer_invalid);
  CHECK(code_of(h.at(a).recall(*handle)) == errc::buffer_invalid);
  received->release();
  CHECK(h.deliver() == 0);
  // The same slot again, under another generation.
  const auto next = h.at(a).send(std::move(*h.at(a).take(10)), b);
  REQUIRE(next);
  CHECK(next->index == handle->index);
  CHECK(code_of(h.at(b).receive(*handle, a)) == errc::buffer_invalid);
  CHECK(h.at(b).receive(*next, a));
  CHECK(h.metrics[1].buffers_refused.read() == 4);
}

TEST_CASE("no made-up handle or return line is believed, and none harms") {
  house h;
  auto lent = h.at(a).take(100);
  const auto sent = h.at(a).send(std::move(*h.at(a).take(50)), b);
  const auto loan = h.at(a).lend(*lent, b);
  REQUIRE(sent);
  REQUIRE(loan);
  cooper::random draw{7};
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    buffer_handle made_up = draw.below(2) == 0 ? *sent : *loan;
    // One to three members changed; small numbers, so that they come near the truth.
    for (std::uint64_t change = 0, n = 1 + draw.below(3); change < n; ++change) {
      switch (draw.below(5)) {
        case 0:
          made_up.core.value = static_cast<std::uint16_t>(draw.below(8) == 0 ? draw.next() : draw.below(4));
          break;
        case 1:
          made_up.mode = static_cast<buffer_handle::mode_t>(draw.below(4));
          break;
        case 2:
          made_up.index = static_cast<std::uint32_t>(draw.below(8) == 0 ? draw.next() : draw.below(6));
          break;
        case 3:
          made_up.generation += static_cast<std::uint32_t>(1 + draw.below(3));
          break;
        default:
          made_up.length += static_cast<std::uint32_t>(1 + draw.below(1000));
      }
    }
    if (made_up == *sent || made_up == *loan) continue;
    const core_id from{static_cast<std::uint16_t>(draw.below(4))};
    buffer_pool& at = h.at(core_number(draw.below(3)));
    accepted += static_cast<bool>(at.receive(made_up, from));
    accepted += static_cast<bool>(at.receive_loan(made_up, from));
    if (&at != &h.at(a)) {
      accepted += static_cast<bool>(at.recall(made_up));
      accepted += static_cast<bool>(at.recall_loan(made_up));
    }
    return_line line;
    line.count = static_cast<std::uint8_t>(draw.next());
    for (std::uint32_t& entry : line.entries) entry = static_cast<std::uint32_t>(draw.next());
    if (draw.below(2) == 0) line.entries[0] &= 0x80000007;
    CHECK(at.take_back(line, from) == line.count);
  }
  CHECK(accepted == 0);
  CHECK(h.at(b).receive(*sent, a));
  CHECK(h.at(b).receive_loan(*loan, a));
}

TEST_CASE("what could not be sent is recalled, and stays what it was") {
  house h;
  auto mine = h.at(a).take(77);
  fill(mine->span(), 3);
  const auto handle = h.at(a).send(std::move(*mine), b);
  REQUIRE(handle);
  CHECK(code_of(h.at(c).recall(*handle)) == errc::buffer_invalid);
  auto back = h.at(a).recall(*handle);
  REQUIRE(back);
  CHECK(back->size() == 77);
  CHECK(filled(back->bytes(), 3));
  CHECK(code_of(h.at(b).receive(*handle, a)) == errc::buffer_invalid);
  const auto loan = h.at(a).lend(*back, b);
  REQUIRE(loan);
  CHECK(h.at(a).recall_loan(*loan));
  CHECK(back->loans() == 0);
  CHECK_FALSE(h.at(b).receive_loan(*loan, a));
  CHECK_FALSE(h.at(a).recall_loan(*loan));
}

TEST_CASE("sending fails without taking the buffer: to nobody, from the wrong pool, or while lent") {
  house h;
  auto mine = h.at(a).take(10);
  CHECK(code_of(h.at(a).send(std::move(*mine), core_id{3})) == errc::no_such_core);
  CHECK(code_of(h.at(b).send(std::move(*mine), c)) == errc::buffer_invalid);
  CHECK(code_of(h.at(b).lend(*mine, c)) == errc::buffer_invalid);
  const auto loan = h.at(a).lend(*mine, b);
  REQUIRE(loan);
  CHECK(code_of(h.at(a).send(std::move(*mine), b)) == errc::buffer_lent);
  CHECK(*mine);
  buffer none;
  CHECK(code_of(h.at(a).send(std::move(none), b)) == errc::buffer_invalid);
  CHECK(code_of(h.at(a).lend(none, b)) == errc::buffer_invalid);
  CHECK(code_of(none.resize(1)) == errc::buffer_invalid);
  CHECK(none.span().empty());
}

TEST_CASE("a lent buffer is read in place by several cores and written by nobody until all have released it") {
  house h;
  auto mine = h.at(a).take(200);
  fill(mine->span(), 5);
  auto to_b = h.at(b).receive_loan(*h.at(a).lend(*mine, b), a);
  auto to_c = h.at(c).receive_loan(*h.at(a).lend(*mine, c), a);
  REQUIRE(to_b);
  REQUIRE(to_c);
  CHECK(to_b->bytes().data() == mine->bytes().data());
  CHECK(to_c->size() == 200);
  CHECK(filled(to_b->bytes(), 5));
  CHECK(mine->loans() == 2);
  CHECK(mine->span().empty());
  CHECK(mine->bytes().size() == 200);
  CHECK(code_of(mine->resize(3)) == errc::buffer_lent);
  to_b->release();
  h.deliver();
  CHECK(mine->loans() == 1);
  *to_c = lent_buffer{};
  CHECK(h.deliver() == 0);
  CHECK(mine->loans() == 0);
  CHECK(mine->span().size() == 200);
  CHECK(h.metrics[0].buffers_lent.read() == 2);
}

TEST_CASE("a buffer of another core can be lent on; it goes home when its holder is gone and its loans are over") {
  house h;
  buffer at_b = h.pass(std::move(*h.at(a).take(30)), a, b);
  auto lent = h.at(c).receive_loan(*h.at(b).lend(at_b, c), b);
  REQUIRE(lent);
  at_b.release();
  h.deliver();
  CHECK(h.at(a).free_count() == 3);
  CHECK(lent->bytes().size() == 30);
  lent->release();
  CHECK(h.deliver() == 0);
  CHECK(h.at(b).pending_returns() == 1);
  CHECK(h.deliver() == 0);
  CHECK(h.at(a).free_count() == 4);
}

TEST_CASE("loans are bounded, and a loan to oneself needs no line to come back") {
  house h;
  auto mine = h.at(a).take(1);
  std::vector<buffer_handle> loans;
  for (int i = 0; i < 4; ++i) loans.push_back(*h.at(a).lend(*mine, a));
  CHECK(code_of(h.at(a).lend(*mine, a)) == errc::pool_exhausted);
  { auto lent = h.at(a).receive_loan(loans[0], a); }
  CHECK(h.at(a).lend(*mine, a));
}

TEST_CASE("buffers go home twelve at a time, at once when a batch is full and otherwise when flushed") {
  house h{{.bytes = 64, .count = 30}};
  std::vector<buffer> at_b;
  for (int i = 0; i < 30; ++i) at_b.push_back(h.pass(std::move(*h.at(a).take(1)), a, b));
  while (at_b.size() > 1) at_b.pop_back();
  REQUIRE(h.wire.size() == 2);
  CHECK(h.wire[0].line.count == 12);
  CHECK(h.at(b).pending_returns() == 5);
  CHECK(h.at(b).flush_returns() == 1);
  CHECK(h.wire[2].line.count == 5);
  CHECK(h.at(b).flush_returns() == 0);
  CHECK(h.deliver() == 0);
  CHECK(h.at(a).free_count() == 29);
}

TEST_CASE("returns that find no room wait and are sent later") {
  house h{{.bytes = 64, .count = 30}};
  std::vector<buffer> at_b;
  for (int i = 0; i < 30; ++i) at_b.push_back(h.pass(std::move(*h.at(a).take(1)), a, b));
  for (const send_result refusal : {send_result::full, send_result::closed}) {
    h.refusing = refusal;
    at_b.resize(at_b.size() - 15);
    CHECK(h.at(b).flush_returns() == 0);
  }
  CHECK(h.at(b).pending_returns() == 30);
  h.refusing = send_result::ok;
  CHECK(h.at(b).flush_returns() == 3);
  CHECK(h.at(b).pending_returns() == 0);
  CHECK(h.deliver() == 0);
  CHECK(h.at(a).free_count() == 30);
}

TEST_CASE("what was in flight to a core that went down is taken back") {
  house h;
  auto lent = h.at(a).take(1);
  const auto lost = h.at(a).send(std::move(*h.at(a).take(1)), b);
  const auto loan = h.at(a).lend(*lent, b);
  const auto safe = h.at(a).send(std::move(*h.at(a).take(1)), c);
  CHECK(h.at(a).reclaim_in_flight(b) == 2);
  CHECK(lent->loans() == 0);
  CHECK(code_of(h.at(b).receive(*lost, a)) == errc::buffer_invalid);
  CHECK_FALSE(h.at(b).receive_loan(*loan, a));
  CHECK(h.at(c).receive(*safe, a));
}

TEST_CASE("payloads cross real threads unharmed") {
  house h{{.bytes = 4096, .count = 8, .checking = true}};
  for (auto& pool : h.pools) pool->set_return_transport({});
  std::atomic<std::uint32_t> ready{0};
  buffer_handle crossing;
  bool whole = true;
  constexpr std::uint32_t rounds = 8;
  std::thread other{[&] {
    for (std::uint32_t round = 1; round <= rounds; ++round) {
      while (ready.load(std::memory_order_acquire) != round * 2 - 1) std::this_thread::yield();
      auto received = h.at(b).receive(crossing, a);
      whole = whole && received && filled(received->bytes(), round);
      ready.store(round * 2, std::memory_order_release);
    }
  }};
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    auto mine = h.at(a).take(4096);
    REQUIRE(mine);
    fill(mine->span(), round);
    crossing = *h.at(a).send(std::move(*mine), b);
    ready.store(round * 2 - 1, std::memory_order_release);
    while (ready.load(std::memory_order_acquire) != round * 2) std::this_thread::yield();
  }
  other.join();
  CHECK(whole);
  CHECK(h.at(b).pending_returns() == rounds);
}

TEST_CASE("canaries: the ownership checker names each violation") {
  CHECK(dies_of("a buffer is sent twice", [](house& h) {
    auto mine = h.at(a).take(1);
    static_cast<void>(h.at(a).send(std::move(*mine), b));
    static_cast<void>(h.at(a).send(std::move(*mine), c));
  }));
  CHECK(dies_of("a buffer is used after it was sent", [](house& h) {
    auto mine = h.at(a).take(1);
    static_cast<void>(h.at(a).send(std::move(*mine), b));
    static_cast<void>(mine->span());
  }));
  CHECK(dies_of("a buffer is received twice", [](house& h) {
    const auto handle = h.at(a).send(std::move(*h.at(a).take(1)), b);
    const auto first = h.at(b).receive(*handle, a);
    static_cast<void>(h.at(b).receive(*handle, a));
  }));
  CHECK(dies_of("or by a core that it was not sent to", [](house& h) {
    const auto handle = h.at(a).send(std::move(*h.at(a).take(1)), b);
    static_cast<void>(h.at(c).receive(*handle, a));
  }));
  CHECK(dies_of("a buffer is released twice", [](house& h) {
    auto mine = h.at(a).take(1);
    mine->release();
    mine->release();
  }));
  CHECK(dies_of("a loan is released twice", [](house& h) {
    const auto mine = h.at(a).take(1);
    auto lent = h.at(b).receive_loan(*h.at(a).lend(*mine, b), a);
    lent->release();
    lent->release();
  }));
  CHECK(dies_of("a loan is received twice", [](house& h) {
    const auto mine = h.at(a).take(1);
    const auto handle = h.at(a).lend(*mine, b);
    const auto first = h.at(b).receive_loan(*handle, a);
    static_cast<void>(h.at(b).receive_loan(*handle, a));
  }));
  CHECK(dies_of("comes home that nobody released", [](house& h) {
    const auto mine = h.at(a).take(1);
    return_line line;
    line.count = 1;
    static_cast<void>(h.at(a).take_back(line, b));
  }));
  CHECK(dies_of("written after it was released", [](house& h) {
    auto mine = h.at(a).take(8);
    std::byte* const kept = mine->span().data();
    mine->release();
    kept[3] = std::byte{1};
    static_cast<void>(h.at(a).take(8));
  }));
}

TEST_CASE("an honest exchange passes the ownership checker") {
  house h{checked};
  for (int round = 0; round < 10; ++round) {
    auto mine = h.at(a).take(256);
    REQUIRE(mine);
    fill(mine->span(), 1);
    { auto lent = h.at(c).receive_loan(*h.at(a).lend(*mine, c), a); }
    h.deliver();
    h.pass(std::move(*mine), a, b).release();
    CHECK(h.deliver() == 0);
  }
  CHECK(h.at(a).free_count() == 4);
}
