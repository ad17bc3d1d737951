// SPDX-License-Identifier: BSD-3-Clause
#include "engine_thread.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <sched.h>

namespace cooper::skb {
namespace {

// Prolog needs a mebibyte; deep terms are read by recursion, whatever this process gives its threads.
constexpr std::size_t stack_bytes = std::size_t{8} << 20;

struct attributes {
  pthread_attr_t value;
  attributes() { pthread_attr_init(&value); }
  ~attributes() { pthread_attr_destroy(&value); }
  attributes(const attributes&) = delete;
  attributes& operator=(const attributes&) = delete;
};

// The thread would have its creator's mask, which may be one core that runs a driver.
void choose_cores(pthread_attr_t& thread, const topology& machine, std::span<const core_id> keep_off) {
  const std::vector<core_id> allowed = machine.allowed_cores();
  std::vector<core_id> chosen;
  std::copy_if(allowed.begin(), allowed.end(), std::back_inserter(chosen),
               [&](core_id c) { return std::find(keep_off.begin(), keep_off.end(), c) == keep_off.end(); });
  if (chosen.empty()) chosen = allowed;
  std::size_t width = 0;
  for (const core_id c : chosen) width = std::max<std::size_t>(width, machine.thread(c).pu_index + 1);
  if (width == 0) return;
  const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set{CPU_ALLOC(width), [](cpu_set_t* s) { CPU_FREE(s); }};
  if (!set) return;
  const std::size_t bytes = CPU_ALLOC_SIZE(width);
  CPU_ZERO_S(bytes, set.get());
  for (const core_id c : chosen) CPU_SET_S(machine.thread(c).pu_index, bytes, set.get());
  static_cast<void>(pthread_attr_setaffinity_np(&thread, bytes, set.get()));
}

}  // namespace

result<void> engine_thread::start(const topology& machine, std::span<const core_id> keep_off,
                                  std::function<void()> work) {
  work_ = std::move(work);
  const auto body = [](void* self) -> void* {
    static_cast<engine_thread*>(self)->work_();
    return nullptr;
  };
  attributes how;
  pthread_attr_setstacksize(&how.value, stack_bytes);
  if (machine.is_this_machine()) choose_cores(how.value, machine, keep_off);
  if (const int failed = pthread_create(&id_, &how.value, body, this); failed != 0) {
    return error{errc::thread_failed, std::string{"the knowledge base's: "} + std::strerror(failed)};
  }
  running_ = true;
  return {};
}

void engine_thread::join() {
  if (std::exchange(running_, false)) pthread_join(id_, nullptr);
}

}  // namespace cooper::skb
