// SPDX-License-Identifier: BSD-3-Clause
// The options of a program that is an actor, as main.hpp describes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <cooper/vocabulary/error.hpp>

namespace cooper::actors {

struct program_options {
  std::optional<std::string> cores;
  std::optional<std::string> simulate;
  std::optional<std::string> topology;
  std::optional<std::uint64_t> seed;
  std::size_t faults = 0;
  bool clock_allowed = false;
  std::optional<std::string> trace;
  std::vector<std::string> rest;
};

// Errors: bad_option.
result<program_options> parse_program_options(int argc, const char* const* argv);

// A line for people.
std::string program_usage(const char* program);

}  // namespace cooper::actors
