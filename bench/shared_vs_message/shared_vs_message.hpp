// SPDX-License-Identifier: BSD-3-Clause
// shared_vs_message: the paper's Figure 3 on this machine.
//
// An operation updates k cache lines. Shared: every core does it in place, on the same lines. Message: one server core
// does it in its own memory for clients that call it. k = 1, 2, 4, 8.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include <cooper/vocabulary/line.hpp>

#include "support/run.hpp"

namespace cooper::bench::shared_vs_message {

inline constexpr std::size_t line_counts[] = {1, 2, 4, 8};
inline constexpr std::size_t lines_max = 8;

void measure_shared(run& r, const contender& self);
void measure_shared_locked(run& r, const contender& self);
void measure_message(run& r, const contender& self);
void measure_message_pipelined(run& r, const contender& self);

// Numbers of cores to measure with: powers of two, and all.
std::vector<std::size_t> core_counts(std::size_t least, std::size_t most);

// The lines that are updated, each with one word that counts.
struct alignas(line_bytes) updated_line {
  std::atomic<std::uint64_t> count{0};
};

// One row for each k and number of cores, and the headline of the contender: 8 lines, all cores.
using one_measurement = std::function<void(std::size_t lines, std::size_t cores, const sampling_plan& plan, row& into)>;
void measure_all(run& r, const contender& self, std::size_t cores_least, const one_measurement& measure);

extern const workload table;

}  // namespace cooper::bench::shared_vs_message
