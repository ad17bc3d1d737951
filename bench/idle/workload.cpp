// SPDX-License-Identifier: BSD-3-Clause
#include "idle/idle.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "support/driver_rig.hpp"
#include "support/interrupt.hpp"
#include "support/noise.hpp"

namespace cooper::bench::idle {
namespace {

constexpr contender contenders[] = {
    {"cooper", "all drivers parked: CPU time of the whole process", 1, measure_cooper},
    {"polling", "the same machine told never to park, for contrast", 1, measure_polling},
};

bool all_parked(const machine& m) {
  const std::vector<core_status> cores = m.status();
  return std::all_of(cores.begin(), cores.end(), [](const core_status& c) { return c.state == core_state::parked; });
}

// CPU time over wall time while nothing happens, in slices, so that an interrupt ends it and the spread is known.
void measure(run& r, row out, std::optional<duration> poll_budget, bool parks) {
  machine_options options = driver_options(r, r.core_count());
  options.poll_budget = poll_budget;
  auto booted = machine::boot(*r.options().where, std::move(options));
  if (!booted) {
    explain_failure(out, booted.error());
    r.add(std::move(out));
    return;
  }
  const machine& idle_machine = *booted.value();
  const auto start = std::chrono::steady_clock::now();
  while (parks && !all_parked(idle_machine) && !interrupted()) {
    if (std::chrono::steady_clock::now() - start > std::chrono::seconds{5}) {
      out.error = "a driver with nothing to do did not park within 5 seconds";
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  constexpr int slices = 8;
  const double slice_s = r.options().smoke ? 0.005 : std::clamp(r.options().seconds * 2, 0.4, 2.0) / slices;
  for (int i = 0; i < slices && out.error.empty() && !interrupted(); ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const double cpu_begin_s = process_cpu_s();
    std::this_thread::sleep_for(std::chrono::duration<double>{slice_s});
    const double cpu_s = process_cpu_s() - cpu_begin_s;
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    out.values.push_back(100 * cpu_s / wall.count());
    ++out.iterations;
  }
  out.unit = "% of one core";
  if (out.values.empty() && out.error.empty()) return;  // interrupted before there was anything
  r.add(std::move(out));
}

}  // namespace

const workload table{"idle", "CPU time of a machine with nothing to do", contenders};

void measure_cooper(run& r, const contender& self) { measure(r, r.new_row(self, r.core_count()), std::nullopt, true); }

void measure_polling(run& r, const contender& self) {
  measure(r, r.new_row(self, r.core_count()), std::chrono::hours{1}, false);
}

}  // namespace cooper::bench::idle
