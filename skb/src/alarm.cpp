// SPDX-License-Identifier: BSD-3-Clause
#include "alarm.hpp"

#include <SWI-Prolog.h>

#include <cooper/vocabulary/assert.hpp>

namespace cooper::skb {
namespace {

// Prolog's handlers have no place for a pointer. Touched by the engine's thread only.
alarm* current = nullptr;

void on_signal(int) { current->heard(); }

foreign_t set_alarm(term_t seconds) {
  double value = 0;
  if (PL_get_float(seconds, &value) == 0) return FALSE;
  current->set(std::chrono::duration_cast<duration>(std::chrono::duration<double>{value}));
  return TRUE;
}

foreign_t clear_alarm() {
  current->clear();
  return TRUE;
}

}  // namespace

alarm::alarm() : prolog_thread_{PL_thread_self()} {
  current = this;
  // Zero asks for a number that is no signal of the operating system's.
  pl_sigaction_t action{};
  action.sa_cfunction = on_signal;
  action.sa_flags = PLSIG_SYNC;
  signal_ = PL_sigaction(0, &action, nullptr);
  COOPER_ASSERT(signal_ > 0, "Prolog has a signal to spare");
  PL_register_foreign_in_module("skb_guard", "set_alarm", 1, reinterpret_cast<pl_function_t>(set_alarm), 0);
  PL_register_foreign_in_module("skb_guard", "clear_alarm", 0, reinterpret_cast<pl_function_t>(clear_alarm), 0);
  thread_ = std::thread{[this] { run(); }};
}

alarm::~alarm() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
  current = nullptr;
}

void alarm::set(duration from_now) {
  due_ = clock::now() + from_now;
  const std::lock_guard lock{mutex_};
  rings_at_ = due_;
  // One that sleeps for an earlier question sees this one when it wakes up: as a rule nobody is woken.
  if (due_ < sleeps_until_) changed_.notify_one();
}

void alarm::clear() {
  due_ = never;
  const std::lock_guard lock{mutex_};
  rings_at_ = never;
}

void alarm::heard() {
  // It may be heard when its question has ended, and the next has begun.
  if (clock::now() < due_) return;
  due_ = never;
  const term_t thrown = PL_new_term_ref();
  static_cast<void>(thrown != 0 && PL_put_atom_chars(thrown, "skb_time_over") != 0 && PL_raise_exception(thrown) != 0);
}

void alarm::run() {
  std::unique_lock lock{mutex_};
  while (!ending_) {
    sleeps_until_ = rings_at_;
    if (rings_at_ == never) {
      changed_.wait(lock);
    } else if (clock::now() < rings_at_) {
      changed_.wait_until(lock, rings_at_);
    } else {
      rings_at_ = never;
      PL_thread_raise(prolog_thread_, signal_);
    }
  }
}

}  // namespace cooper::skb
