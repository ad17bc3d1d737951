// SPDX-License-Identifier: BSD-3-Clause
// A stack that runs one job after the other, switched by hand on one OS thread.
//
// The explorer runs a program of several threads many thousand times; its fibers are made once and each execution
// hands them new jobs, so a new execution costs no stack, no system call and no sanitizer state. Address and thread
// sanitizer are told of every switch. A job must return (or be made to, by an exception) before the fiber ends.
#pragma once

#include <cstddef>
#include <functional>

namespace cooper::model {

class fiber {
 public:
  fiber();
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  // Sets what the next resume() starts. Only while idle; the job must not throw and must outlive its run.
  void assign(const std::function<void()>& job) { job_ = &job; }
  bool idle() const { return job_ == nullptr; }
  // From outside: runs until the job suspends or returns.
  void resume();
  // From the job: back to whoever resumed.
  void suspend();

 private:
  static void enter(void* self);
  void loop();
  void back(bool for_good);

  const std::function<void()>* job_ = nullptr;
  bool quit_ = false;
  void* stack_ = nullptr;
  void* inside_ = nullptr;   // context of the fiber while it is suspended
  void* outside_ = nullptr;  // context of the resumer while the fiber runs
  // For the sanitizers: the resumer's stack, and each side's handle.
  [[maybe_unused]] const void* outside_bottom_ = nullptr;
  [[maybe_unused]] std::size_t outside_bytes_ = 0;
  [[maybe_unused]] void* fake_inside_ = nullptr;
  [[maybe_unused]] void* fake_outside_ = nullptr;
  [[maybe_unused]] void* tsan_inside_ = nullptr;
  [[maybe_unused]] void* tsan_outside_ = nullptr;
};

}  // namespace cooper::model
