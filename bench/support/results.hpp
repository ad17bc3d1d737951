// SPDX-License-Identifier: BSD-3-Clause
// The results of a run as JSON and as text for a person.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "support/row.hpp"
#include "support/run.hpp"

namespace cooper::bench {

// Google Benchmark's shape: "context" and "benchmarks". `context` is describe_context() of the run's
// beginning; pinning, warnings, "interrupted" and the trace of the floor are added.
boost::json::object results_json(boost::json::object context, run& r, const std::vector<row>& rows);

// What a reader of these figures must know: noise, levels, what could not be had. One sentence each.
std::vector<std::string> warnings_of(const std::vector<row>& rows, bool pinned);

// The rows of one workload as a table, headlines first; every number with its unit.
std::string results_text(const std::vector<row>& rows);

// A number with three significant digits: "113", "1.62 million", "0.0834".
std::string human(double value);

// Indented by two, members in their order, small arrays on one line.
std::string pretty(const boost::json::value& value);

}  // namespace cooper::bench
