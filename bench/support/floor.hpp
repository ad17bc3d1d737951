// SPDX-License-Identifier: BSD-3-Clause
// The floor: what two cores of this very machine need to move one line there and one line back.
//
// Two lines, at least 128 bytes apart; an 8-byte store with release, a spin on a load with acquire, no pause, no call
// in the loop (bench.floor_disassembly looks). Every ratio of the benchmarks is against windows of this, run by the
// same two threads as the contender, before it and after it.
#pragma once

#include <atomic>
#include <cstdint>

#include <cooper/vocabulary/line.hpp>

namespace cooper::bench {

// Sends `count` values after `last` and waits for each to come back; extern "C", so that the
// disassembly check finds it.
extern "C" void cooper_floor_ping(std::atomic<std::uint64_t>* out, const std::atomic<std::uint64_t>* in,
                                  std::uint64_t last, std::uint64_t count) noexcept;
// Returns every value that arrives, `count` times.
extern "C" void cooper_floor_pong(std::atomic<std::uint64_t>* out, const std::atomic<std::uint64_t>* in,
                                  std::uint64_t last, std::uint64_t count) noexcept;

// The two lines. One thread calls ping, another pong, with the same count.
class floor_lines {
 public:
  static constexpr std::uint64_t window_round_trips = 20'000;
  static constexpr std::uint64_t warm_up_round_trips = 100;

  // Nanoseconds that `count` round trips took, after a warm-up of at most as many.
  double ping(std::uint64_t count) noexcept;
  void pong(std::uint64_t count) noexcept;

 private:
  static std::uint64_t warm_up(std::uint64_t count) noexcept {
    return count < warm_up_round_trips ? count : warm_up_round_trips;
  }

  struct alignas(destructive_bytes) separate_line {
    std::atomic<std::uint64_t> value{0};
  };
  separate_line there_;
  separate_line back_;
  struct alignas(destructive_bytes) {
    std::uint64_t value = 0;
  } ping_last_, pong_last_;
};

}  // namespace cooper::bench
