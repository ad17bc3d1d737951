// SPDX-License-Identifier: BSD-3-Clause
// The simulated figures of the report: published ones on the machines of their paper, and trees on large machines.
#pragma once

#include <boost/json/array.hpp>

#include <cooper/vocabulary/error.hpp>

namespace cooper::tools {

// Results as `cooper sim --json` gives them, each with "figure": "figure_6", "figure_3" or "trees". Takes seconds.
// Smoke: fewer points. Errors: as simulate's.
result<boost::json::array> simulate_figures(bool smoke);

}  // namespace cooper::tools
