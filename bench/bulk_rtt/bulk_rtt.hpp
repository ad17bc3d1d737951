// SPDX-License-Identifier: BSD-3-Clause
// bulk_rtt: a bulk buffer of 64 bytes to 64 KiB goes to an actor on the other core and back, moved or copied.
#pragma once

#include "support/run.hpp"

namespace cooper::bench::bulk_rtt {

void measure_moved(run& r, const contender& self);
void measure_copied(run& r, const contender& self);

extern const workload table;

}  // namespace cooper::bench::bulk_rtt
