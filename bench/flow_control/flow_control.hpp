// SPDX-License-Identifier: BSD-3-Clause
// flow_control: three ways to tell a sender that a slot is free again, over rings that are otherwise alike.
#pragma once

#include "support/run.hpp"

namespace cooper::bench::flow_control {

void measure_credit_word(run& r, const contender& self);
void measure_used_flag(run& r, const contender& self);
void measure_piggyback(run& r, const contender& self);

extern const workload table;

}  // namespace cooper::bench::flow_control
