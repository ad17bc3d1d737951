// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/runtime/native_environment.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cooper::native {
namespace {

long membarrier(int command) noexcept { return ::syscall(__NR_membarrier, command, 0, 0); }

std::int64_t monotonic_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

#if defined(__x86_64__)

bool counter_is_invariant() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
}

// The counter against CLOCK_MONOTONIC, as a point and a slope. Read once, over a few milliseconds; each point is the
// tightest of several brackets, so that an interruption between two reads does not bend the slope.
struct calibration {
  bool usable = counter_is_invariant();
  std::uint64_t base_ticks = 0;
  std::int64_t base_ns = 0;
  double ns_per_tick = 1.0;

  calibration() noexcept {
    if (!usable) return;
    read_point(base_ticks, base_ns);
    std::uint64_t ticks = 0;
    std::int64_t ns = base_ns;
    while (ns - base_ns < 5'000'000) ns = monotonic_ns();
    read_point(ticks, ns);
    if (ticks <= base_ticks) {
      usable = false;
      return;
    }
    ns_per_tick = static_cast<double>(ns - base_ns) / static_cast<double>(ticks - base_ticks);
  }

  static void read_point(std::uint64_t& ticks, std::int64_t& ns) noexcept {
    std::int64_t tightest = std::numeric_limits<std::int64_t>::max();
    for (int i = 0; i < 16; ++i) {
      const std::int64_t before = monotonic_ns();
      const std::uint64_t t = __rdtsc();
      const std::int64_t after = monotonic_ns();
      if (after - before < tightest) {
        tightest = after - before;
        ticks = t;
        ns = before + (after - before) / 2;
      }
    }
  }
};

#endif

}  // namespace

bool membarrier_available() noexcept {
  static const bool available = [] {
    const long commands = membarrier(MEMBARRIER_CMD_QUERY);
    return commands >= 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
           membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  }();
  return available;
}

void membarrier_all() noexcept { membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

instant now() noexcept {
#if defined(__x86_64__)
  static const calibration clock;
  if (clock.usable) [[likely]] {
    const auto ticks = static_cast<std::int64_t>(__rdtsc() - clock.base_ticks);
    return {clock.base_ns + static_cast<std::int64_t>(static_cast<double>(ticks) * clock.ns_per_tick)};
  }
#endif
  return {monotonic_ns()};
}

}  // namespace cooper::native
