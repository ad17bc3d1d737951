// SPDX-License-Identifier: BSD-3-Clause
#include "links/mutex_queue.hpp"
#include "line_stream/line_stream.hpp"
#include "line_stream/streams.hpp"

namespace cooper::bench::line_stream {

void measure_mutex_queue(run& r, const contender& self) { measure_streams<mutex_link>(r, self); }

}  // namespace cooper::bench::line_stream
