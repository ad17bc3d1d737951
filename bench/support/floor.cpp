// SPDX-License-Identifier: BSD-3-Clause
#include "support/floor.hpp"

#include <cooper/runtime/native_environment.hpp>

namespace cooper::bench {

extern "C" void cooper_floor_ping(std::atomic<std::uint64_t>* out, const std::atomic<std::uint64_t>* in,
                                  std::uint64_t last, std::uint64_t count) noexcept {
  for (const std::uint64_t end = last + count; last != end;) {
    out->store(++last, std::memory_order_release);
    while (in->load(std::memory_order_acquire) != last) {}
  }
}

extern "C" void cooper_floor_pong(std::atomic<std::uint64_t>* out, const std::atomic<std::uint64_t>* in,
                                  std::uint64_t last, std::uint64_t count) noexcept {
  for (const std::uint64_t end = last + count; last != end;) {
    ++last;
    while (in->load(std::memory_order_acquire) != last) {}
    out->store(last, std::memory_order_release);
  }
}

double floor_lines::ping(std::uint64_t count) noexcept {
  const std::uint64_t warm = warm_up(count);
  cooper_floor_ping(&there_.value, &back_.value, ping_last_.value, warm);
  ping_last_.value += warm;
  const instant begin = native::now();
  cooper_floor_ping(&there_.value, &back_.value, ping_last_.value, count);
  const instant end = native::now();
  ping_last_.value += count;
  return static_cast<double>((end - begin).count());
}

void floor_lines::pong(std::uint64_t count) noexcept {
  const std::uint64_t all = warm_up(count) + count;
  cooper_floor_pong(&back_.value, &there_.value, pong_last_.value, all);
  pong_last_.value += all;
}

}  // namespace cooper::bench
