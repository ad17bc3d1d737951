// SPDX-License-Identifier: BSD-3-Clause
// CPU drivers without a machine: two that know each other, for tests that look closer than a machine lets them.
#pragma once

#include <sched.h>
#include <memory>
#include <vector>

#include "driver_idle.hpp"
#include "driver_links.hpp"
#include "driver_send.hpp"
#include "driver_turn.hpp"
#include "fake_machine.hpp"
#include "native_platform.hpp"

namespace cooper::test {

// Pins the calling thread to the n-th processor that it may use; false if it may use fewer.
inline bool pin_to_nth(std::size_t n) {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    static_cast<void>(::sched_getaffinity(0, sizeof set, &set));
    return set;
  }();
  for (std::size_t cpu = 0, seen = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || seen++ != n) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return ::sched_setaffinity(0, sizeof one, &one) == 0;
  }
  return false;
}

// Made on one thread; each driver is then for one thread only, as always.
template <class Platform>
class driver_pair {
 public:
  using driver = detail::basic_driver<Platform>;

  explicit driver_pair(const detail::driver_options& options) {
    for (std::uint16_t i = 0; i < 2; ++i) {
      drivers_.push_back(
          std::make_unique<driver>(core_id{i}, home_, typename Platform::environment{}, 2, options, registry_));
    }
    for (auto& d : drivers_) d->meet(drivers_);
  }

  driver& operator[](std::size_t i) { return *drivers_[i]; }

 private:
  fake_machine home_;
  buffer_registry registry_{2};
  std::vector<std::unique_ptr<driver>> drivers_;
};

}  // namespace cooper::test
