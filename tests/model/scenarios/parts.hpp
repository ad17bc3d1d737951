// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "scenarios.hpp"

namespace cooper::model {

void add_channel_scenarios(std::vector<scenario>& all);
void add_parking_scenarios(std::vector<scenario>& all);
void add_lifetime_scenarios(std::vector<scenario>& all);
void add_binding_scenarios(std::vector<scenario>& all);

}  // namespace cooper::model
