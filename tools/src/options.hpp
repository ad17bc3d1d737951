// SPDX-License-Identifier: BSD-3-Clause
// What the subcommands share: common options, outputs that are known to be writable before work starts, errors as exit
// codes, colour, and guessing what a misspelt name meant. Main thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/runtime/topology.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/nearest.hpp>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cooper::tools {

// Which machine, and which of its cores: --cores, --xml, --synthetic.
struct machine_options {
  std::optional<std::string> cores;
  std::optional<std::string> xml;
  std::optional<std::string> synthetic;
};
void add_cores_option(CLI::App& app, std::optional<std::string>& cores);
void add_machine_options(CLI::App& app, machine_options& options);
// This machine if neither --xml nor --synthetic is given. Errors: as topology's; bad_option if both are.
result<topology> load_topology(const machine_options& options);

void add_seed_option(CLI::App& app, std::optional<std::uint64_t>& seed);
// --json FILE, '-' for standard output.
void add_json_option(CLI::App& app, std::optional<std::string>& path);

// A result's destination. Regular files are written beside the target and renamed over it, so a reader never sees half
// a file and an interrupted run leaves the old one; pipes and devices are written in place.
class output {
 public:
  bool is_stdout() const noexcept { return target_ == "-"; }
  // Writes all and makes it visible. Errors: unwritable_output, also when the disk fills up at the very end.
  result<void> commit(std::string_view content) const;

 private:
  friend result<output> open_output(const std::string& path);
  output(std::string target, bool in_place) : target_{std::move(target)}, in_place_{in_place} {}
  std::string target_;
  bool in_place_;
};
// Proves that the path can be written, without changing what is there; call it before any work is done.
// '-' is standard output. Errors: unwritable_output.
result<output> open_output(const std::string& path);
// The same where the option may be missing.
result<std::optional<output>> open_output(const std::optional<std::string>& path);

// A whole file, or what a pipe gives. Errors: unreadable_input, too_large.
result<std::string> read_input(const std::string& path, std::size_t bytes_max);

// Flushes standard output; an error if anything written to it was lost (a full disk, a closed pipe).
result<void> finish_stdout();

// Says on standard error what went wrong, and which exit code that is: exit_bad_usage for what the caller gave us,
// exit_failed for what the world did.
int report(const error& e);
int exit_code_of(errc code) noexcept;

enum class tint { plain, bold, soft, good, warning, bad };
// Colour for a terminal that wants it: not with NO_COLOR, TERM=dumb, or into a file.
bool wants_colour(std::FILE* stream);
std::string tinted(std::string_view text, tint how, bool coloured);

}  // namespace cooper::tools
