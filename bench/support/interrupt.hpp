// SPDX-License-Identifier: BSD-3-Clause
// SIGINT and SIGTERM while measuring: the window under way ends, and what there is by then is kept and marked.
#pragma once

namespace cooper::bench {

// Catches both signals until destroyed; a second signal ends the process at once. One at a time, from the main thread.
class interrupt_guard {
 public:
  interrupt_guard();
  ~interrupt_guard();
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;
};

// Any thread.
bool interrupted() noexcept;
// As if the signal had come; for tests. False takes it back.
void set_interrupted(bool on) noexcept;

}  // namespace cooper::bench
