// SPDX-License-Identifier: BSD-3-Clause
#include "watchdog.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace cooper::test {

std::uint64_t seed_or(std::uint64_t usual) {
  if (const char* given = std::getenv("COOPER_SEED"); given != nullptr && *given != '\0') {
    return std::strtoull(given, nullptr, 0);
  }
  if (usual != 0) return usual;
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) | 1;
}

std::string rerun_command(std::uint64_t seed) {
  std::string command = seed == 0 ? "" : "COOPER_SEED=" + std::to_string(seed) + " ";
  if (const char* is_long = std::getenv("COOPER_LONG"); is_long != nullptr) command += "COOPER_LONG=1 ";
  std::error_code unreadable;
  command += std::filesystem::read_symlink("/proc/self/exe", unreadable).string();
  if (const auto* context = doctest::getContextOptions(); context != nullptr && context->currentTest != nullptr) {
    // A comma in the filter would separate two patterns.
    std::string name = context->currentTest->m_name;
    for (char& c : name) {
      if (c == ',') c = '*';
    }
    command += " --test-case='" + name + "'";
  }
  return command;
}

watchdog::watchdog(std::chrono::seconds limit, std::uint64_t seed, std::function<std::string()> what)
    : thread_{[this, limit, command = rerun_command(seed), what = std::move(what)] {
        std::unique_lock lock{mutex_};
        if (over_.wait_for(lock, limit, [&] { return done_; })) return;
        std::fprintf(stderr, "watchdog: no end after %lld s. %s\nrun it again: %s\n",
                     static_cast<long long>(limit.count()), what ? what().c_str() : "", command.c_str());
        std::abort();
      }} {}

watchdog::~watchdog() {
  {
    const std::lock_guard lock{mutex_};
    done_ = true;
  }
  over_.notify_all();
  thread_.join();
}

}  // namespace cooper::test
