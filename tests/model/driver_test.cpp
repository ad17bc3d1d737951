// SPDX-License-Identifier: BSD-3-Clause
// Channel, credit, parking, hints, endpoint reuse and grace periods of the product, in every order that small programs
// have under weak memory; and the proof that the explorer would have told: each planted bug is caught. With COOPER_LONG
// in the environment nothing is sampled.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <cstdlib>

#include "scenarios/scenarios.hpp"

namespace cooper::model {
namespace {

const char* name_of_mode(barrier_mode mode) { return mode == barrier_mode::membarrier ? "membarrier" : "fence"; }

// The first scenario that finds the planted bug, or nothing. A driver that polls for ever for a line that is hidden
// from it never ends: such an execution is cut, which no correct one is.
std::string caught_by(const options& planted) {
  for (const scenario& s : scenarios()) {
    const report r = explore(planted, s);
    if (r.violation || r.truncated != 0) return std::string{s.name};
  }
  return {};
}

TEST_CASE("every execution of every scenario keeps its promise") {
  for (const barrier_mode mode : {barrier_mode::membarrier, barrier_mode::fence}) {
    for (const scenario& s : scenarios()) {
      options how;
      how.barriers = mode;
      const report r = explore(how, s);
      fmt::print("{:<58} {:<10} {:>8} {}executions, {:>9} steps\n", s.name, name_of_mode(mode), r.executions,
                 r.seed ? "random " : "", r.operations);
      INFO(s.name << ", " << name_of_mode(mode) << "\n" << r.summary());
      CHECK_FALSE(r.violation);
      CHECK((r.complete || r.seed));
      CHECK(r.truncated == 0);
    }
  }
}

// Canaries need the complete search, which ThreadSanitizer's builds do not make.
#if defined(__SANITIZE_THREAD__)
constexpr bool searches_completely = false;
#else
constexpr bool searches_completely = true;
#endif

TEST_CASE("each planted bug is caught" * doctest::skip(!searches_completely)) {
  for (auto m = static_cast<std::uint8_t>(mutation::none) + 1; m < static_cast<int>(mutation::count); ++m) {
    options how;
    how.planted = static_cast<mutation>(m);
    const std::string who = caught_by(how);
    fmt::print("mutation {:>2}: {}\n", m, who.empty() ? "NOT CAUGHT" : who);
    INFO("mutation number " << m << " of environment.hpp");
    CHECK_FALSE(who.empty());
  }
}

TEST_CASE("each memory order is needed: weakened to relaxed, it is caught" * doctest::skip(!searches_completely)) {
  for (std::size_t site = 0; site < sync::site_count; ++site) {
    if (sync::table[site].order == std::memory_order_relaxed) continue;
    options how;
    how.weakened_site = site;
    const std::string who = caught_by(how);
    fmt::print("site {:<16} {}\n", sync::table[site].name, who.empty() ? "NOT CAUGHT" : who);
    INFO("site " << sync::table[site].name);
    CHECK_FALSE(who.empty());
  }
}

}  // namespace
}  // namespace cooper::model
