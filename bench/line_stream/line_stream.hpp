// SPDX-License-Identifier: BSD-3-Clause
// line_stream: 64-byte messages one way, all 56 payload bytes written and summed. One file a contender.
#pragma once

#include "support/conversation.hpp"
#include "support/run.hpp"

namespace cooper::bench::line_stream {

// Entries of every queue and ring that has a capacity.
inline constexpr std::size_t capacity = 256;
// The paper's window (Table 2): at most this many messages that the receiver has not acknowledged.
inline constexpr std::uint64_t window = 16;

void measure_cooper(run& r, const contender& self);
void measure_cooper_driver(run& r, const contender& self);
void measure_boost_spsc(run& r, const contender& self);
void measure_moodycamel(run& r, const contender& self);
void measure_mutex_queue(run& r, const contender& self);
void measure_asio_post(run& r, const contender& self);
void measure_pipe(run& r, const contender& self);

// The conversation of measure_cooper_driver, one sender and no window, for a simulated machine too.
result<std::unique_ptr<conversation>> on_drivers(machine& on);

extern const workload table;

}  // namespace cooper::bench::line_stream
