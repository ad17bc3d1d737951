// SPDX-License-Identifier: BSD-3-Clause
// What the rounds of one pair of cores come to, and whether they are to be believed. Private to skb; any thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include <cooper/skb/costs.hpp>
#include "gatherer.hpp"

namespace cooper::skb {

inline constexpr std::size_t rounds_least = 3;

inline duration whole_ns(double ns, std::int64_t least) {
  return duration{std::max<std::int64_t>(std::llround(ns), least)};
}

// What the rounds that one side led come to, and what is wrong with it: too many rounds were lost, or their one-way
// times spread over a quarter of their median. Empty: nothing is.
struct direction {
  link_cost cost;
  std::string trouble;
};

direction summary_of(core_id from, core_id to, std::span<const cost_round> rounds);

}  // namespace cooper::skb
