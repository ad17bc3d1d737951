// SPDX-License-Identifier: BSD-3-Clause
// One engine after the other, each on a thread of its own: all answer, and the process does not grow. With COOPER_LONG
// a thousand of them.
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <unistd.h>

#include <cooper/skb/engine.hpp>
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::skb;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

// Bytes of memory that this process has in use.
std::size_t resident() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t all = 0, pages = 0;
  file >> all >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// A life with all that leaves something behind: facts, answers, rules, a table, and questions stopped by each limit.
std::string life() {
  const auto e = engine::start();
  if (!e) return e.error().message();
  std::vector<term> facts;
  for (int i = 0; i < 200; ++i) facts.push_back(compound("pu", {i, i, i / 2}));
  if (const auto told = (*e)->change({}, facts); !told) return told.error().message();
  const auto loaded = (*e)->load_rules("mine", ":- table reach/2.\nreach(A, B) :- pu(A, _, B).\n");
  if (!loaded || !loaded->mistakes.empty()) return "the rules are not taken";
  const auto got = (*e)->ask_text("reach(7, C)");
  if (!got) return got.error().message();
  limits short_time = limits::for_text();
  short_time.time = 2ms;
  if (const auto late = (*e)->ask_text("repeat, fail", short_time);
      late || late.error().code() != errc::query_timeout) {
    return "no end in time";
  }
  if (const auto huge = (*e)->ask_text("length(L, 100000000)"); huge || huge.error().code() != errc::query_exhausted) {
    return "no limit of memory";
  }
  return got->rows.size() == 1 && *got->find(0, "C") == term{3} ? "" : "another answer";
}

}  // namespace

TEST_CASE("engines, one after the other, leave memory as it was") {
  const watchdog dog{300s};
  const int lives = sanitized ? 30 : std::getenv("COOPER_LONG") != nullptr ? 1000 : 200;
  std::size_t warm = 0;
  for (int i = 0; i < lives; ++i) {
    std::string wrong;
    std::thread{[&] { wrong = life(); }}.join();
    REQUIRE_MESSAGE(wrong == "", "life " << i);
    if (i == lives / 5) warm = resident();
  }
  // Half a page of each engine, and what an allocator keeps.
  const std::size_t allowed = (std::size_t{512} << 10) + static_cast<std::size_t>(lives) * 2048;
  if (!sanitized) CHECK(resident() <= warm + allowed);
  MESSAGE(lives, " engines; ", warm >> 10, " KiB after a fifth of them, then ", resident() >> 10, " KiB");
}
