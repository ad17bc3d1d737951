// SPDX-License-Identifier: BSD-3-Clause
#include "support/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace cooper::bench {
namespace {

std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_interrupt(int) {
  // SA_RESETHAND has put the default action back, so the second signal is final.
  flag.store(true, std::memory_order_relaxed);
}

struct sigaction previous_int, previous_term;

}  // namespace

interrupt_guard::interrupt_guard() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous_int);
  sigaction(SIGTERM, &action, &previous_term);
}

interrupt_guard::~interrupt_guard() {
  sigaction(SIGINT, &previous_int, nullptr);
  sigaction(SIGTERM, &previous_term, nullptr);
}

bool interrupted() noexcept { return flag.load(std::memory_order_relaxed); }
void set_interrupted(bool on) noexcept { flag.store(on, std::memory_order_relaxed); }

}  // namespace cooper::bench
