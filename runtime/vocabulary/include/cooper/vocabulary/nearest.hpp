// SPDX-License-Identifier: BSD-3-Clause
// What a misspelt name was meant to be: for messages to people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cooper {

// The candidate that is closest in spelling, if any is close enough to have been meant.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace cooper
