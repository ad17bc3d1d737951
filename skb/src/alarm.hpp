// SPDX-License-Identifier: BSD-3-Clause
// A question's time. library(time) has one too, but what runs out of memory while it puts an alarm away leaves it: it
// rings in a later question, and ending the engine waits for ever.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include <cooper/vocabulary/time.hpp>

namespace cooper::skb {

// One an engine, made and ended by its thread while Prolog runs. In rules: skb_guard:set_alarm(Seconds), and
// clear_alarm, which cannot fail; a goal whose time is over throws the atom skb_time_over.
class alarm {
 public:
  alarm();
  ~alarm();
  alarm(const alarm&) = delete;
  alarm& operator=(const alarm&) = delete;

  void set(duration from_now);
  void clear();
  // On the engine's thread, wherever Prolog looks at its signals.
  void heard();

 private:
  using clock = std::chrono::steady_clock;
  static constexpr clock::time_point never = clock::time_point::max();
  void run();

  clock::time_point due_ = never;  // the engine's thread only
  int prolog_thread_;
  int signal_;

  std::mutex mutex_;
  std::condition_variable changed_;
  clock::time_point rings_at_ = never;      // guarded by mutex_
  clock::time_point sleeps_until_ = never;  // guarded by mutex_
  bool ending_ = false;                     // guarded by mutex_
  std::thread thread_;
};

}  // namespace cooper::skb
