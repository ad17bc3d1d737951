// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <limits>
#include <set>

#include <cooper/skb/facts.hpp>

namespace cooper::skb {
namespace {

struct cost {
  const char* link;
  std::int64_t send, transit, receive;  // ns
};
constexpr cost near_costs[] = {{"smt", 30, 30, 40}, {"l2", 40, 60, 60}, {"l3", 60, 60, 80}, {"package", 80, 160, 80}};
constexpr cost far_cost{"remote", 120, 380, 100};
// The distance that firmware has for a neighbour; 10 is oneself.
constexpr std::int64_t neighbour = 20;

}  // namespace

std::vector<term> assumed_costs(const topology& machine) {
  std::vector<term> facts;
  for (const cost& c : near_costs) facts.push_back(compound("class_cost", {c.link, c.send, c.transit, c.receive}));
  facts.push_back(compound("class_cost", {far_cost.link, far_cost.send, far_cost.transit, far_cost.receive}));
  std::set<std::uint64_t> distances;
  if (machine.distances()) distances.insert(machine.distances()->values.begin(), machine.distances()->values.end());
  for (const std::uint64_t distance : distances) {
    // What a file says need not make sense: a thousand neighbours away is far enough.
    const auto d = static_cast<std::int64_t>(std::min<std::uint64_t>(distance, 1000 * neighbour));
    const std::int64_t transit = std::max<std::int64_t>(far_cost.transit * d / neighbour, 1);
    const auto key = std::min<std::uint64_t>(distance, std::numeric_limits<std::int64_t>::max());
    facts.push_back(compound("class_cost", {compound("numa", {key}), far_cost.send, transit, far_cost.receive}));
  }
  return facts;
}

}  // namespace cooper::skb
