// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/runtime/native_environment.hpp>

#include "lrpc/lrpc.hpp"
#include "support/measure.hpp"

namespace cooper::bench::lrpc {
namespace {

struct counter {
  std::uint64_t sequence = 0;
  std::uint64_t errors = 0;
};
using call = void (*)(counter& self, const std::uint64_t* words);

void check(counter& self, const std::uint64_t* words) { self.errors |= stamp_error(words, ++self.sequence); }

}  // namespace

void measure_direct_call(run& r, const contender& self) {
  row out = r.new_row(self, 1);
  counter there, back;
  sample_local(r, out, [&](std::uint64_t count) {
    // Read anew for each call, as a handler table is: the compiler must not see through it.
    call volatile handler = check;
    const instant begin = native::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      message m{};
      stamp(m.word, there.sequence + 1);
      handler(there, m.word);
      handler(back, m.word);
    }
    return static_cast<double>((native::now() - begin).count());
  });
  if ((there.errors | back.errors) != 0) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace cooper::bench::lrpc
