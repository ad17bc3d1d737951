// SPDX-License-Identifier: BSD-3-Clause
// The channel alone; with --pairs, between all pairs of the chosen cores.
#include <algorithm>

#include "line_rtt/line_rtt.hpp"
#include "links/cooper_channel.hpp"
#include "support/interrupt.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_rtt {
namespace {

// One pair of cores, by threads and a floor of its own.
void measure_pair(run& r, const contender& self, std::size_t first, std::size_t second, std::size_t pair_count) {
  row out = r.new_row(self, 0);
  out.parameters = "pair=" + std::to_string(r.cpu(first)) + '-' + std::to_string(r.cpu(second));
  out.cores = {r.cpu(first), r.cpu(second)};
  r.progress("line_rtt/cooper/" + out.parameters);
  // A floor window needs some milliseconds; less than this for a pair would leave no window.
  sampling_plan plan = r.plan(pair_count);
  plan.seconds = std::max(plan.seconds, 0.03);
  plan.window_ns = 1.5e6;
  team pair_of_threads{{r.cpu(first), r.cpu(second)}};
  cooper_channel link{cooper_capacity};
  round_trips<cooper_channel> trips{link};
  pair_of_threads.lead([&](session& on) {
    prepare_in_turn(on, trips);
    sample_windows(on, r.floor(), timed_round_trips(on, trips), {}, plan, out);
  });
  if (!trips.intact()) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace

void measure_cooper(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  sample_round_trips<cooper_channel>(r, r.plan(), out, cooper_capacity);
  r.add(std::move(out));
  if (!r.options().pairs) return;
  const std::size_t n = r.core_count();
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a + 1; b < n && !interrupted(); ++b) measure_pair(r, self, a, b, n * (n - 1) / 2);
  }
}

}  // namespace cooper::bench::line_rtt
