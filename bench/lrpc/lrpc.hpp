// SPDX-License-Identifier: BSD-3-Clause
// lrpc: a message to an endpoint of the same core and back. One core; the unit is a round trip.
#pragma once

#include "support/conversation.hpp"
#include "support/run.hpp"

namespace cooper::bench::lrpc {

void measure_cooper(run& r, const contender& self);
void measure_direct_call(run& r, const contender& self);
void measure_std_function(run& r, const contender& self);
void measure_asio_post(run& r, const contender& self);

// Samples windows on the first of the run's threads, without a floor: no second core takes part.
void sample_local(run& r, row& into, const timed_operations& operations);

// The conversation of measure_cooper, for a simulated machine too.
result<std::unique_ptr<conversation>> on_a_driver(machine& on);

extern const workload table;

}  // namespace cooper::bench::lrpc
