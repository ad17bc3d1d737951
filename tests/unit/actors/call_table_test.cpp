// SPDX-License-Identifier: BSD-3-Clause
// The table of a core's calls: words, windows, deadlines, and calls that end all at once.
//
// The table is the test's own. It stands on core 0 of a stage, and its calls belong to a core actor there.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <new>
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <cooper/testing/stage.hpp>
#include <cooper/vocabulary/random.hpp>
#include "call_table.hpp"
#include "core_unit.hpp"
#include "machines.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace std::chrono_literals;

namespace {

// How often anything asked the heap for memory.
std::atomic<std::size_t> heap_uses{0};

}  // namespace

// Not inlined: g++ would see memory of `new` that is given to free().
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++heap_uses;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

constexpr core_id first{0}, second{1}, third{2};

struct caller : basic_core_actor<> {
  using basic_core_actor::basic_core_actor;
  caf::behavior make_behavior() override {
    return {[](caf::unit_t) {}};
  }
};

struct scene {
  explicit scene(std::size_t cores = 3) : table{cores}, who_{stage.spawn<caller>(first)} {
    stage.run();
    on_core([&](core& here) { table.attach(here); });
  }
  ~scene() {
    on_core([&](core&) { table.detach(); });
  }
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;

  resident& who() const { return const_cast<resident&>(*who_); }
  void on_core(std::function<void(core&)> work) { test::on(stage.on(), first.value, std::move(work)); }

  testing::stage stage{{.cores = 3}};
  call_table table;

 private:
  core_ref<caller> who_;
};

// A call that keeps what it was told.
class test_call : public call_base {
 public:
  test_call(scene& on, std::function<void()> then = {})
      : call_base{on.who(), &test_call::take}, scene_{on}, then_{std::move(then)} {}
  // Before its base looks into the table of the core's own calls.
  ~test_call() { scene_.table.forget(*this); }

  using call_base::waiting;
  std::uint64_t begin(core_id to) {
    word = scene_.table.begin(*this, to);
    return word;
  }
  void begin_until(core_id to, instant when) {
    REQUIRE(begin(to) != 0);
    scene_.on_core([&](core&) { scene_.table.set_deadline(*this, when); });
  }
  void answer() { REQUIRE(scene_.table.take(word) == this); }

  std::uint64_t word = 0;
  std::vector<errc> told;

 private:
  static void take(call_base& base, const std::byte* value, errc failed) {
    auto& self = static_cast<test_call&>(base);
    CHECK(value == nullptr);
    CHECK_FALSE(self.waiting());
    self.told.push_back(failed);
    if (self.then_) self.then_();
  }

  scene& scene_;
  std::function<void()> then_;
};

using told = std::vector<errc>;

std::deque<test_call> calls(scene& s, std::size_t count) {
  std::deque<test_call> all;
  for (std::size_t i = 0; i < count; ++i) all.emplace_back(s);
  return all;
}

}  // namespace

// -- words ------------------------------------------------------------------------------------------------------------

