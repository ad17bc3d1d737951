// SPDX-License-Identifier: BSD-3-Clause
#include "shared_vs_message/shared_vs_message.hpp"

#include "support/interrupt.hpp"

namespace cooper::bench::shared_vs_message {
namespace {

constexpr contender contenders[] = {
    {"shared", "every core updates the same lines in place, without a lock (updates may be lost)", 1, measure_shared},
    {"shared_locked", "the same under a ticket lock, so that no update is lost", 1, measure_shared_locked},
    {"message", "clients call one server core, one call at a time each", 2, measure_message},
    {"message_pipelined", "clients call one server core, 16 calls under way each", 2, measure_message_pipelined},
};

}  // namespace

const workload table{"shared_vs_message", "updating k cache lines in place, against calling a server (Figure 3)",
                     contenders};

std::vector<std::size_t> core_counts(std::size_t least, std::size_t most) {
  std::vector<std::size_t> counts;
  for (std::size_t n = 1; n < most; n *= 2) {
    if (n >= least) counts.push_back(n);
  }
  if (most >= least) counts.push_back(most);
  return counts;
}

void measure_all(run& r, const contender& self, std::size_t cores_least, const one_measurement& measure) {
  const std::vector<std::size_t> counts = core_counts(cores_least, r.core_count());
  const sampling_plan plan = r.plan(counts.size() * std::size(line_counts));
  for (const std::size_t cores : counts) {
    for (const std::size_t lines : line_counts) {
      if (interrupted()) return;
      row out = r.new_row(self, cores);
      out.parameters = "k=" + std::to_string(lines) + "/cores=" + std::to_string(cores);
      measure(lines, cores, plan, out);
      if (lines == lines_max && cores == r.core_count()) {
        row headline = out;
        headline.parameters.clear();
        headline.label += "; 8 lines, all cores";
        r.add(std::move(headline));
      }
      r.add(std::move(out));
    }
  }
}

}  // namespace cooper::bench::shared_vs_message
