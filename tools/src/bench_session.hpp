// SPDX-License-Identifier: BSD-3-Clause
// What `cooper bench` and `cooper report` share: a run over the chosen cores, with a progress line; SIGINT ends it with
// what there is. Main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include <cooper/runtime/topology.hpp>

#include "support/run.hpp"

namespace cooper::tools {

struct session_options {
  std::optional<std::string> cores;
  double seconds = 1;
  bool smoke = false;
  bool pairs = false;
  bool claim = true;
};

struct session_results {
  std::vector<bench::row> rows;
  boost::json::object json;
  std::vector<std::string> warnings;
  bool interrupted = false;
};

// What the names mean, in their order. Errors: unknown_name, with the nearest.
result<std::vector<bench::selection>> select_benchmarks(const std::vector<std::string>& names);

// Measures. Progress goes to standard error where that is a terminal. Errors: those of select_cores().
result<session_results> run_session(const topology& where, const session_options& options,
                                    const std::vector<bench::selection>& what);

// A sensible number of seconds, or bad_option.
result<void> check_seconds(double seconds);

}  // namespace cooper::tools
