// SPDX-License-Identifier: BSD-3-Clause
// The protocols as the explorer's subjects: what is begun, what must hold, and the bugs that can be planted. Tests and
// the command take them from here.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <cooper/protocols/explorer.hpp>
#include <cooper/vocabulary/error.hpp>

namespace cooper::protocols {

struct subject_options {
  std::size_t cores = 3;
  std::size_t operations = 1;  // begun in all, or by each core that begins any: the subject says it
  faults allowed = {};
  std::string planted = {};  // a bug by name; empty: none
};

struct subject {
  std::string_view name;
  std::string_view words;
  std::span<const std::string_view> bugs;
  std::size_t cores_max;
  std::size_t operations_max;
  // Errors: bad_option (the named limit is exceeded), unknown_name (a bug; those there are, are named).
  // Called by explore() below.
  result<exploration_report> (*explore)(const subject_options&, const exploration_options&);
};

// In a line, what saved searches are told apart by.
std::string identity_of(const subject& of, const subject_options& options);

// Errors: the subject's; those of load_search(), if a search is to be gone on with; malformed_input (which action of a
// replay is not possible, counted from 1). That a search could not be saved is in the report.
result<exploration_report> explore(const subject& of, const subject_options& options, exploration_options how);

std::span<const subject> subjects();
const subject* find_subject(std::string_view name);

}  // namespace cooper::protocols
