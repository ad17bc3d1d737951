// SPDX-License-Identifier: BSD-3-Clause
// Ends the process when a test hangs, and says how to run it again. The only clock in our tests: it never passes one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace cooper::test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

// The seed of this process: COOPER_SEED if it is set, else the given one, or with 0 one drawn from the clock.
std::uint64_t seed_or(std::uint64_t usual);

// The command that runs the current test case again, with the seed if there is one.
std::string rerun_command(std::uint64_t seed = 0);

// While it lives, a thread waits for `limit` and then aborts the process with `what` and the rerun command.
class watchdog {
 public:
  explicit watchdog(std::chrono::seconds limit, std::uint64_t seed = 0, std::function<std::string()> what = {});
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace cooper::test
