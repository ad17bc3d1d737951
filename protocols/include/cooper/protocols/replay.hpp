// SPDX-License-Identifier: BSD-3-Clause
// One way through a protocol's world, as a few lines of text: what was explored, and every action. A person can read
// and change it, keep it beside a bug report, and see what happens now.
//
//   cooper replay, format 1
//   version 0.1.0
//   protocol two_phase_commit
//   cores 3
//   ...
//   violation an operation is finished, and a core has not made its change
//   begin core=0 operation=0           # core 0 begins: an operation among all
//   deliver core=1 from=0 stop_after=1
//   ...
//
// What follows a # is a comment. What is not said is as subject_options has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/protocols/subjects.hpp>
#include <cooper/vocabulary/error.hpp>

namespace cooper::protocols {

struct replay {
  std::string protocol;
  subject_options options;
  std::string version;    // that found it; another one may see something else
  std::string violation;  // that was found
  std::vector<std::uint32_t> actions;
  std::vector<std::size_t> lines;  // where in the text each action stands, from 1
};

// An action in one line, as it stands in the text.
std::string text_of_action(std::uint32_t action);

// The comments are the transcript's lines, if there are as many as actions.
std::string to_text(const replay& what, const std::vector<std::string>& comments);

// Errors: malformed_input, with the line and what may stand there.
result<replay> parse_replay(std::string_view text);

}  // namespace cooper::protocols