TEST_CASE("a word is never 0, and never that of another call before it") {
  scene s;
  cooper::random dice{7};
  auto all = calls(s, 50);
  std::set<std::uint64_t> used;
  for (int i = 0; i < 20'000; ++i) {
    test_call& call = all[dice.below(all.size())];
    if (call.waiting()) {
      dice.below(2) == 0 ? call.answer() : s.table.forget(call);
      continue;
    }
    REQUIRE(call.begin(core_number(dice.below(3))) != 0);
    REQUIRE(call.waiting());
    REQUIRE(used.insert(call.word).second);
  }
  CHECK(used.size() > 5'000);
}

TEST_CASE("a word that no call has finds nobody") {
  scene s;
  test_call call{s};
  const std::uint64_t word = call.begin(second);
  const auto others_find_nobody = [&] {
    for (const std::uint64_t other : {std::uint64_t{0}, ~std::uint64_t{0}}) CHECK(s.table.take(other) == nullptr);
    for (unsigned bit = 0; bit < 64; ++bit) CHECK(s.table.take(word + (std::uint64_t{1} << bit)) == nullptr);
  };
  others_find_nobody();
  CHECK(call.waiting());
  CHECK(s.table.under_way(second) == 1);
  CHECK(s.table.take(word) == &call);
  others_find_nobody();
  CHECK(s.table.size() == 0);
}

TEST_CASE("the word of a call that was answered or given up finds nobody, whoever came after it") {
  scene s;
  auto old = calls(s, 100);
  for (std::size_t i = 0; i < old.size(); ++i) {
    old[i].begin(second);
    i % 2 == 0 ? old[i].answer() : s.table.forget(old[i]);
    CHECK_FALSE(old[i].waiting());
  }
  test_call now{s};
  now.begin(second);
  for (auto& call : old) CHECK(s.table.take(call.word) == nullptr);
  CHECK(now.waiting());
  CHECK(s.table.take(now.word) == &now);
}

TEST_CASE("forgetting a call that does not wait changes nothing") {
  scene s;
  test_call never_begun{s}, forgotten{s}, answered{s}, waits{s};
  for (test_call* call : {&forgotten, &answered, &waits}) call->begin(second);
  s.table.forget(forgotten);
  answered.answer();
  for (test_call* call : {&never_begun, &forgotten, &answered}) s.table.forget(*call);
  CHECK(s.table.size() == 1);
  CHECK(s.table.under_way(second) == 1);
  waits.answer();
}

TEST_CASE("a call that is destroyed leaves the table of its core") {
  struct bare : call_base {
    explicit bare(resident& who) : call_base{who, [](call_base&, const std::byte*, errc) { FAIL("told"); }} {}
  };
  scene s;
  s.on_core([&](core&) {
    call_table& its = core_unit::here()->calls();
    CHECK(its.under_way(third) == 0);
    std::uint64_t word = 0;
    {
      bare call{s.who()};
      word = its.begin(call, third);
      CHECK(word != 0);
      CHECK(its.under_way(third) == 1);
    }
    CHECK(its.under_way(third) == 0);
    CHECK(its.take(word) == nullptr);
  });
}

// -- the window -------------------------------------------------------------------------------------------------------

TEST_CASE("1024 calls to a core are under way at most, and again one for each that ends") {
  scene s;
  auto window = calls(s, 1024);
  for (auto& call : window) REQUIRE(call.begin(second) != 0);
  test_call late{s}, elsewhere{s};
  CHECK(late.begin(second) == 0);
  CHECK_FALSE(late.waiting());
  CHECK(s.table.under_way(second) == 1024);
  CHECK(elsewhere.begin(third) != 0);
  elsewhere.answer();
  CHECK(late.begin(second) == 0);
  window[500].answer();
  CHECK(late.begin(second) != 0);
  CHECK(window[500].begin(second) == 0);
  s.table.forget(window[3]);
  CHECK(window[500].begin(second) != 0);
  CHECK(window[3].begin(second) == 0);
  s.on_core([&](core&) { s.table.fail_all(errc::core_down, second); });
  for (auto& call : window) REQUIRE(call.begin(second) != 0);
  CHECK(late.begin(second) == 0);
}

TEST_CASE("calls under way are counted for the core they went to") {
  scene s;
  auto all = calls(s, 6);
  const auto counted = [&](std::size_t a, std::size_t b, std::size_t c) {
    CHECK(s.table.under_way(first) == a);
    CHECK(s.table.under_way(second) == b);
    CHECK(s.table.under_way(third) == c);
    CHECK(s.table.size() == a + b + c);
  };
  counted(0, 0, 0);
  for (std::size_t i = 0; i < 6; ++i) all[i].begin(core_number(std::min<std::size_t>(i, 2)));
  counted(1, 1, 4);
  all[0].answer();
  s.table.forget(all[4]);
  counted(0, 1, 3);
  // Its place is used again, by a call to another core.
  all[0].begin(second);
  all[4].begin(first);
  counted(1, 2, 3);
  all[1].begin_until(second, s.stage.now() + 1ms);
  s.stage.advance(1ms);
  counted(1, 2, 3);
  s.on_core([&](core&) { s.table.fail_all(errc::core_down, third); });
  counted(1, 2, 0);
  s.on_core([&](core&) { s.table.fail_all(errc::core_down); });
  counted(0, 0, 0);
}

TEST_CASE("a table has room for 2^20 calls") {
  constexpr std::size_t windows = call_table::size_max / call_table::window_max;
  constexpr core_id one_more = core_number(windows);
  scene s{windows + 1};
  // One call stands for all: the table keeps only where it is.
  test_call call{s};
  std::vector<std::uint64_t> words;
  for (std::size_t i = 0; i < call_table::size_max; ++i) words.push_back(call.begin(core_number(i % windows)));
  CHECK(s.table.size() == 1u << 20);
  CHECK(call.begin(one_more) == 0);
  CHECK(s.table.take(words[12'345]) == &call);
  CHECK(call.begin(one_more) != 0);
  CHECK(call.begin(one_more) == 0);
  std::sort(words.begin(), words.end());
  CHECK(words.front() != 0);
  CHECK(std::adjacent_find(words.begin(), words.end()) == words.end());
}

// -- deadlines --------------------------------------------------------------------------------------------------------

TEST_CASE("deadlines pass in their order, each at its time") {
  scene s;
  std::vector<int> order;
  std::deque<test_call> all;
  const instant begun = s.stage.now();
  for (const int ms : {30, 10, 50, 20, 40}) {
    all.emplace_back(s, [&order, ms] { order.push_back(ms); });
    all.back().begin_until(second, begun + std::chrono::milliseconds{ms});
  }
  s.stage.advance(10ms - 1ns);
  CHECK(order.empty());
  for (int ms = 10; ms <= 50; ms += 10) {
    s.stage.advance(1ns);
    CHECK(order.size() == static_cast<std::size_t>(ms / 10));
    CHECK(order.back() == ms);
    s.stage.advance(10ms - 1ns);
  }
  CHECK(order == std::vector{10, 20, 30, 40, 50});
  for (auto& call : all) CHECK(call.told == told{errc::deadline_passed});
  CHECK(s.table.size() == 0);
}

TEST_CASE("the deadline of a call that was answered or given up is silent, also for a later call in its place") {
  scene s;
  auto all = calls(s, 3);
  const instant begun = s.stage.now();
  for (auto& call : all) call.begin_until(second, begun + 10ms);
  all[0].answer();
  s.table.forget(all[1]);
  test_call late{s}, endless{s};
  late.begin_until(second, begun + 20ms);
  endless.begin(second);
  s.stage.advance(10ms);
  CHECK(all[2].told == told{errc::deadline_passed});
  CHECK(late.waiting());
  s.stage.advance(1s);
  CHECK(late.told == told{errc::deadline_passed});
  CHECK(all[0].told.empty());
  CHECK(all[1].told.empty());
  CHECK(endless.waiting());
}

TEST_CASE("whoever is told that its deadline has passed may call again, and give up others") {
  scene s;
  test_call* tries = nullptr;
  test_call other{s};
  const auto again = [&] {
    if (tries->told.size() == 1) s.table.forget(other);
    REQUIRE(tries->begin(second) != 0);
    s.table.set_deadline(*tries, s.stage.now() + 10ms);
  };
  test_call call{s, again};
  tries = &call;
  const instant begun = s.stage.now();
  call.begin_until(second, begun + 10ms);
  other.begin_until(second, begun + 10ms + 1ns);
  s.stage.advance(50ms);
  CHECK(call.told == told(5, errc::deadline_passed));
  CHECK(call.waiting());
  CHECK(other.told.empty());
  CHECK(s.table.size() == 1);
}

TEST_CASE("deadlines of answered calls do not pile up, and one that counts still passes") {
  scene s;
  test_call call{s};
  const instant begun = s.stage.now();
  s.on_core([&](core&) {
    const auto often = [&](int times) {
      for (int i = 0; i < times; ++i) {
        call.begin(second);
        s.table.set_deadline(call, begun + 10ms);
        call.answer();
      }
    };
    often(1'000);
    const std::size_t before = heap_uses;
    often(10'000);
    CHECK(heap_uses == before);
    // The canary: what is counted here is the heap.
    ::operator delete(::operator new(1));
    CHECK(heap_uses == before + 1);
  });
  call.begin_until(second, begun + 15ms);
  s.stage.advance(15ms - 1ns);
  CHECK(call.waiting());
  s.stage.advance(1ns);
  CHECK(call.told == told{errc::deadline_passed});
}

TEST_CASE("many calls, answered, given up, made anew and late, end as a list of them would have it") {
  scene s;
  cooper::random dice{11};
  auto all = calls(s, 1'000);
  const instant begun = s.stage.now();
  std::vector<int> late(all.size());
  const auto begin = [&](std::size_t i, int now) {
    late[i] = now + 1 + static_cast<int>(dice.below(30));
    all[i].begin_until(core_number(i % 3), begun + std::chrono::milliseconds{late[i]});
  };
  for (std::size_t i = 0; i < all.size(); ++i) begin(i, 0);
  for (int now = 0; now <= 60; ++now) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      REQUIRE(all[i].told.size() == (late[i] <= now ? 1 : 0));
      // In the first half some go on and on, and leave more deadlines behind than there are calls.
      if (now >= 30 || !all[i].waiting() || dice.below(3) != 0) continue;
      dice.below(2) == 0 ? all[i].answer() : s.table.forget(all[i]);
      begin(i, now);
    }
    s.stage.advance(1ms);
  }
  CHECK(s.table.size() == 0);
}

TEST_CASE("deadlines of calls that are answered need no timer") {
  scene s;
  auto all = calls(s, 9);
  const instant begun = s.stage.now();
  for (std::size_t i = 0; i < 9; ++i) {
    all[i].begin_until(second, begun + (1ms + i * 1ms));
    all[i].answer();
  }
  s.stage.advance(1ms);
  CHECK_FALSE(s.stage.on().step(begun + 9ms));
}

// -- the end of many --------------------------------------------------------------------------------------------------

TEST_CASE("all calls to one core fail, or all there are, each once and with the reason that was given") {
  scene s;
  auto all = calls(s, 30);
  for (std::size_t i = 0; i < 30; ++i) all[i].begin_until(core_number(i % 3), s.stage.now() + 10ms);
  all[1].answer();
  s.on_core([&](core&) { s.table.fail_all(errc::core_down, second); });
  const auto check = [&](const told& others) {
    for (std::size_t i = 0; i < 30; ++i) {
      CAPTURE(i);
      CHECK(all[i].told == (i == 1 ? told{} : i % 3 == 1 ? told{errc::core_down} : others));
      CHECK(all[i].waiting() == (i % 3 != 1 && others.empty()));
    }
  };
  check({});
  CHECK(s.table.under_way(second) == 0);
  CHECK(s.table.size() == 20);
  s.on_core([&](core&) { s.table.fail_all(errc::cancelled); });
  check({errc::cancelled});
  CHECK(s.table.size() == 0);
  s.stage.advance(1s);
  for (auto& call : all) CHECK(s.table.take(call.word) == nullptr);
  check({errc::cancelled});
}

TEST_CASE("a failed call may call again at once: the new call waits, and the others fail once") {
  scene s;
  auto again = calls(s, 10);
  std::deque<test_call> all;
  for (std::size_t i = 0; i < 10; ++i) {
    all.emplace_back(s, [&again, i] { CHECK(again[i].begin(second) != 0); });
    all[i].begin(second);
  }
  s.on_core([&](core&) { s.table.fail_all(errc::core_down, second); });
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(all[i].told == told{errc::core_down});
    CHECK(again[i].told.empty());
    CHECK(again[i].waiting());
  }
  CHECK(s.table.under_way(second) == 10);
  for (auto& call : again) call.answer();
}

TEST_CASE("failing ends, and counts right, whatever failed calls begin meanwhile") {
  // Some of the new calls fail in the same go, some do not: none is told twice, and none is lost.
  scene s;
  std::deque<test_call> all;
  const std::function<void()> two_more = [&] {
    for (int i = 0; i < 2; ++i) {
      all.emplace_back(s, two_more);
      if (all.back().begin(core_number(all.size() % 3)) == 0) all.pop_back();
    }
  };
  for (std::size_t i = 0; i < 30; ++i) {
    all.emplace_back(s, two_more);
    all.back().begin(core_number(i % 3));
  }
  s.on_core([&](core&) { s.table.fail_all(errc::core_down); });
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < 30) CHECK(all[i].told == told{errc::core_down});
    REQUIRE(all[i].told.size() == (all[i].waiting() ? 0 : 1));
    waiting += all[i].waiting() ? 1 : 0;
  }
  CHECK(s.table.size() == waiting);
  for (const core_id to : {first, second, third}) CHECK(s.table.under_way(to) <= 1024);
}

TEST_CASE("a failed call may give up another, which is then told nothing") {
  scene s;
  test_call later{s};
  test_call failed{s, [&] { s.table.forget(later); }};
  failed.begin(second);
  later.begin(second);
  s.on_core([&](core&) { s.table.fail_all(errc::core_down); });
  CHECK(failed.told == told{errc::core_down});
  CHECK(later.told.empty());
  CHECK(s.table.size() == 0);
}

TEST_CASE("a detached table has no deadlines and no timer; its calls still wait for their answers") {
  scene s;
  auto all = calls(s, 3);
  const instant begun = s.stage.now();
  for (auto& call : all) call.begin_until(second, begun + 10ms);
  s.on_core([&](core&) { s.table.detach(); });
  s.stage.run();
  CHECK_FALSE(s.stage.on().step(begun + 10ms));
  test_call later{s};
  later.begin_until(second, begun + 20ms);
  s.stage.advance(1s);
  CHECK(later.told == told{errc::deadline_passed});
  for (auto& call : all) {
    CHECK(call.told.empty());
    CHECK(call.waiting());
    call.answer();
  }
}
