// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/vocabulary/assert.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace cooper::detail {
namespace {

std::atomic<crash_hook> hook{nullptr};

}  // namespace

void set_crash_hook(crash_hook h) noexcept { hook.store(h, std::memory_order_release); }

void assertion_failed(const char* expression, const char* file, int line, const char* message) noexcept {
  std::fprintf(stderr, "cooper: assertion failed: %s (%s) at %s:%d\n", message, expression, file, line);
  if (const crash_hook h = hook.exchange(nullptr, std::memory_order_acq_rel)) h();
  std::abort();
}

}  // namespace cooper::detail
