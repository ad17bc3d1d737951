// SPDX-License-Identifier: BSD-3-Clause
// results.json as the report sees it. Tolerant of fields that are missing, strict about the shape.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cooper/vocabulary/error.hpp>

namespace cooper::tools {

// A level of the floor, and what the row showed there.
struct report_level {
  std::string name;
  double windows = 0, floor = 0, median = 0, ratio = 0;
};

struct report_row {
  std::string name, workload, contender, parameters, label, unit, error, peer, level;
  std::string kind;                              // "measured" or "simulated": never drawn alike
  std::map<std::string, std::string> parameter;  // "capacity" -> "32"; a bare word -> ""
  bool skipped = false, higher_is_better = false;
  double value = 0, mad = 0, p10 = 0, p90 = 0;
  double samples = 0, discarded = 0, foreign = 0;
  std::optional<double> p99, floor, ratio, ratio_mad, ratio_p10, ratio_p90, ratio_to_peer, ratio_to_peer_mad;
  std::vector<report_level> levels;
  std::vector<std::string> cores;

  bool usable() const { return error.empty(); }
};

struct report_data {
  boost::json::object context;
  std::vector<report_row> rows;
  std::vector<double> floor_trace;
  std::vector<std::string> warnings;
  std::vector<std::string> doctor;  // what `cooper doctor` found, if it was asked
  std::string topology_svg;         // may be empty
  boost::json::array simulated;     // results of `cooper sim`, each with "figure"; may be empty
  bool interrupted = false;

  // The context's text or number under that name, as text; "unknown" if it is not there.
  std::string about(std::string_view key) const;
  double number(std::string_view key) const;
  // A row that holds figures, by its name; null if it is not there or could not be measured.
  const report_row* find(std::string_view name) const;
  std::vector<const report_row*> of(std::string_view workload) const;
};

// Errors: malformed_input.
result<report_data> read_results(const boost::json::value& results);

}  // namespace cooper::tools
