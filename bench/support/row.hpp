// SPDX-License-Identifier: BSD-3-Clause
// One row of results: what a contender did, the windows it was measured in, and what they come to.
//
// The shape follows Google Benchmark's JSON, so that its tools read ours; DESIGN section 9 lists the fields that are
// ours. Windows are kept raw until the run has ended: only then is it known which level of the floor is "near".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/levels.hpp"

namespace cooper::bench {

// One window of the contender between two windows of the floor, and perhaps one of its peer. Nanoseconds an operation.
struct window {
  double floor_before = 0;
  double floor_after = 0;
  double contender = 0;
  double peer = 0;
};

struct level_summary {
  std::size_t windows = 0;
  double floor = 0;   // median, ns
  double median = 0;  // in the row's unit
  double ratio = 0;
  double ratio_mad = 0;
};

struct row {
  std::string workload;
  std::string contender;
  std::string parameters;  // "capacity=32/credit_batch=8"; empty: the contender's headline
  std::string label;       // what to know about it, for a person
  std::string unit = "ns";
  std::string error;            // why there is nothing: then the figures mean nothing
  std::string peer;             // the contender that windows[].peer is of
  bool skipped = false;         // error says why this machine cannot run it; no fault
  bool rate = false;            // value is operations a second, made from the windows' nanoseconds; larger is better
  std::vector<unsigned> cores;  // the operating system's numbers

  // -- what was measured: windows, or single values already in the unit (singles_timed if each is one operation)
  std::vector<window> windows;
  std::vector<double> values;
  bool singles_timed = false;
  bool keep_all = false;  // smoke: windows too short to tell the floor's levels apart
  std::uint64_t iterations = 0;
  double cpu_time_ns = 0;  // of the process, an operation
  double foreign = 0;
  double steal = 0;

  // -- what it comes to, filled by summarise()
  double value = 0, median = 0, mad = 0, min = 0, p10 = 0, p90 = 0, p99 = 0;
  std::size_t samples = 0;
  std::size_t discarded = 0;
  std::optional<double> floor, ratio_to_floor, ratio_mad, ratio_p10, ratio_p90;
  std::optional<double> ratio_to_peer, ratio_to_peer_mad;
  std::optional<level> headline;
  std::array<level_summary, level_count> levels{};

  std::string name() const;  // workload/contender[/parameters]
};

// Discards, sorts into levels and summarises. The scale is that of the row's cores in this run.
void summarise(row& r, const level_scale& scale);
// The same for all rows of a run; each pair of cores has its own scale.
void summarise_all(std::vector<row>& rows);

}  // namespace cooper::bench
