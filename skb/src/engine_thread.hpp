// SPDX-License-Identifier: BSD-3-Clause
// A thread with a stack of its own size, off the cores that run drivers. Private to the knowledge base.
#pragma once

#include <functional>
#include <span>

#include <pthread.h>

#include <cooper/runtime/topology.hpp>

namespace cooper::skb {

class engine_thread {
 public:
  engine_thread() = default;
  ~engine_thread() { join(); }
  engine_thread(const engine_thread&) = delete;
  engine_thread& operator=(const engine_thread&) = delete;

  // Runs `work` on the cores of this machine that the process may use, without those of `keep_off` if others are left;
  // on another machine's topology, anywhere. Errors: thread_failed.
  result<void> start(const topology& machine, std::span<const core_id> keep_off, std::function<void()> work);
  void join();

 private:
  std::function<void()> work_;
  pthread_t id_{};
  bool running_ = false;
};

}  // namespace cooper::skb
