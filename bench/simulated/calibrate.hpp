// SPDX-License-Identifier: BSD-3-Clause
// This machine as a cost profile, and what that profile predicts of it.
//
// Two cores are measured: the floor, bursts of lines into a core that does not look and its draining of them, an idle
// driver's turns, and conversations that stay on one core, from which our layers' own work is found. Between those
// windows stand windows of the conversations that are to be predicted; a host that moves its cores moves all alike.
// From the profile the same conversations are then simulated.
//
//   half the floor          transit + receive
//   a burst, sent           send, burst, send_more
//   a burst, drained        receive + dispatch
//   an empty line to itself  dispatch
//   lrpc                    what line_rtt's handlers do with 56 bytes
//   an idle driver          turn
//   calls on one core       work: line, call, answer, coroutine
//   CAF messages on one core   work: parcel_sent, parcel_received
//
// Predicted, with nothing touched: line_rtt, which is the check of fit, line_stream, call_rtt, parcel_rtt.
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
