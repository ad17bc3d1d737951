// SPDX-License-Identifier: BSD-3-Clause
#include "support/noise.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

namespace cooper::bench {
namespace {

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

}  // namespace

double process_cpu_s() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

noise_meter::reading noise_meter::read() {
  reading now;
  const auto clock = std::chrono::steady_clock::now().time_since_epoch();
  now.wall_s = std::chrono::duration<double>(clock).count();
  now.own_s = process_cpu_s();
  now.cores = std::max(1.0, static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)));
  std::ifstream stat{"/proc/stat"};
  std::string label;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (stat >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal) {
    const double tick_s = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
    now.busy_s = (user + nice + system + irq + softirq) * tick_s;
    now.steal_s = steal * tick_s;
  }
  return now;
}

noise noise_meter::between(const reading& begin, const reading& end) {
  const double wall_s = end.wall_s - begin.wall_s;
  if (wall_s < 0.2) return {};
  const double machine_s = wall_s * end.cores;
  const double foreign_s = (end.busy_s - begin.busy_s) - (end.own_s - begin.own_s);
  return {.foreign = std::max(0.0, foreign_s / machine_s),
          .steal = std::max(0.0, (end.steal_s - begin.steal_s) / machine_s)};
}

}  // namespace cooper::bench
