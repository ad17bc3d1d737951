// SPDX-License-Identifier: BSD-3-Clause
// Which core the calling thread is: the only thread_local of the runtime.
#pragma once

#include <cooper/runtime/core.hpp>

namespace cooper::detail {

// Makes the calling thread a core's driver for the length of a scope.
class current_core_scope {
 public:
  explicit current_core_scope(core& c) noexcept;
  ~current_core_scope();
  current_core_scope(const current_core_scope&) = delete;
  current_core_scope& operator=(const current_core_scope&) = delete;

 private:
  core* before_;
};

}  // namespace cooper::detail
