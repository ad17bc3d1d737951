// SPDX-License-Identifier: BSD-3-Clause
// What does not exist on a simulated machine, and how it is noticed there: all of it is one thread, and whoever waits
// for another would wait for ever.
#pragma once

#include <pthread.h>
#include <ctime>

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

#include <caf/actor_system.hpp>
#include <caf/resumable.hpp>
#include <caf/thread_hook.hpp>

#include <cooper/vocabulary/error.hpp>

namespace cooper::actors {

// "a blocking actor: not on a simulated machine ..."
error only_on_real_machines(std::string_view what);
// Where nobody could be told: says it, and ends the process with code 3.
[[noreturn]] void end_process(const error& why);

// CAF starts threads for blocking and for detached actors, and for nobody else there.
struct no_threads final : caf::thread_hook {
  void init(caf::actor_system&) override {}
  void thread_started() override;
  void thread_terminates() override {}
};

// Watches the thread that made it: one that waits on a futex for a second, using no time, waits for another thread.
class block_watch {
 public:
  block_watch();
  ~block_watch();
  block_watch(const block_watch&) = delete;
  block_watch& operator=(const block_watch&) = delete;

 private:
  void watch();
  bool waits() const;
  timespec used() const;

  pthread_t watched_;
  long tid_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

// While it lives, handlers that run on its thread may not sleep and, unless told, not read the system's clock; in a
// program that has COOPER_MAIN's functions before the C library's. One at a time.
class call_watch {
 public:
  explicit call_watch(bool clock_allowed);
  ~call_watch();
  call_watch(const call_watch&) = delete;
  call_watch& operator=(const call_watch&) = delete;
};

}  // namespace cooper::actors
