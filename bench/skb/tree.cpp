// SPDX-License-Identifier: BSD-3-Clause
// The choice of a tree as monitors make it: the portfolio, timed by the cost model, checked as a value.
#include <fmt/format.h>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/skb/facts.hpp>
#include <cooper/skb/knowledge_base.hpp>

#include "skb/skb.hpp"
#include "support/interrupt.hpp"

namespace cooper::bench::skb {

using namespace cooper::skb;

namespace {

struct sample_machine {
  const char* description;
  bool measured;  // every link's cost is known, else those of classes
};
constexpr sample_machine machines[] = {{"package:8 l3:1 core:4 pu:1", true},
                                       {"package:8 l3:1 core:16 pu:1", true},
                                       {"package:16 l3:1 core:64 pu:1", false}};

void measure(run& r, row& out, const sample_machine& m) {
  const topology machine = described(m.description);
  out.label = fmt::format("the best multicast tree to all of {} cores; known: the cost of each {}", machine.size(),
                          m.measured ? "link" : "class of links");
  if (machine.size() != 32) out.parameters = fmt::format("cores={}", machine.size());
  std::vector<term> facts = facts_of(machine);
  for (auto& cost : m.measured ? links_of(machine) : assumed_costs(machine)) facts.push_back(std::move(cost));
  std::vector<core_id> members;
  for (std::size_t i = 0; i < machine.size(); ++i) members.push_back(core_number(i));
  // The product's limits, but for time: a slow machine is to be measured, too.
  const limits within{.time = std::chrono::minutes{1}};
  out.singles_timed = true;
  with_engine(r, out, facts, [&](session&, engine& e) {
    sample_singles(r.plan(std::size(machines)), out, [&]() -> result<double> {
      const instant begin = native::now();
      const auto tree = plan_tree(e, core_id{0}, members, within);
      if (!tree) return tree.error();
      return static_cast<double>((native::now() - begin).count());
    });
  });
}

}  // namespace

void measure_tree(run& r, const contender& self) {
  for (const sample_machine& m : machines) {
    if (interrupted()) return;
    row out = r.new_row(self, 1);
    measure(r, out, m);
    add_measured(r, std::move(out));
  }
}

}  // namespace cooper::bench::skb
