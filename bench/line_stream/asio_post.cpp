// SPDX-License-Identifier: BSD-3-Clause
#include "links/asio_post.hpp"
#include "line_stream/line_stream.hpp"
#include "line_stream/streams.hpp"

namespace cooper::bench::line_stream {

void measure_asio_post(run& r, const contender& self) {
  for (const std::uint64_t outstanding : {std::uint64_t{0}, window}) {
    row out = r.new_row(self, 2);
    if (outstanding != 0) out.parameters = "window=" + std::to_string(outstanding);
    out.peer = "boost_spsc";
    out.rate = true;
    out.unit = "messages/s";
    asio_pair pair{outstanding == 0 ? capacity : outstanding};
    boost_spsc_link peer_link{capacity};
    one_way<boost_spsc_link> peer{peer_link, outstanding};
    r.threads().lead([&](session& on) {
      sample_windows(on, r.floor(), timed_stream(on, pair), timed_stream(on, peer), r.plan(2), out);
    });
    if (!pair.intact() || !peer.intact()) out.error = damaged;
    r.add(std::move(out));
  }
}

}  // namespace cooper::bench::line_stream
