// SPDX-License-Identifier: BSD-3-Clause
#include "line_stream/line_stream.hpp"
#include "line_stream/streams.hpp"
#include "links/cooper_channel.hpp"

namespace cooper::bench::line_stream {

void measure_cooper(run& r, const contender& self) { measure_streams<cooper_channel>(r, self); }

}  // namespace cooper::bench::line_stream
