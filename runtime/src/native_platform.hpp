// SPDX-License-Identifier: BSD-3-Clause
// The platform of real cores: a driver sleeps in its own io_context, and foreign threads enter by a bounded queue.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/lockfree/queue.hpp>
#include <cstdint>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper::detail {

// An eventfd, with a read always outstanding in the core's own io_context: that read is the context's work, and ends
// the wait. No thread but the owner ever calls into the context.
class native_sleeper {
 public:
  native_sleeper();
  ~native_sleeper();
  native_sleeper(const native_sleeper&) = delete;
  native_sleeper& operator=(const native_sleeper&) = delete;

  // Any thread. One system call.
  void signal() noexcept;
  // Work came by the gateway, and the driver may be awake: nothing to do, for it looks there by itself.
  static void nudge() noexcept {}

  // The owner only: runs one I/O handler, or until signalled, or until the deadline. True if signalled.
  bool wait(instant deadline);
  // The owner only: runs what is ready. True if anything of the user's ran.
  bool poll();
  result<boost::asio::io_context*> io() { return &context_; }
  result<int> wake_fd() { return descriptor_.native_handle(); }
  // What a wake-up costs, from signal() to the sleeper's next step: a running mean of what was measured.
  duration wake_cost() const { return wake_cost_; }

 private:
  void read_again();
  void arm(instant deadline);

  boost::asio::io_context context_{1};
  boost::asio::posix::stream_descriptor descriptor_{context_};
  boost::asio::steady_timer timer_{context_};
  instant armed_ = never;
  bool signalled_ = false;
  unsigned own_completions_ = 0;
  std::uint64_t buffer_ = 0;
  duration wake_cost_{std::chrono::microseconds{50}};

  // What signal() touches, on other cores: in a line of its own, apart from what the owner writes at each wait.
  struct alignas(destructive_bytes) bell {
    int fd = -1;
    std::atomic<std::int64_t> signalled_at{0};  // written by whoever signals
  } bell_;
};

// The library queue that the gateway needs, bounded so that a flood of foreign threads waits instead of growing.
template <class T>
class native_queue {
 public:
  bool push(T item) { return queue_.bounded_push(item); }
  bool pop(T& item) { return queue_.pop(item); }
  bool empty() const { return queue_.empty(); }

 private:
  boost::lockfree::queue<T, boost::lockfree::capacity<4096>> queue_;
};

template <barrier_mode Mode>
struct native_platform {
  using environment = native_environment<Mode>;
  using sleeper = native_sleeper;
  template <class T>
  using queue = native_queue<T>;

  static constexpr unsigned idle_check_turns = 64;
  static constexpr unsigned ring_looks = 4;
  static constexpr std::uint64_t clock_turn_mask = 7;
  static constexpr duration wake_cost_guess{std::chrono::microseconds{50}};
  template <class Driver>
  static void park_announced(Driver&, instant, instant) {}
  template <class Driver>
  static void about_to_sleep(Driver&) {}
};

}  // namespace cooper::detail
