// SPDX-License-Identifier: BSD-3-Clause
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <cooper/runtime/native_environment.hpp>

#include "lrpc/lrpc.hpp"
#include "support/measure.hpp"

namespace cooper::bench::lrpc {

void measure_asio_post(run& r, const contender& self) {
  row out = r.new_row(self, 1);
  // One thread, and the context is told so: its locks are off.
  boost::asio::io_context context{1};
  const auto open = boost::asio::make_work_guard(context);
  std::uint64_t sequence = 0, errors = 0;
  bool back = false;
  sample_local(r, out, [&](std::uint64_t count) {
    const instant begin = native::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      message m{};
      stamp(m.word, ++sequence);
      back = false;
      boost::asio::post(context, [&, m] {
        errors |= stamp_error(m.word, sequence);
        boost::asio::post(context, [&, m] {
          errors |= stamp_error(m.word, sequence);
          back = true;
        });
      });
      while (!back) context.poll();
    }
    return static_cast<double>((native::now() - begin).count());
  });
  if (errors != 0) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace cooper::bench::lrpc
