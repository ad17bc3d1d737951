// SPDX-License-Identifier: BSD-3-Clause
// line_rtt: one 64-byte message to another core and back, one at a time. One file a contender.
#pragma once

#include "support/conversation.hpp"
#include "support/run.hpp"

namespace cooper::bench::line_rtt {

// Entries that every queue has, where it has a capacity; Cooper's rings have 32 lines, as in the product.
inline constexpr std::size_t peer_capacity = 256;
inline constexpr std::size_t cooper_capacity = 32;

void measure_cooper(run& r, const contender& self);
void measure_cooper_driver(run& r, const contender& self);
void measure_floor(run& r, const contender& self);
void measure_boost_spsc(run& r, const contender& self);
void measure_moodycamel(run& r, const contender& self);
void measure_mutex_queue(run& r, const contender& self);
void measure_asio_post(run& r, const contender& self);
void measure_pipe(run& r, const contender& self);
void measure_eventfd(run& r, const contender& self);

// The conversation of measure_cooper_driver, for a simulated machine too; there a handler takes so long.
result<std::unique_ptr<conversation>> on_drivers(machine& on, cost handling = {});

extern const workload table;

}  // namespace cooper::bench::line_rtt
