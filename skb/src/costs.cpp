// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/skb/costs.hpp>

#include <cooper/skb/facts.hpp>

namespace cooper::skb {

std::vector<term> facts_of(const cost_snapshot& costs) {
  std::vector<term> facts;
  facts.reserve(2 * costs.links.size() + costs.classes.size() + 2);
  for (const link_cost& l : costs.links) {
    facts.push_back(compound("link", {l.from.value, l.to.value, l.send.count(), l.transit.count(), l.receive.count()}));
    facts.push_back(compound("link_stat", {l.from.value, l.to.value, l.median.count(), l.spread.count(),
                                           l.least.count(), l.most.count(), l.samples, costs.unix_time}));
  }
  for (const class_cost& c : costs.classes) {
    facts.push_back(compound(
        "class_cost", {atom{std::string{name_of(c.kind)}}, c.send.count(), c.transit.count(), c.receive.count()}));
  }
  facts.push_back(compound("setting", {"dispatch_ns", costs.dispatch.count()}));
  if (costs.wake.count() > 0) facts.push_back(compound("setting", {"wake_ns", costs.wake.count()}));
  return facts;
}

bool is_stale(const cost_snapshot& costs, std::int64_t now_unix_time) {
  constexpr std::int64_t clock_error_s = 24 * 3600;
  return costs.unix_time < now_unix_time - cost_age_max_s || costs.unix_time > now_unix_time + clock_error_s;
}

std::vector<term> replaced_by_costs() {
  return {any_fact("link"), any_fact("link_stat"), any_fact("class_cost"),
          compound("setting", {"dispatch_ns", variable{"N"}}), compound("setting", {"wake_ns", variable{"N"}})};
}

}  // namespace cooper::skb
