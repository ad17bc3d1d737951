// SPDX-License-Identifier: BSD-3-Clause
#include "running.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include <fmt/format.h>

namespace cooper::tools {
namespace {

// Atomic, and not only sig_atomic_t: the system hands a process's signal to any of its threads.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal's handler may not wait for a lock");

std::string names_of(const std::vector<running_machine>& all) {
  std::string names;
  for (const running_machine& one : all) names += (names.empty() ? "" : ", ") + name_of_machine(one);
  return names;
}

}  // namespace

std::string name_of_machine(const running_machine& one) {
  return one.index == 0 ? std::to_string(one.pid) : fmt::format("{}-{}", one.pid, one.index);
}

result<std::string> choose_machine(const std::string& given, const std::string& none) {
  if (!given.empty()) return given;
  const std::vector<running_machine> all = list_running();
  if (all.size() == 1) return all.front().path;
  if (all.empty()) return error{errc::socket_unavailable, none};
  return error{errc::bad_option, fmt::format("several machines are running: {}; name one", names_of(all))};
}

interruptible::interruptible() {
  // sync(tools.interrupted) relaxed: a flag by itself.
  interrupted.store(false, std::memory_order_relaxed);
  struct sigaction action {};
  // sync(tools.interrupted) relaxed: a flag by itself.
  action.sa_handler = [](int) { interrupted.store(true, std::memory_order_relaxed); };
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &former_);
}

interruptible::~interruptible() { ::sigaction(SIGINT, &former_, nullptr); }

bool was_interrupted() noexcept {
  // sync(tools.interrupted) relaxed: a flag by itself.
  return interrupted.load(std::memory_order_relaxed);
}

void wait_seconds(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>{seconds};
  constexpr std::chrono::milliseconds step{20};
  while (!was_interrupted() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(step);
}

}  // namespace cooper::tools
