// SPDX-License-Identifier: BSD-3-Clause
// `cooper sim --calibrate`: this machine's cost profile, and how well it predicts this machine.
#pragma once

#include <optional>
#include <string>

#include <cooper/vocabulary/error.hpp>

namespace cooper::tools {

struct calibrate_options {
  std::string file;                  // where the profile goes; "-" is standard output
  std::optional<std::string> cores;  // by PU number; the first two are used
  double seconds = 20;
  std::optional<std::string> json;  // what was predicted
};

// The exit code: exit_check_failed if a prediction is off by more than bench::prediction_bound.
// Errors: as bench::calibrate; unwritable_output.
result<int> run_calibration(const calibrate_options& options);

}  // namespace cooper::tools
