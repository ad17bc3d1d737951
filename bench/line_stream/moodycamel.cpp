// SPDX-License-Identifier: BSD-3-Clause
#include "links/moodycamel.hpp"
#include "line_stream/line_stream.hpp"
#include "line_stream/streams.hpp"

namespace cooper::bench::line_stream {

void measure_moodycamel(run& r, const contender& self) { measure_streams<moodycamel_link>(r, self); }

}  // namespace cooper::bench::line_stream
