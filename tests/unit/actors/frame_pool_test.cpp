// SPDX-License-Identifier: BSD-3-Clause
// The pool of coroutine frames: what it takes from the heap, counted by an operator new of this program's own.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "frame_pool.hpp"

using namespace cooper;
using namespace cooper::actors;

namespace {

// Of the forms with an alignment, which nobody else here uses.
struct {
  std::size_t taken = 0, given_back = 0, last_bytes = 0;
} heap;

void give_back_to_heap(void* memory) {
  if (memory != nullptr) ++heap.given_back;
  std::free(memory);
}

}  // namespace

// Not inlined: g++ would see memory of `new` that is given to free().
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  ++heap.taken;
  heap.last_bytes = bytes;
  const auto line = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(line, (bytes + line - 1) / line * line)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { give_back_to_heap(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  give_back_to_heap(memory);
}

namespace {

using sizes = std::initializer_list<std::size_t>;

bool on_a_line(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory) % line_bytes == 0; }

// How often the heap is asked while `f` runs.
template <class F>
std::size_t taken_by(F f) {
  const std::size_t before = heap.taken;
  f();
  return heap.taken - before;
}

}  // namespace

TEST_CASE("in steady state a pool takes nothing from the heap") {
  for (const std::size_t bytes : sizes{1, 64, 65, 200, 2047, 2048}) {
    frame_pool pool;
    void* first = nullptr;
    CHECK(taken_by([&] { first = pool.take(bytes); }) == 1);
    pool.give_back(first, bytes);
    CHECK(taken_by([&] {
            for (int i = 0; i < 1000; ++i) {
              void* again = pool.take(bytes);
              REQUIRE(again == first);
              pool.give_back(again, bytes);
            }
          }) == 0);
  }
}

TEST_CASE("sizes of one class, a line wide, share what was given back; other classes do not") {
  struct {
    std::size_t given_back, taken;
    bool shared;
  } const pairs[] = {{1, 64, true},       {64, 1, true},       {65, 128, true},     {64, 65, false},
                     {65, 64, false},     {1985, 2048, true},  {1984, 1985, false}, {2048, 1984, false},
                     {2048, 2049, false}, {2049, 2048, false}, {2049, 2049, false}, {1 << 20, 1 << 20, false}};
  for (const auto& p : pairs) {
    CAPTURE(p.given_back);
    CAPTURE(p.taken);
    frame_pool pool;
    pool.give_back(pool.take(p.given_back), p.given_back);
    void* memory = nullptr;
    CHECK(taken_by([&] { memory = pool.take(p.taken); }) == (p.shared ? 0 : 1));
    pool.give_back(memory, p.taken);
  }
}

TEST_CASE("memory stands on a line, has whole lines, and is all the taker's") {
  frame_pool pool;
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t bytes : sizes{1, 63, 64, 65, 2048, 2049, 10'000}) {
      CAPTURE(bytes);
      const std::size_t before = heap.taken;
      void* memory = pool.take(bytes);
      CHECK(on_a_line(memory));
      // From the heap it has room for the largest size of its class, which may take it next.
      if (heap.taken != before) CHECK(heap.last_bytes == (bytes + line_bytes - 1) / line_bytes * line_bytes);
      std::memset(memory, 0xff, bytes);
      pool.give_back(memory, bytes);
    }
  }
}

TEST_CASE("what is out at once is not handed out twice, and all of it is used again") {
  frame_pool pool;
  std::vector<void*> out;
  const auto take_many = [&] {
    for (int i = 0; i < 100; ++i) out.push_back(pool.take(100));
  };
  const auto give_all_back = [&] {
    for (void* memory : out) pool.give_back(memory, 100);
    out.clear();
  };
  CHECK(taken_by(take_many) == 100);
  const std::set<void*> first{out.begin(), out.end()};
  CHECK(first.size() == 100);
  give_all_back();
  CHECK(taken_by(take_many) == 0);
  const std::set<void*> second{out.begin(), out.end()};
  CHECK(second == first);
  give_all_back();
}

TEST_CASE("a size above the largest class goes back to the heap at once") {
  frame_pool pool;
  for (const std::size_t bytes : sizes{2049, 100'000}) {
    void* memory = nullptr;
    CHECK(taken_by([&] { memory = pool.take(bytes); }) == 1);
    CHECK(on_a_line(memory));
    const std::size_t before = heap.given_back;
    pool.give_back(memory, bytes);
    CHECK(heap.given_back == before + 1);
  }
}

TEST_CASE("a pool that ends gives back all that it holds, and not before") {
  const auto out = heap.taken - heap.given_back;
  {
    frame_pool pool;
    std::vector<void*> taken;
    for (const std::size_t bytes : sizes{1, 64, 65, 2048}) {
      for (int i = 0; i < 3; ++i) taken.push_back(pool.take(bytes));
      for (; !taken.empty(); taken.pop_back()) pool.give_back(taken.back(), bytes);
    }
    CHECK(heap.taken - heap.given_back == out + 12 - 3);
  }
  CHECK(heap.taken - heap.given_back == out);
}

TEST_CASE("on a thread that is no core memory comes from the heap and goes there") {
  for (const std::size_t bytes : sizes{1, 64, 65, 2048, 2049}) {
    CAPTURE(bytes);
    void* memory = nullptr;
    CHECK(taken_by([&] { memory = frame_pool::take_outside(bytes); }) == 1);
    CHECK(on_a_line(memory));
    std::memset(memory, 0xff, bytes);
    const std::size_t before = heap.given_back;
    frame_pool::give_back_outside(memory);
    CHECK(heap.given_back == before + 1);
  }
}

TEST_CASE("memory taken outside or from one pool may be given to another, and is used there") {
  frame_pool one, other;
  for (const std::size_t bytes : sizes{64, 2048}) {
    void* outside = frame_pool::take_outside(bytes);
    one.give_back(outside, bytes);
    CHECK(one.take(bytes) == outside);
    other.give_back(outside, bytes);
    CHECK(other.take(bytes) == outside);
    // A frame that began on a core may end on a thread that is none.
    frame_pool::give_back_outside(outside);
  }
}
