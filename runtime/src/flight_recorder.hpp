// SPDX-License-Identifier: BSD-3-Clause
// The list of all trace rings of this process, as the crash handler finds it. Private to runtime. Any thread.
#pragma once

#include <cooper/runtime/trace.hpp>

namespace cooper::detail {

// Lock-free; beyond the size of the list a ring is left out, and the record says how many were.
void enter_flight_recorder(const trace_ring& ring) noexcept;
void leave_flight_recorder(const trace_ring& ring) noexcept;

}  // namespace cooper::detail
