// SPDX-License-Identifier: BSD-3-Clause
// The environment of real cores: std::atomic words, the time-stamp counter, and one of two barrier modes.
//
// membarrier mode: the sender's barrier costs nothing (it only holds the compiler), the parking core pays for both by
// membarrier(2). fence mode: a sequentially consistent fence on both sides, where membarrier is missing. The mode is
// one per process, chosen at boot; each is a type of its own, so the send path carries no branch for it.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cooper/runtime/environment.hpp>
#include <cooper/runtime/footprint.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper {

enum class barrier_mode : std::uint8_t { membarrier, fence };

namespace native {

// Asks the kernel once and registers this process; the answer never changes afterwards. Any thread.
bool membarrier_available() noexcept;
// membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED). Only where available.
void membarrier_all() noexcept;
// Nanoseconds of the core's clock: the time-stamp counter where it is invariant, else CLOCK_MONOTONIC. Any thread.
instant now() noexcept;

inline void fence() noexcept {
#pragma GCC diagnostic push
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
  // ThreadSanitizer does not see fences. Nothing it checks depends on this one: it only orders a store before a load.
#pragma GCC diagnostic ignored "-Wtsan"
#endif
  std::atomic_thread_fence(std::memory_order_seq_cst);
#pragma GCC diagnostic pop
}

}  // namespace native

template <barrier_mode Mode>
struct native_environment {
  using word = std::atomic<std::uint64_t>;
  static constexpr barrier_mode mode = Mode;
  // A pause instruction costs up to 140 cycles: it may help a sibling thread, but not within the first microseconds.
  static constexpr unsigned spin_turns = 4096;

  template <class Site>
  static std::uint64_t load(Site, const word& w) noexcept {
    return w.load(Site::order);
  }
  template <class Site>
  static void store(Site, word& w, std::uint64_t value) noexcept {
    w.store(value, Site::order);
  }
  template <class Site>
  static std::uint64_t exchange(Site, word& w, std::uint64_t value) noexcept {
    return w.exchange(value, Site::order);
  }

  static void light_barrier() noexcept {
    if constexpr (Mode == barrier_mode::membarrier) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      native::fence();
    }
  }
  static void heavy_barrier() noexcept {
    if constexpr (Mode == barrier_mode::membarrier) {
      native::membarrier_all();
    } else {
      native::fence();
    }
  }
  static void pause() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }

  static void toward(core_id) noexcept {}
  static void handling(core_id, bool) noexcept {}
  static instant alarm_at(instant t) noexcept { return t; }
  static void payload_write(const void*) noexcept {}
  // The receiver has done with the line, or not begun.
  static void payload_read(const void* line) noexcept { footprint::let_go(line, line_bytes); }
  static instant now() noexcept { return native::now(); }
  static constexpr bool mutated(mutation) noexcept { return false; }
};

static_assert(environment<native_environment<barrier_mode::membarrier>>);
static_assert(environment<native_environment<barrier_mode::fence>>);

}  // namespace cooper
