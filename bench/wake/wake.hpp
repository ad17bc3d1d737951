// SPDX-License-Identifier: BSD-3-Clause
// wake: from a send until the handler of a sleeping receiver has run, seen by the sender.
//
// The floor is the least that Linux asks for the same: a thread on the receiver's core in a blocking read of an
// eventfd. Every operation is timed alone, after the same rest; what answers is a word that the woken side stores, so
// the time ends half a line's round trip after the handler began, for the floor and the contenders alike.
#pragma once

#include "support/run.hpp"

namespace cooper::bench::wake {

void measure_cooper(run& r, const contender& self);
void measure_condvar(run& r, const contender& self);
void measure_disturbance(run& r, const contender& self);

extern const workload table;

}  // namespace cooper::bench::wake
