// SPDX-License-Identifier: BSD-3-Clause
// idle: what a booted machine with nothing to do costs, as percent of one core.
#pragma once

#include "support/run.hpp"

namespace cooper::bench::idle {

void measure_cooper(run& r, const contender& self);
void measure_polling(run& r, const contender& self);

extern const workload table;

}  // namespace cooper::bench::idle
