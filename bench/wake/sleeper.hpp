// SPDX-License-Identifier: BSD-3-Clause
// A thread that sleeps on one core until it is woken, and then says so; and the measurement of such wake-ups.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include <cooper/vocabulary/line.hpp>

#include "support/run.hpp"

namespace cooper::bench::wake {

// What the woken side stores: the sequence number of the wake-up.
struct alignas(destructive_bytes) answer_word {
  std::atomic<std::uint64_t> value{0};
};

// One way to sleep and be woken. wake() and rest() are called by the measuring thread.
class sleeper {
 public:
  virtual ~sleeper() = default;
  // Wakes the other side, which will store `sequence` in answered.
  virtual void wake(std::uint64_t sequence) = 0;
  // Returns once the other side sleeps, or is about to: the caller then waits a little longer.
  virtual void await_sleep() = 0;

  answer_word answered;
};

// A pinned thread in a blocking read of an eventfd: the floor.
class eventfd_sleeper final : public sleeper {
 public:
  explicit eventfd_sleeper(unsigned cpu);
  ~eventfd_sleeper() override;
  void wake(std::uint64_t sequence) override;
  void await_sleep() override;

 private:
  void sleep_and_answer();

  int fd_;
  std::atomic<std::uint64_t> wanted_{0};
  std::atomic<std::uint64_t> resting_{0};  // wake-ups after which it went back to sleep
  std::atomic<bool> ending_{false};
  std::uint64_t woken_ = 0;
  std::thread thread_;
};

// Alternating blocks of single wake-ups of the contender and of the floor; fills the row, ratio included. Called by the
// thread that wakes.
void sample_wake_ups(sleeper& contender, sleeper& floor, const sampling_plan& plan, row& into);

}  // namespace cooper::bench::wake
