// SPDX-License-Identifier: BSD-3-Clause
// Scenario files: which program runs on which simulated machine, with which costs, load and faults. docs/profiles.md
// describes them to people.
//
//   const auto s = read_scenario("ping_pong.toml", programs);   // all is checked: machine, cores, load, faults
//   const auto faults = faults_of(*s, s->seed);                 // the written ones and the swarm's
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cooper/runtime/faults.hpp>
#include <cooper/runtime/profile.hpp>
#include <cooper/runtime/topology.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

#include "simulated/programs.hpp"

namespace cooper::tools {

using bench::simulated::load_key;
using bench::simulated::load_value;
using bench::simulated::program_description;

struct scenario {
  std::filesystem::path file;
  topology where;
  std::string synthetic{};  // the notation that `where` was made from; empty: from machine_xml
  std::string machine_xml{};
  profile costs;
  std::vector<core_id> cores{};  // of `where`, in order; they become core 0, 1, ...
  std::string program{};
  std::uint64_t seed = 1;
  std::optional<duration> until{};                         // virtual time at most
  std::vector<std::pair<std::string, load_value>> load{};  // every key of the program, in its order
  std::vector<fault> faults{};                             // as written, checked
  std::optional<cooper::swarm> swarm{};                    // to be drawn, with the seed
  std::vector<std::pair<std::string, cost>> handlers{};    // those that the file has
};

// What stands in place of what a file says, or beside it: options of a command line.
struct scenario_changes {
  std::optional<std::string> program, profile, synthetic, xml, cores;
  std::optional<std::uint64_t> seed;
  std::optional<double> until_ms;
  std::vector<std::string> set;       // "rounds=10" of [load], "handlers.ping=20"
  std::optional<std::size_t> faults;  // a swarm of so many, within the first millisecond
};

// What a scenario's text names, if it comes along and is not looked for: a result holds it.
struct scenario_parts {
  std::string profile_toml, machine_xml;
};

// Errors: unreadable_input (no such file, empty, over 1 MiB), malformed_input (with file, line, and what to do),
// bad_option (of changes).
result<scenario> read_scenario(const std::filesystem::path& file, std::span<const program_description> programs,
                               const scenario_changes& changes = {});
// `file` names the text in messages, and its folder is where relative paths begin.
result<scenario> parse_scenario(std::string_view text, const std::filesystem::path& file,
                                std::span<const program_description> programs, const scenario_changes& changes = {},
                                const scenario_parts* parts = nullptr);

// With everything said that a file may leave out. Read again with its parts, it gives the same scenario.
std::string to_toml(const scenario& of);
scenario_parts parts_of(const scenario& of);

// The written faults and those that the swarm draws, by their begin; one that is drawn upon a written one of its kind
// is left out. Errors: bad_option, as draw_faults; never with the seed of the file.
result<std::vector<fault>> faults_of(const scenario& from, std::uint64_t seed);

}  // namespace cooper::tools
