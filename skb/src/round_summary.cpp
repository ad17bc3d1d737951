// SPDX-License-Identifier: BSD-3-Clause
#include "round_summary.hpp"

#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "order_statistics.hpp"

namespace cooper::skb {
namespace {

constexpr double spread_limit = 0.25;

}  // namespace

direction summary_of(core_id from, core_id to, std::span<const cost_round> rounds) {
  std::vector<cost_round> kept;
  std::copy_if(rounds.begin(), rounds.end(), std::back_inserter(kept), [](const cost_round& r) { return !r.lost; });
  direction d;
  if (2 * kept.size() < rounds.size() || kept.size() < rounds_least) {
    d.trouble = fmt::format("{} of {} rounds were lost, because a thread was descheduled", rounds.size() - kept.size(),
                            rounds.size());
  }
  if (kept.empty()) kept.assign(rounds.begin(), rounds.end());
  const auto column = [&](double cost_round::*figure) {
    std::vector<double> all;
    for (const cost_round& r : kept) all.push_back(r.*figure);
    return all;
  };
  const std::vector<double> one_way = column(&cost_round::one_way);
  const double median = median_of(one_way);
  const double spread = spread_of(one_way, median);
  const auto [least, most] = std::minmax_element(one_way.begin(), one_way.end());
  link_cost& c = d.cost;
  c = {.from = from,
       .to = to,
       .send = whole_ns(median_of(column(&cost_round::send)), 1),
       .receive = whole_ns(median_of(column(&cost_round::receive)), 1),
       .median = whole_ns(median, 1),
       .spread = whole_ns(spread, 0),
       .least = whole_ns(*least, 1),
       .most = whole_ns(*most, 1),
       .samples = kept.size()};
  c.transit = std::max(duration{0}, c.median - c.send - c.receive);
  if (d.trouble.empty() && spread > spread_limit * median) {
    d.trouble = fmt::format("the spread is {} ns at a median of {} ns", c.spread.count(), c.median.count());
  }
  return d;
}

}  // namespace cooper::skb
