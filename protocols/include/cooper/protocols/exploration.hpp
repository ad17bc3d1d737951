// SPDX-License-Identifier: BSD-3-Clause
// What a search is asked for, and what it tells: the explorer's values, which are the same for every protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <cooper/vocabulary/error.hpp>

namespace cooper::protocols {

struct exploration_progress {
  std::uint64_t states = 0;
  std::uint64_t waiting = 0;
  std::uint64_t transitions = 0;
  std::uint64_t depth = 0;
  std::size_t bytes = 0;
};

struct exploration_options {
  std::size_t states_max = std::size_t{1} << 31;
  std::size_t bytes_max = std::size_t{2} << 30;  // of memory for states; it is never exceeded
  bool reduction = true;
  std::size_t settle_actions_max = 1000;
  // Now and then. Why the search is to be given up, in words; empty: it goes on.
  std::function<std::string(const exploration_progress&)> progress = {};

  // Files; empty: none. A search that is ended by a bound or by `progress` is saved, and one that was saved can be gone
  // on with: it then finds what it would have found without a pause.
  std::string save_to = {};
  std::string resume_from = {};
  // What is searched, in a line: a saved search is gone on with under the same one only.
  std::string identity = {};
  // Instead of a search: only these actions, packed(), one after the other.
  const std::vector<std::uint32_t>* replay = nullptr;
};

// States that take so many actions and no fewer.
struct exploration_level {
  std::uint64_t depth = 0;
  std::uint64_t states = 0;
};

struct exploration_report {
  std::uint64_t states = 0;         // met
  std::uint64_t states_before = 0;  // of which before this search was gone on with
  std::uint64_t expanded = 0;       // of which it is known what follows
  std::uint64_t transitions = 0;
  std::uint64_t quiet_states = 0;  // from which rest was looked for
  std::uint64_t depth = 0;         // all that takes so many actions was met
  std::size_t bytes = 0;
  std::vector<exploration_level>
      levels;  // of which all states were met; a search that was gone on with has the later ones
  bool complete = false;
  std::string ended_by;                 // what kept it from being complete; empty if it is, or if a violation ended it
  std::string violation;                // in words; empty: none was found
  std::vector<std::uint32_t> actions;   // that led there, packed()
  std::vector<std::string> transcript;  // the same for people: a line an action
  std::vector<std::optional<std::size_t>> causes;  // by action: which of them sent the line that it hands over
  std::vector<std::string> aftermath;              // if it does not end well by itself: how that begins

  bool saved = false;
  std::optional<error> not_saved;
  std::optional<error> not_resumed;         // nothing was done
  std::optional<std::size_t> not_possible;  // which action of a replay cannot happen there; the rest was not done
};

}  // namespace cooper::protocols
