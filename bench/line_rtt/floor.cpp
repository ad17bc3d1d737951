// SPDX-License-Identifier: BSD-3-Clause
// The floor as a contender against itself. Its ratio should be 1; how far its quantiles are from 1 is the noise.
#include "line_rtt/line_rtt.hpp"
#include "support/run.hpp"

namespace cooper::bench::line_rtt {

void measure_floor(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  floor_lines lines;
  r.threads().lead([&](session& on) {
    const timed_operations again = [&](std::uint64_t count) {
      double ns = 0;
      on.run([&](std::size_t member) {
        if (member == 0) ns = lines.ping(count);
        if (member == 1) lines.pong(count);
      });
      return ns;
    };
    sample_windows(on, r.floor(), again, {}, r.plan(), out);
  });
  r.add(std::move(out));
}

}  // namespace cooper::bench::line_rtt
