// SPDX-License-Identifier: BSD-3-Clause
// Two cores count up in turns: endpoints, lines, and a machine that is real or, with --simulated, virtual.
#include <cstdio>
#include <cstring>

#include <cooper/runtime/machine.hpp>

using namespace cooper;

struct count {
  std::uint64_t value;
};

// One end of the conversation. It lives on one core, so it needs no lock and no atomic.
struct player {
  address other;
  std::uint64_t last = 0;

  static void on_line(void* self, core& here, const line_view& line) {
    auto& me = *static_cast<player*>(self);
    me.last = line.as<count>().value;  // read in place, in the ring
    if (me.last == 1000) return here.home().request_stop();
    // One line is under way at a time, so there is always credit for the next.
    if (here.send(me.other, 0, count{me.last + 1}) != send_result::ok) std::abort();
  }
};

int main(int argc, char** argv) {
  const bool simulated = argc > 1 && std::strcmp(argv[1], "--simulated") == 0;
  const auto where = simulated ? topology::from_synthetic("package:2 core:2 pu:1") : topology::discover();
  if (!where) return std::fprintf(stderr, "%s\n", where.error().message().c_str()), 3;
  auto booted = simulated ? machine::simulate(*where, {}) : machine::boot(*where, {});
  if (!booted) return std::fprintf(stderr, "%s\n", booted.error().message().c_str()), 3;
  machine& m = **booted;

  // On a machine of one core both players live there, and their lines take the short cut through its run queue.
  const core_id first{0}, second{static_cast<std::uint16_t>(m.core_count() - 1)};
  player ping, pong;
  for (const auto& [player, core_of] : {std::pair{&ping, first}, std::pair{&pong, second}}) {
    const auto opened = m.call(core_of, [player = player, other = player == &ping ? &pong : &ping](core& here) {
      other->other = *here.open(&player::on_line, player);
    });
    if (!opened) return std::fprintf(stderr, "%s\n", opened.error().message().c_str()), 3;
  }

  // Everything else happens on the cores.
  const auto begun = m.post(first, [&](core& here) { static_cast<void>(here.send(ping.other, 0, count{1})); });
  if (!begun) return std::fprintf(stderr, "%s\n", begun.error().message().c_str()), 3;
  m.run();
  if (const auto stopped = m.stop(); !stopped)
    return std::fprintf(stderr, "%s\n", stopped.error().message().c_str()), 3;

  std::printf("ping saw %llu, pong saw %llu\n", static_cast<unsigned long long>(ping.last),
              static_cast<unsigned long long>(pong.last));
  return ping.last + pong.last == 1999 ? 0 : 1;
}
