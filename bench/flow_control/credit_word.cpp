// SPDX-License-Identifier: BSD-3-Clause
// The product's channel: a credit word that the receiver overwrites in a line of its own. Also how often it
// does so, and on whose NUMA node the ring lies.
#include "flow_control/grid.hpp"
#include "links/cooper_channel.hpp"

namespace cooper::bench::flow_control {
namespace {

// One NUMA node or none named: then placement makes no difference to measure.
bool two_nodes(const run& r) {
  const topology& where = *r.options().where;
  const auto node = [&](std::size_t i) { return where.thread(r.options().cores[i]).node; };
  return node(0) != node(1);
}

}  // namespace

void measure_credit_word(run& r, const contender& self) {
  constexpr std::size_t batches = 2;
  const sampling_plan plan = r.plan(grid_rows * (1 + batches) + 3);
  for (const std::size_t capacity : capacities) {
    if (interrupted()) return;
    measure_capacity<cooper_channel>(r, self, capacity, plan, "");
    for (const std::size_t batch : {std::size_t{1}, capacity / 2}) {
      measure_capacity<cooper_channel>(r, self, capacity, plan, "/credit_batch=" + std::to_string(batch), batch);
    }
  }
  if (two_nodes(r)) {
    measure_capacity<cooper_channel>(r, self, headline_capacity, plan, "/memory=sender", std::size_t{0},
                                     ring_memory::sender);
    return;
  }
  row skipped = r.new_row(self, 2);
  skipped.parameters = "rtt/capacity=32/memory=sender";
  skipped.skipped = true;
  skipped.error = "both cores are on one NUMA node: the sender's memory is the receiver's";
  r.add(std::move(skipped));
}

}  // namespace cooper::bench::flow_control
