// SPDX-License-Identifier: BSD-3-Clause
// What `cooper sim` ran and found: for people, for programs, and as a picture.
//
// A result holds its whole scenario, so that it can be run again. What the host needed for it stands apart, for it is
// another each time; and nothing here is ever in one table with what was measured.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "report_chart.hpp"
#include "scenario.hpp"
#include "simulated/simulation.hpp"

namespace cooper::tools {

struct simulated_run {
  scenario of;
  std::vector<fault> faults;  // written and drawn
  std::vector<bench::simulated::measurement> rows = {};
  std::string ended_by = {};  // empty: it came to its end; else what kept it from it
  bool interrupted = false;
  bench::simulated::host_account host = {};
  std::string trace = {};
};

struct run_limits {
  std::uint64_t turns_max = 1'000'000'000;
  bool trace = false;
  std::function<bool()> interrupted = {};
};
// Runs a scenario. That its program did not come to its end is no error here. Errors: of the load (bad_option,
// unknown_name), and as machine::simulate's.
result<simulated_run> simulate(const scenario& of, const run_limits& limits = {});

// What will be run: machine, load and faults. Ends with a line break.
std::string scenario_text(const scenario& of, const std::vector<fault>& faults, bool coloured);
std::string result_text(const simulated_run& run, bool coloured);

// {"kind": "simulated", "version", "scenario": {"toml", "profile_toml", "machine_xml"}, "faults", "results",
//  "ended_by", "host": {"kind": "host", ...}}
boost::json::object json_of(const simulated_run& run);
// The scenario that a result holds. Errors: malformed_input (no result, or one of another version).
result<scenario> scenario_of(const boost::json::value& result_json, const std::string& file);
// Where two results differ, without what the host needed; empty if they are equal to the byte.
std::string difference(const boost::json::object& a, const boost::json::object& b);

// One line for each contender. Empty if the program has no curves.
line_chart chart_of(const simulated_run& run);

std::string list_of_programs();
boost::json::object json_of_programs();

}  // namespace cooper::tools
