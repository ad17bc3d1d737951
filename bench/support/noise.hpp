// SPDX-License-Identifier: BSD-3-Clause
// Who else used the machine while we measured: CPU time outside this process, and time the hypervisor took away.
#pragma once

#include <cstdint>

namespace cooper::bench {

// Fractions of the machine's CPU time (all cores) over an interval.
struct noise {
  double foreign = 0;  // other processes and the kernel on its own behalf
  double steal = 0;    // taken by the hypervisor
};

// Any thread. /proc/stat counts in ticks of 10 ms, so intervals under 0.2 s say nothing and report zero.
class noise_meter {
 public:
  noise_meter() : begin_{read()} {}
  noise since() const { return between(begin_, read()); }

  struct reading {
    double wall_s = 0;
    double busy_s = 0;  // all processes
    double steal_s = 0;
    double own_s = 0;  // this process
    double cores = 1;
  };
  static reading read();
  static noise between(const reading& begin, const reading& end);

 private:
  reading begin_;
};

// CPU time of this process so far, user and system, in seconds.
double process_cpu_s() noexcept;

}  // namespace cooper::bench
