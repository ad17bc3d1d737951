// SPDX-License-Identifier: BSD-3-Clause
// std::mutex and std::deque, polled by both sides: what one writes without thinking about it.
#pragma once

#include <deque>
#include <mutex>

#include "support/link.hpp"

namespace cooper::bench {

class mutex_queue {
 public:
  explicit mutex_queue(std::size_t capacity) : capacity_{capacity} {}

  bool push(const message& m) {
    const std::lock_guard lock{mutex_};
    if (queue_.size() == capacity_) return false;
    queue_.push_back(m);
    return true;
  }
  bool pop(message& m) {
    const std::lock_guard lock{mutex_};
    if (queue_.empty()) return false;
    m = queue_.front();
    queue_.pop_front();
    return true;
  }

 private:
  std::size_t capacity_;
  std::mutex mutex_;
  std::deque<message> queue_;  // guarded by mutex_
};

using mutex_link = copying_link<mutex_queue>;

}  // namespace cooper::bench
