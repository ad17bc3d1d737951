// SPDX-License-Identifier: BSD-3-Clause
// Programs that run on a simulated machine, in virtual time. `cooper sim` runs them, scenarios name them.
//
// A program exists if it stands in the table. It is told its load, makes the machines that it needs (one for each
// number of cores, say) and writes rows: what something takes, and what it moved. The same plan gives the same rows, to
// the last bit: whatever depends on the host, such as how fast it simulates, is kept apart.
//
// Main thread.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <cooper/runtime/costs.hpp>
#include <cooper/vocabulary/error.hpp>

namespace cooper::bench::simulated {

using load_value = std::variant<std::int64_t, std::string>;

// One thing that a program can be told; its default says whether it is a number or a text.
struct load_key {
  std::string key;
  std::string words;
  load_value otherwise;
  std::int64_t least = 0;  // of numbers
  std::int64_t most = std::numeric_limits<std::int64_t>::max() - 1;
};

// What a scenario's reader must know of a program.
struct program_description {
  std::string name;
  std::string words;
  std::vector<load_key> load;
  std::vector<std::string> handlers;  // whose costs a scenario may give
};

// What moved between cores. Lines are those that crossed from one core's cache to another's: messages, credit that was
// returned, and shared lines that were fetched or taken.
struct traffic {
  double messages = 0;   // also those from a core to itself
  double crossings = 0;  // those that went to another core
  double lines = 0;
};

struct measurement {
  std::string name;                                      // "unicast"
  std::vector<std::pair<std::string, std::int64_t>> at;  // {"cores", 8}
  double value = 0;
  std::string unit;  // "ns", "messages/s"
  std::string per;   // "round": what the value and the counts are of
  traffic moved;     // by one of these
  std::string note = {};
};

class simulation;

struct program {
  program_description about;
  result<void> (*run)(simulation& on);
  std::string plot_over = {};  // the parameter that a picture has below; empty: no curves
};

// In the order in which they are listed.
std::span<const program> programs();
// Null if there is none of that name.
const program* find_program(std::string_view name);
std::vector<program_description> descriptions();

// -- the programs' own, each in a file of that name

program shootdown_messages();
program shared_vs_message();
program ping_pong();
program stream();
program ring();

}  // namespace cooper::bench::simulated
