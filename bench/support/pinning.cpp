// SPDX-License-Identifier: BSD-3-Clause
#include "support/pinning.hpp"

#include <pthread.h>
#include <sched.h>

#include <cstddef>

namespace cooper::bench {

// A processor set of any size: machines with more than 1,024 CPUs exist.
bool pin_this_thread(unsigned cpu) noexcept {
  cpu_set_t* set = CPU_ALLOC(cpu + 1);
  if (set == nullptr) return false;
  const std::size_t bytes = CPU_ALLOC_SIZE(cpu + 1);
  CPU_ZERO_S(bytes, set);
  CPU_SET_S(cpu, bytes, set);
  const bool ok = pthread_setaffinity_np(pthread_self(), bytes, set) == 0;
  CPU_FREE(set);
  return ok;
}

}  // namespace cooper::bench
