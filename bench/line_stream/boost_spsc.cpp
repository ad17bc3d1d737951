// SPDX-License-Identifier: BSD-3-Clause
#include "links/boost_spsc.hpp"
#include "line_stream/line_stream.hpp"
#include "line_stream/streams.hpp"

namespace cooper::bench::line_stream {

void measure_boost_spsc(run& r, const contender& self) { measure_streams<boost_spsc_link>(r, self); }

}  // namespace cooper::bench::line_stream
