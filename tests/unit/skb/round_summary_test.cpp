// SPDX-License-Identifier: BSD-3-Clause
// Which measurements are believed: what rounds come to, and when that is marked unreliable, with its figures.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "round_summary.hpp"

using namespace cooper;
using namespace cooper::skb;

namespace {

constexpr core_id from{0}, to{1};

std::vector<cost_round> rounds_of(const std::vector<double>& one_way) {
  std::vector<cost_round> rounds;
  for (const double ns : one_way) rounds.push_back({.one_way = ns, .send = 10, .receive = 20});
  return rounds;
}

}  // namespace

TEST_CASE("a link costs what its rounds have in the middle") {
  const direction d = summary_of(from, to, rounds_of({98, 100, 102, 100, 5000}));
  CHECK(d.trouble == "");
  CHECK(d.cost.median == duration{100});
  CHECK(d.cost.spread == duration{2});
  CHECK(d.cost.least == duration{98});
  CHECK(d.cost.most == duration{5000});
  CHECK(d.cost.send == duration{10});
  CHECK(d.cost.receive == duration{20});
  CHECK(d.cost.transit == duration{70});
  CHECK(d.cost.samples == 5);
}

TEST_CASE("rounds that waver over a quarter of their median are not believed") {
  CHECK(summary_of(from, to, rounds_of({75, 100, 125})).trouble == "");
  const direction d = summary_of(from, to, rounds_of({70, 100, 130}));
  CHECK(d.trouble == "the spread is 30 ns at a median of 100 ns");
  // The figures are there all the same.
  CHECK(d.cost.median == duration{100});
}

TEST_CASE("rounds in which a thread was descheduled do not count, and too many of them are not believed") {
  auto rounds = rounds_of({100, 100, 100, 9000, 9000, 9000});
  for (std::size_t i = 3; i < rounds.size(); ++i) rounds[i].lost = true;
  const direction half = summary_of(from, to, rounds);
  CHECK(half.trouble == "");
  CHECK(half.cost.most == duration{100});
  rounds[0].lost = true;
  const direction more = summary_of(from, to, rounds);
  CHECK(more.trouble == "4 of 6 rounds were lost, because a thread was descheduled");
  for (auto& round : rounds) round.lost = true;
  CHECK(summary_of(from, to, rounds).cost.median == duration{9000 / 2 + 100 / 2});
}

TEST_CASE("a time is never nothing, and two parts that are longer than the whole leave nothing in transit") {
  const direction d = summary_of(from, to, rounds_of({0.2, 0.2, 0.2}));
  CHECK(d.cost.median == duration{1});
  CHECK(d.cost.send == duration{10});
  CHECK(d.cost.transit == duration{0});
}
