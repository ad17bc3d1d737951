// SPDX-License-Identifier: BSD-3-Clause
// What a run's figures depend on: the machine, the kernel, the build. The "context" of the JSON.
#pragma once

#include <boost/json/object.hpp>

#include "support/run.hpp"

namespace cooper::bench {

// Reads it now; load_avg is that of the beginning, so ask before measuring. What cannot be read is "unknown".
boost::json::object describe_context(const run_options& options);

// The revision and the kind of build that this program was made from.
std::string_view build_revision() noexcept;
std::string_view build_type() noexcept;

// The name of the hypervisor, or "none".
std::string hypervisor_name();

}  // namespace cooper::bench
