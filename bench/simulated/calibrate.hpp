// SPDX-License-Identifier: BSD-3-Clause
// This machine as a cost profile, and what that profile predicts of it.
//
// Two cores are measured: the floor, bursts of lines into a core that does not look, its draining of them, a burst into
// one that looks, an idle driver's turns, and conversations that stay on one core, from which our layers' own work is
// found. Between those windows stand windows of the conversations that are to be predicted; a host that moves its cores
// moves all alike, and rounds in which it slowed one of them do not count. From the profile the same conversations are
// then simulated.
//
//   half the floor             transit + first + receive: two crossings, taken as equal. The writer takes the line from
//                              who looks at it, and the reader fetches it back; fetch and move are such a crossing, too
//   a burst, sent              send, with its fetching of credit
//   a burst, beside a receiver gap
//   a burst, drained           receive + dispatch
//   an empty line to itself    dispatch
//   lrpc                       what line_rtt's handlers do with 56 bytes
//   an idle driver             turn
//   calls on one core          work: line, call, answer, coroutine
//   CAF messages on one core   work: parcel_sent, parcel_received
//
// Predicted, with nothing touched: line_rtt, which is the check of fit, line_stream, call_rtt, parcel_rtt, and
// shared_vs_message but its contenders whose reads and writes race: a real core does several of those at once.
#pragma once

#include <string>
#include <vector>

#include <cooper/runtime/profile.hpp>

#include "support/run.hpp"

namespace cooper::bench {

struct prediction {
  std::string name;     // of the benchmark: "call_rtt/coroutine"
  std::string unit;     // of both
  double measured = 0;  // median of this run's windows at the level of the floor that the profile is of
  double spread = 0;    // median absolute deviation
  std::size_t windows = 0;
  double predicted = 0;
  double off() const { return predicted / measured - 1; }
};

struct calibration {
  profile costs;
  double floor_ns = 0;  // the round trip that the profile is of
  // What the handlers of line_rtt do with their 56 bytes, beside what an empty handler does. It is the benchmark's and
  // not the machine's, so it is in no profile.
  cost handling{};
  std::vector<prediction> predictions;
  std::vector<std::string> warnings;
};

// The most that a prediction may be off.
inline constexpr double prediction_bound = 0.15;

// Measures on the run's first two cores for the run's seconds, and predicts. Errors: those of machine::boot;
// stopped (interrupted, or too few windows at one level).
result<calibration> calibrate(run& r);
// The same conversations on two simulated cores with other costs; what `measured` holds is left alone.
result<void> predict(const profile& costs, cost handling, std::vector<prediction>& predictions);

}  // namespace cooper::bench
