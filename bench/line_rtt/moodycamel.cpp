// SPDX-License-Identifier: BSD-3-Clause
#include "links/moodycamel.hpp"
#include "line_rtt/line_rtt.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_rtt {

void measure_moodycamel(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  sample_round_trips<moodycamel_link>(r, r.plan(), out, peer_capacity);
  r.add(std::move(out));
}

}  // namespace cooper::bench::line_rtt
