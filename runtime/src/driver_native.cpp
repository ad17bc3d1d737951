// SPDX-License-Identifier: BSD-3-Clause
// The CPU driver of real cores, in both barrier modes.
#include "driver_native.hpp"

#include "driver_idle.hpp"
#include "driver_links.hpp"
#include "driver_send.hpp"
#include "driver_turn.hpp"

namespace cooper::detail {

template class basic_driver<native_platform<barrier_mode::membarrier>>;
template class basic_driver<native_platform<barrier_mode::fence>>;

}  // namespace cooper::detail
