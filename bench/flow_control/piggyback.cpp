// SPDX-License-Identifier: BSD-3-Clause
#include "flow_control/piggyback.hpp"
#include "flow_control/grid.hpp"

namespace cooper::bench::flow_control {

void measure_piggyback(run& r, const contender& self) { measure_grid<piggyback_link>(r, self, grid_rows); }

}  // namespace cooper::bench::flow_control
