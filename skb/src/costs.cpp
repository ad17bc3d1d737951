// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/skb/costs.hpp>

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

}  // namespace cooper::skb
