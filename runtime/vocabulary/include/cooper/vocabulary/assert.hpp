// SPDX-License-Identifier: BSD-3-Clause
// COOPER_ASSERT: a bug of ours, or a broken promise between our parts. On in every build.
//
// A caller's mistake is an error value, never an assertion; a misbehaving peer costs its channel, not the process.
#pragma once

namespace cooper::detail {

// Prints the failure, runs the crash hook (the flight recorder installs one), and aborts. Any thread.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* message) noexcept;

// Runs once, before the abort, on the failing thread; must be async-signal-safe. Null removes it.
using crash_hook = void (*)() noexcept;
void set_crash_hook(crash_hook hook) noexcept;

}  // namespace cooper::detail

#define COOPER_ASSERT(expression, message)                                          \
  do {                                                                              \
    if (!(expression)) [[unlikely]]                                                 \
      ::cooper::detail::assertion_failed(#expression, __FILE__, __LINE__, message); \
  } while (false)
