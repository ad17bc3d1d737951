// SPDX-License-Identifier: BSD-3-Clause
// The smallest conversation: an endpoint on the last core, and one line to it from the first.
#include <cstdio>

#include <cooper/runtime/machine.hpp>

using namespace cooper;

int main() {
  const auto where = topology::discover();
  if (!where) return std::fprintf(stderr, "%s\n", where.error().message().c_str()), 3;
  auto booted = machine::boot(*where, {});  // a pinned CPU driver on every core that this process may use
  if (!booted) return std::fprintf(stderr, "%s\n", booted.error().message().c_str()), 3;
  machine& m = **booted;

  struct greeting {
    int number;
  };
  address listener;
  const core_id first{0}, last{static_cast<std::uint16_t>(m.core_count() - 1)};
  auto done = m.call(last, [&](core& here) {
    listener = *here.open(
        [](void*, core& me, const line_view& line) {
          std::printf("core %u got %d from core %u\n", me.id().value, line.as<greeting>().number, line.from.value);
          me.home().request_stop();
        },
        nullptr);
  });
  if (done) done = m.post(first, [&](core& here) { static_cast<void>(here.send(listener, 0, greeting{42})); });
  if (!done) return std::fprintf(stderr, "%s\n", done.error().message().c_str()), 3;
  m.run();
  return 0;
}
