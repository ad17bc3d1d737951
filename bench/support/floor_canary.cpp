// SPDX-License-Identifier: BSD-3-Clause
// The canary of bench.floor_disassembly: a floor that pauses. The check must refuse it.
#include "support/floor.hpp"

#include <cooper/runtime/native_environment.hpp>

extern "C" void cooper_floor_ping(std::atomic<std::uint64_t>* out, const std::atomic<std::uint64_t>* in,
                                  std::uint64_t last, std::uint64_t count) noexcept {
  for (const std::uint64_t end = last + count; last != end;) {
    out->store(++last, std::memory_order_release);
    while (in->load(std::memory_order_acquire) != last) {
#if defined(__x86_64__)
      _mm_pause();
#else
      cooper::native::membarrier_all();
#endif
    }
  }
}

extern "C" void cooper_floor_pong(std::atomic<std::uint64_t>* out, const std::atomic<std::uint64_t>*,
                                  std::uint64_t last, std::uint64_t count) noexcept {
  out->store(last + count, std::memory_order_release);
}
