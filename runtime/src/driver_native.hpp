// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "driver.hpp"
#include "native_platform.hpp"

namespace cooper::detail {

extern template class basic_driver<native_platform<barrier_mode::membarrier>>;
extern template class basic_driver<native_platform<barrier_mode::fence>>;

}  // namespace cooper::detail
