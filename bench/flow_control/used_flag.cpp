// SPDX-License-Identifier: BSD-3-Clause
#include "flow_control/used_flag.hpp"
#include "flow_control/grid.hpp"

namespace cooper::bench::flow_control {

void measure_used_flag(run& r, const contender& self) { measure_grid<used_flag_link>(r, self, grid_rows); }

}  // namespace cooper::bench::flow_control
