// SPDX-License-Identifier: BSD-3-Clause
#include "current_core.hpp"

#include <utility>

#include <cooper/runtime/footprint.hpp>

namespace cooper {
namespace {

thread_local core* current_core = nullptr;

}  // namespace

core* core::current() noexcept { return current_core; }

detail::current_core_scope::current_core_scope(core& c) noexcept : before_{std::exchange(current_core, &c)} {
  footprint::enter_core(c.id().value);
}
detail::current_core_scope::~current_core_scope() {
  current_core = before_;
  if (before_ == nullptr) {
    footprint::leave_core();
  } else {
    footprint::enter_core(before_->id().value);
  }
}

}  // namespace cooper
