// SPDX-License-Identifier: BSD-3-Clause
// What messages between cores cost, as a value: measured by measure.hpp, kept in a file, told to the engine as facts.
//
//   auto known = load_snapshot(machine, default_cache_folder());   // result<std::optional<cost_snapshot>>
//   if (known && *known) (*engine)->change({}, facts_of(**known));
//
// Cores are those of the topology, as in facts.hpp: not the numbers of a machine's drivers. Times are whole
// nanoseconds. Any thread may call anything; the store is control work, which reads and writes files.
//
// Counterpart in Barrelfish: the pairwise costs that its measurement program gives Smelt, as a file a machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <cooper/runtime/topology.hpp>
#include <cooper/skb/term.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::skb {

// One direction between two cores. send + transit + receive is the one-way time, as long as transit is not zero.
struct link_cost {
  core_id from;
  core_id to;
  duration send{1};     // how long a line keeps its sender busy, within a burst; 1 or more
  duration transit{0};  // the rest of the one-way time; 0 or more
  duration receive{1};  // how long a line that is there keeps its receiver busy, within a burst; 1 or more
  // Of the one-way time: from the send to the handler of a driver that polls. spread is the median absolute deviation.
  duration median{0};
  duration spread{0};
  duration least{0};
  duration most{0};
  std::size_t samples = 0;  // windows
  friend bool operator==(const link_cost&, const link_cost&) = default;
};

// Medians over the links of one class that were measured; never of the class `self`.
struct class_cost {
  link_class kind = link_class::l3;
  duration send{1};
  duration transit{0};
  duration receive{1};
  std::size_t links = 0;
  friend bool operator==(const class_cost&, const class_cost&) = default;
};

struct cost_snapshot {
  std::string topology_hash;
  std::int64_t unix_time = 0;  // seconds, when it was measured
  std::vector<link_cost> links;
  std::vector<class_cost> classes;
  bool reliable = true;
  std::string why_not;  // a sentence with pair and figures; empty if it is reliable
  // What comes on top of a link's three parts before a handler runs. Zero if it was measured here: a one-way time ends
  // in a handler, so dispatch is inside receive (a line's share) and transit (half a look at the rings).
  duration dispatch{0};
  duration wake{0};  // what it adds to a one-way time that the receiver is parked; 0: not known
  friend bool operator==(const cost_snapshot&, const cost_snapshot&) = default;
};

// link/5, link_stat/8, class_cost/4, setting(dispatch_ns, N), and setting(wake_ns, N) where it is known. Whether an
// unreliable snapshot is told at all is the caller's choice.
std::vector<term> facts_of(const cost_snapshot& costs);
// Patterns of what those facts take the place of: engine::change(replaced_by_costs(), facts_of(now)).
std::vector<term> replaced_by_costs();

// Measured too long ago, or later than now: machines get other memory, firmware and neighbours.
inline constexpr std::int64_t cost_age_max_s = 30 * 24 * 3600;
bool is_stale(const cost_snapshot& costs, std::int64_t now_unix_time);

// -- the store: one file a topology, costs-<hash>.json ----------------------------------------------------------------

inline constexpr std::size_t snapshot_bytes_max = std::size_t{64} << 20;

// $XDG_CACHE_HOME/cooper, or .cache/cooper in the home folder. Empty if there is neither.
std::filesystem::path default_cache_folder();
std::filesystem::path snapshot_file(const std::string& topology_hash, const std::filesystem::path& folder);

// Nothing if there is no such file. Errors: unreadable_input (with the system's words), too_large, malformed_input (the
// file, the place and what is wrong there: also a snapshot of another machine, and cores that this one does not have).
result<std::optional<cost_snapshot>> load_snapshot(const topology& machine, const std::filesystem::path& folder);

// Makes the folder (mode 0700) if it is missing. The file (mode 0600) is replaced as a whole or not at all. Errors:
// malformed_input (a snapshot that could not be loaded again), unwritable_output (the path and the system's words).
result<void> save_snapshot(const cost_snapshot& costs, const std::filesystem::path& folder);

}  // namespace cooper::skb
