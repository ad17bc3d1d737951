// SPDX-License-Identifier: BSD-3-Clause
#include <cmath>

#include <fmt/format.h>

#include "savina/savina.hpp"
#include "support/interrupt.hpp"

namespace cooper::bench::savina {
namespace {

constexpr contender contenders[] = {
    {"drop_in", "unmodified CAF actors on the drivers, where placement puts them", 1, measure_drop_in},
    {"core_actor", "the same behaviours as core actors", 1, measure_core_actor},
    {"line", "rewritten for line messages, actors dealt out over the cores", 1, measure_line},
};

using one_run = double (*)(caf::actor_system& on, program p, const sizes& s);

// Runs a program in turn on stock CAF and on the drivers, both on `cores` cores, until its time is used up.
void measure_program(run& r, const contender& self, program p, std::size_t cores, one_run ours) {
  row out = r.new_row(self, cores);
  // A contender's time is shared by its rows; where that is short the programs are smaller.
  const double seconds = r.plan().seconds / (2.0 * static_cast<double>(program::count));
  const std::uint64_t divisor = r.options().smoke ? 200 : seconds < 1 ? 10 : 1;
  out.parameters = fmt::format("program={}/cores={}", name_of(p), cores);
  if (divisor != 1) out.parameters += fmt::format("/scale=1:{}", divisor);
  out.label = "two cores: placement adaptive; stock CAF: work stealing, a worker pinned to each core";
  out.rate = true;
  out.unit = "messages/s";
  out.peer = "stock";
  r.progress(out.name());
  const sizes s = sizes::divided_by(divisor);
  const auto messages = static_cast<double>(messages_of(p, s));
  machine_options options = driver_options(r, cores);
  auto booted = machine::boot(*r.options().where, std::move(options));
  if (!booted) {
    explain_failure(out, booted.error());
    return r.add(std::move(out));
  }
  {
    caf::actor_system_config cfg;
    actors::run_on(cfg, **booted);
    caf::actor_system system{cfg};
    stock_rig stock{r, cores};
    // Once to warm both.
    run_stock(stock.system(), p, s);
    ours(system, p, s);
    const instant begun = native::now();
    do {
      window w;
      w.peer = run_stock(stock.system(), p, s) / messages;
      w.contender = ours(system, p, s) / messages;
      out.windows.push_back(w);
      out.iterations += static_cast<std::uint64_t>(messages);
    } while (!r.options().smoke && !interrupted() &&
             (out.windows.size() < 5 || (native::now() - begun).count() < static_cast<std::int64_t>(seconds * 1e9)));
  }
  static_cast<void>((*booted)->stop());
  r.add(std::move(out));
}

void measure_all(run& r, const contender& self, one_run ours) {
  for (std::size_t cores = 1; cores <= std::min<std::size_t>(2, r.core_count()); ++cores) {
    for (std::uint8_t p = 0; p < static_cast<std::uint8_t>(program::count) && !interrupted(); ++p) {
      measure_program(r, self, static_cast<program>(p), cores, ours);
    }
  }
}

}  // namespace

const workload table{"savina", "six programs of the Savina suite, against stock CAF on the same cores", contenders};

void measure_drop_in(run& r, const contender& self) { measure_all(r, self, run_stock); }
void measure_core_actor(run& r, const contender& self) { measure_all(r, self, run_core_actors); }
void measure_line(run& r, const contender& self) { measure_all(r, self, run_lines); }

sizes sizes::divided_by(std::uint64_t n) {
  sizes s;
  for (std::uint64_t* count :
       {&s.ping_pong_pings, &s.counting_messages, &s.ring_hops, &s.meetings, &s.big_pings, &s.fork_join_messages}) {
    *count /= n;
  }
  return s;
}

const char* name_of(program p) {
  switch (p) {
    case program::ping_pong:
      return "ping_pong";
    case program::counting:
      return "counting";
    case program::thread_ring:
      return "thread_ring";
    case program::chameneos:
      return "chameneos";
    case program::big:
      return "big";
    case program::fork_join:
      return "fork_join";
    case program::count:
      break;
  }
  return "";
}

std::uint64_t messages_of(program p, const sizes& s) {
  switch (p) {
    case program::ping_pong:
      return 2 * s.ping_pong_pings;
    case program::counting:
      return s.counting_messages;
    case program::thread_ring:
      return s.ring_hops;
    case program::chameneos:
      // Two ask for each meeting, one is told, and tells the other.
      return 4 * s.meetings;
    case program::big:
      return 2 * s.big_actors * s.big_pings;
    case program::fork_join:
      return s.fork_join_actors * s.fork_join_messages;
    case program::count:
      break;
  }
  return 1;
}

// The suite's: the square of the sine of 37.2.
double computation() {
  static const volatile double angle = 37.2;
  const double sine = std::sin(angle);
  return sine * sine;
}

}  // namespace cooper::bench::savina
