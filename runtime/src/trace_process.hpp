// SPDX-License-Identifier: BSD-3-Clause
// The trace as Chrome JSON under a process number that is told: a simulated machine's trace holds nothing of its host.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <cooper/runtime/trace.hpp>

namespace cooper::detail {

std::string chrome_trace_json_of(long process, std::string_view process_label, std::span<const traced_core> cores);

}  // namespace cooper::detail
