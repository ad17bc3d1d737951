// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <array>
#include <memory>

#include "run_queue.hpp"

using namespace cooper;
using namespace cooper::detail;

TEST_CASE("what is added comes out in order, also when more is added meanwhile") {
  run_queue<int> queue;
  CHECK(queue.empty());
  CHECK(queue.take() == nullptr);
  int added = 0;
  for (; added < 3; ++added) queue.add(added);
  CHECK(queue.size() == 3);
  int expected = 0;
  while (int* item = queue.take()) {
    CHECK(*item == expected++);
    for (int i = 0; i < 2 && added < 1000; ++i) queue.add(added++);
    CHECK(queue.size() == static_cast<std::size_t>(added - expected));
  }
  CHECK(expected == 1000);
  CHECK(queue.empty());
}

TEST_CASE("an item stays in place while others are added") {
  run_queue<std::array<char, 64>> queue;
  queue.add().fill('a');
  const auto* item = queue.take();
  REQUIRE(item != nullptr);
  for (int i = 0; i < 10'000; ++i) queue.add().fill('b');
  for (const char c : *item) CHECK(c == 'a');
}

TEST_CASE("items that can only be moved pass through") {
  run_queue<std::unique_ptr<int>> queue;
  queue.add(std::make_unique<int>(7));
  auto* item = queue.take();
  REQUIRE(item != nullptr);
  const std::unique_ptr<int> mine = std::move(*item);
  CHECK(*mine == 7);
  CHECK(queue.take() == nullptr);
}

TEST_CASE("a waiting line keeps its words, and may have none") {
  waiting_line line;
  const std::uint64_t words[2] = {1, 2};
  line.fill({.type = 5, .generation = 6, .slot = 7}, lane::monitor, words, 2);
  CHECK(std::memcmp(line.payload, words, sizeof words) == 0);
  CHECK(line.header == line_header{.type = 5, .generation = 6, .slot = 7});
  CHECK(line.via == lane::monitor);
  line.fill({}, lane::reply, nullptr, 0);
  CHECK(line.via == lane::reply);
}
