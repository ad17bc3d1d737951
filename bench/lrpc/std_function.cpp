// SPDX-License-Identifier: BSD-3-Clause
#include <deque>
#include <functional>

#include <cooper/runtime/native_environment.hpp>

#include "lrpc/lrpc.hpp"
#include "support/measure.hpp"

namespace cooper::bench::lrpc {

void measure_std_function(run& r, const contender& self) {
  row out = r.new_row(self, 1);
  std::deque<std::function<void()>> queue;
  std::uint64_t sequence = 0, errors = 0;
  bool back = false;
  const auto run_one = [&queue] {
    const std::function<void()> work = std::move(queue.front());
    queue.pop_front();
    work();
  };
  sample_local(r, out, [&](std::uint64_t count) {
    const instant begin = native::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      message m{};
      stamp(m.word, ++sequence);
      back = false;
      queue.emplace_back([&, m] {
        errors |= stamp_error(m.word, sequence);
        queue.emplace_back([&, m] {
          errors |= stamp_error(m.word, sequence);
          back = true;
        });
      });
      while (!back) run_one();
    }
    return static_cast<double>((native::now() - begin).count());
  });
  if (errors != 0) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace cooper::bench::lrpc
