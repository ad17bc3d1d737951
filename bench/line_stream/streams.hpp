// SPDX-License-Identifier: BSD-3-Clause
// The two streams of a link: open (the headline) and with a window of 16, each beside boost_spsc's of the same kind.
#pragma once

#include "line_stream/line_stream.hpp"
#include "links/boost_spsc.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_stream {

template <class Link>
void measure_streams(run& r, const contender& self) {
  for (const std::uint64_t outstanding : {std::uint64_t{0}, window}) {
    row out = r.new_row(self, 2);
    if (outstanding != 0) out.parameters = "window=" + std::to_string(outstanding);
    out.peer = "boost_spsc";
    sample_stream<Link, boost_spsc_link>(r, r.plan(2), outstanding, out, capacity);
    r.add(std::move(out));
  }
}

}  // namespace cooper::bench::line_stream
