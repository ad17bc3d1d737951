// SPDX-License-Identifier: BSD-3-Clause
// Small programs over the real channel and driver, each with what must hold in every execution.
#pragma once

#include <string_view>
#include <vector>

#include "explorer.hpp"

namespace cooper::model {

struct scenario {
  std::string_view name;
  setup_function setup;
  // Nothing: every execution. Else there are too many for that in membarrier mode, and it has this many random ones,
  // from a seed.
  std::uint64_t random_executions = 0;
};

const std::vector<scenario>& scenarios();
report explore(options how, const scenario& s);

}  // namespace cooper::model
