// SPDX-License-Identifier: BSD-3-Clause
// Scenario files: which program runs on which simulated machine, with which costs, load and faults. docs/profiles.md
// describes them to people.
//
//   const auto s = read_scenario("ping_pong.toml", programs);   // all is checked: machine, cores, load, faults
//   const auto faults = faults_of(*s, s->seed);                 // the written ones and the swarm's
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <cooper/runtime/faults.hpp>
#include <cooper/runtime/profile.hpp>
#include <cooper/runtime/topology.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::tools {

using load_value = std::variant<std::int64_t, std::string>;

// One thing that a program can be told in [load]; its default says whether it is a number or a text.
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
  std::vector<std::string> handlers;  // whose costs [handlers] may give
};

struct scenario {
  std::filesystem::path file;
  topology where;
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

// Errors: unreadable_input (no such file, empty, over 1 MiB), malformed_input (with file, line, and what to do).
result<scenario> read_scenario(const std::filesystem::path& file, std::span<const program_description> programs);
// `file` names the text in messages, and its folder is where relative paths begin.
result<scenario> parse_scenario(std::string_view text, const std::filesystem::path& file,
                                std::span<const program_description> programs);

// The written faults and those that the swarm draws, by their begin; one that is drawn upon a written one of its kind
// is left out. Errors: bad_option, as draw_faults; never with the seed of the file.
result<std::vector<fault>> faults_of(const scenario& from, std::uint64_t seed);

}  // namespace cooper::tools
