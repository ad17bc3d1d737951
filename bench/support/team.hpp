// SPDX-License-Identifier: BSD-3-Clause
// The threads that measure: one pinned thread a core, the same ones for the floor and for every contender.
//
// A session is a piece of measuring that thread 0 leads: run(job) has all members execute job(index) at the same time
// and returns when all have. Between windows of a session the members spin, so that no core goes to sleep; between
// sessions they block and cost nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <cooper/vocabulary/line.hpp>

namespace cooper::bench {

// What a measurement needs of its threads; CPU drivers can stand in for the team (support/driver_rig.hpp).
class session {
 public:
  virtual ~session() = default;
  virtual std::size_t size() const = 0;
  // Not reentrant. The job of one member may wait for that of another.
  virtual void run(const std::function<void(std::size_t member)>& job) = 0;
};

class team {
 public:
  // One thread for each of these operating-system CPU numbers, pinned where that is permitted.
  explicit team(const std::vector<unsigned>& cpus);
  ~team();
  team(const team&) = delete;
  team& operator=(const team&) = delete;

  std::size_t size() const { return threads_.size(); }
  bool pinned() const { return pinned_.load(std::memory_order_relaxed); }

  // Runs body on thread 0 and waits. Not from a member.
  void lead(const std::function<void(session&)>& body);

 private:
  class spinning_session;
  void member(std::size_t index, unsigned cpu);

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(session&)>* body_ = nullptr;  // guarded by mutex_
  std::uint64_t sessions_begun_ = 0;                     // guarded by mutex_
  bool leading_ = false;                                 // guarded by mutex_
  bool ending_ = false;                                  // guarded by mutex_
  std::size_t idle_ = 0;                                 // guarded by mutex_: members that block

  // Within a session: thread 0 publishes a job by its number, members count themselves done.
  struct alignas(destructive_bytes) {
    std::atomic<std::uint64_t> number{0};
    std::atomic<bool> over{true};
    const std::function<void(std::size_t)>* what = nullptr;
  } job_;
  struct alignas(destructive_bytes) {
    std::atomic<std::uint64_t> count{0};
  } done_;
  std::atomic<bool> pinned_{true};
  std::vector<std::thread> threads_;
};

}  // namespace cooper::bench
