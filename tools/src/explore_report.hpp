// SPDX-License-Identifier: BSD-3-Clause
// What `cooper explore` has found, for people and for programs.
#pragma once

#include <optional>
#include <string>

#include <boost/json.hpp>

#include <cooper/protocols/replay.hpp>
#include <cooper/protocols/subjects.hpp>

#include "report_chart.hpp"

namespace cooper::tools {

// What "ends" a replay: one way was gone, and not all of them.
inline constexpr const char* replay_end = "replay";

struct explored {
  const protocols::subject* of = nullptr;
  protocols::subject_options options = {};
  protocols::exploration_report report = {};
  double seconds = 0;
  std::size_t memory_mib = 0;
  std::string command = {};  // that does the same again, without its files and bounds
  std::string save_to = {};  // empty: nowhere
  std::string written_replay = {};
  std::optional<protocols::replay> replayed = {};
};

// States a second; 0 if that cannot be said.
double rate_of(const explored& what);
boost::json::object json_of(const explored& what);
// Ends with a line break. Colour on request.
std::string text_of(const explored& what, bool coloured);

// How many states take how many actions.
line_chart chart_of(const explored& what);
// The way to the violation, or of the replay, as Chrome JSON: a slice an action on the track of its core, 10 us apart,
// and an arrow from where a line was sent.
std::string chrome_trace(const explored& what);

// The protocols, their limits, and the bugs that can be planted.
std::string list_of_subjects();
boost::json::array json_of_subjects();

}  // namespace cooper::tools
