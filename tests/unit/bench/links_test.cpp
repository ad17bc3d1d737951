// SPDX-License-Identifier: BSD-3-Clause
// Every contender's link carries messages in order and undamaged, both ways, at every measured capacity.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "flow_control/piggyback.hpp"
#include "flow_control/used_flag.hpp"
#include "links/asio_post.hpp"
#include "links/boost_spsc.hpp"
#include "links/cooper_channel.hpp"
#include "links/moodycamel.hpp"
#include "links/mutex_queue.hpp"
#include "links/pipe.hpp"
#include "support/traffic.hpp"

using namespace cooper;
using namespace cooper::bench;

namespace {

constexpr std::uint64_t message_count = 1000;

// One end: sends and receives as it can until it has sent and received all. Gives way when it can do neither, so that
// the test ends soon on a busy machine. Returns how many messages were not the ones expected.
template <class End>
std::uint64_t converse(End& end, std::uint64_t to_send, std::uint64_t to_receive) {
  std::uint64_t sent = 0, received = 0, wrong = 0;
  while (sent != to_send || received != to_receive) {
    bool idle = true;
    if (std::uint64_t* out = sent != to_send ? end.claim() : nullptr) {
      fill(out, sent);
      if (end.publish()) {
        ++sent;
        idle = false;
      }
    }
    if (const std::uint64_t* in = end.observe()) {
      for (std::size_t i = 0; i < payload_words; ++i) wrong += in[i] != received + i;
      ++received;
      end.release();
      idle = false;
    }
    if (idle) std::this_thread::yield();
  }
  return wrong;
}

template <class Link, class... Arguments>
void check_link(std::uint64_t forward, std::uint64_t backward, Arguments... arguments) {
  const auto link = std::make_unique<Link>(arguments...);
  auto& first = link->first();
  auto& second = link->second();
  first.prepare();
  second.prepare();
  std::atomic<std::uint64_t> wrong{0};
  // Whoever has received all may leave the other waiting for an acknowledgement: both ends stay until both are done.
  std::atomic<int> done{0};
  const auto run = [&](auto& end, std::uint64_t to_send, std::uint64_t to_receive) {
    wrong += converse(end, to_send, to_receive);
    ++done;
    while (done.load() != 2) {
      CHECK(end.observe() == nullptr);
      std::this_thread::yield();
    }
  };
  std::thread other{[&] { run(second, backward, forward); }};
  run(first, forward, backward);
  other.join();
  CHECK(wrong.load() == 0);
}

template <class Link>
void check_capacities() {
  for (const std::size_t capacity : {std::size_t{8}, std::size_t{32}, std::size_t{256}}) {
    CAPTURE(capacity);
    check_link<Link>(message_count, 0, capacity);
    check_link<Link>(message_count, message_count, capacity);
  }
}

}  // namespace

TEST_CASE("the credit word's link keeps every message in order, one way and both ways") {
  check_capacities<cooper_channel>();
}

TEST_CASE("the credit word's link does so for every credit batch and either memory") {
  for (const std::size_t batch : {std::size_t{1}, std::size_t{16}}) {
    for (const ring_memory where : {ring_memory::receiver, ring_memory::sender}) {
      check_link<cooper_channel>(message_count, message_count, std::size_t{32}, batch, where);
    }
  }
}

TEST_CASE("the used flag's link keeps every message in order, one way and both ways") {
  check_capacities<used_flag_link>();
}

TEST_CASE("the piggyback link keeps every message in order, one way and both ways") {
  check_capacities<piggyback_link>();
}

TEST_CASE("a full piggyback ring keeps one slot for acknowledgements, and learns from lines behind unread messages") {
  piggyback_link link{8};
  auto& first = link.first();
  auto& second = link.second();
  for (std::uint64_t i = 0; i < 7; ++i) {
    std::uint64_t* out = first.claim();
    REQUIRE(out != nullptr);
    fill(out, i);
    first.publish();
  }
  CHECK(first.claim() == nullptr);
  // Two messages come back before anything was consumed, and one after: the first end takes none of them.
  for (std::uint64_t i = 0; i < 3; ++i) {
    if (i == 2) {
      REQUIRE(second.observe() != nullptr);
      second.release();
    }
    std::uint64_t* out = second.claim();
    REQUIRE(out != nullptr);
    fill(out, i);
    second.publish();
  }
  CHECK(first.claim() != nullptr);
}

TEST_CASE("a piggyback sender that never receives goes on for ever") {
  piggyback_link link{8};
  auto& first = link.first();
  auto& second = link.second();
  for (std::uint64_t i = 0; i < 500; ++i) {
    std::uint64_t* out = first.claim();
    while (out == nullptr) {
      // What is under way is taken before there is room again.
      const std::uint64_t* in = second.observe();
      REQUIRE(in != nullptr);
      second.release();
      out = first.claim();
    }
    fill(out, i);
    first.publish();
  }
}

TEST_CASE("the peers' links keep every message in order") {
  check_link<boost_spsc_link>(message_count, message_count, std::size_t{256});
#if defined(__SANITIZE_THREAD__)
  MESSAGE("left out here: moodycamel's queue, which is ordered by fences that ThreadSanitizer does not see");
#else
  check_link<moodycamel_link>(message_count, message_count, std::size_t{256});
#endif
  check_link<mutex_link>(message_count, message_count, std::size_t{256});
  check_link<pipe_link>(message_count, message_count, std::size_t{256});
}

TEST_CASE("a damaged message is noticed by stamps and by sums") {
  message m{};
  stamp(m.word, 5);
  CHECK(stamp_error(m.word, 5) == 0);
  CHECK(stamp_error(m.word, 6) != 0);
  m.word[payload_words - 1] ^= 1;
  CHECK(stamp_error(m.word, 5) != 0);
  std::uint64_t total = 0;
  for (std::uint64_t s = 10; s < 30; ++s) {
    fill(m.word, s);
    total += sum(m.word);
  }
  CHECK(total == expected_sum(10, 20));
  CHECK(expected_sum(10, 20) != expected_sum(11, 20));
  CHECK(expected_sum(3, 1) == 7 * 3 + 21);
}
