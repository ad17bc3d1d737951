// SPDX-License-Identifier: BSD-3-Clause
// What `cooper doctor` finds wrong, as sentences for the report.
#pragma once

#include <string>
#include <vector>

#include <cooper/runtime/topology.hpp>

namespace cooper::tools {

// Takes a third of a second; call it before anything is measured.
std::vector<std::string> ask_doctor(const topology& where, const std::vector<core_id>& cores);

}  // namespace cooper::tools
