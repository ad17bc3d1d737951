// SPDX-License-Identifier: BSD-3-Clause
#include "links/asio_post.hpp"
#include "line_rtt/line_rtt.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_rtt {

void measure_asio_post(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  asio_pair pair;
  r.threads().lead([&](session& on) { sample_windows(on, r.floor(), timed_round_trips(on, pair), {}, r.plan(), out); });
  if (!pair.intact()) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace cooper::bench::line_rtt
