// SPDX-License-Identifier: BSD-3-Clause
// What things cost on a simulated machine: a cost profile, by the link classes of its topology.
//
//   const auto costs = profile::read("my_machine.toml");      // or profile::named("amd_8x4")
//   auto m = machine::simulate(*where, {.costs = *costs});
//
// A profile says what a line costs on its way, what the driver's loop costs, what a line that several cores share costs
// them, and what our layers' own work costs, by kind. What a program does in its handlers costs nothing unless it says
// so (core::spend). Profiles are files (docs/profiles.md): measured on a machine, taken from a publication with a mark
// beside each number, or made up; several come with the library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cooper/runtime/costs.hpp>
#include <cooper/runtime/topology.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper {

// What crosses from one core to another, by the class of the link.
struct link_costs {
  // What publishing a line costs its sender, who is kept while it leaves: where the memory node that holds it has
  // fewer than `burst` lines which nobody has read yet, and where it has as many (why the memory node is what counts:
  // docs/decisions/0007). 0: no node ever has too many, and there is no send_more.
  cost send{};
  cost send_more{};
  std::uint32_t burst = 0;
  // The least time between two lines that a core sends, the g of LogP (Culler et al., 1993): its stores leave one after
  // another, and while the receiver reads close behind, each waits for the line. A sender that has done something else
  // meanwhile does not feel it.
  cost gap{};
  cost transit{};  // from published until the other core can see it
  cost receive{};  // fetching a line that has come, by its receiver
  cost first{};    // ... and beside that the first of those that one turn takes: the caches fetch the others ahead
  cost credit{};   // fetching credit that has come back, by the sender: once in a quarter of a ring
  // A line that several cores share (shared_line): reading it after another core wrote it, and taking it for writing.
  // The line is one: who comes while another is served waits for its turn.
  cost fetch{};
  cost move{};
  friend bool operator==(const link_costs&, const link_costs&) = default;
};

// Where a profile's numbers come from; never shown in one column.
enum class profile_origin : std::uint8_t { measured, published, synthetic };
std::string_view name_of(profile_origin) noexcept;

struct profile {
  std::string name = "free";
  std::string words;  // a sentence for people
  profile_origin origin = profile_origin::synthetic;
  std::string topology;  // the machine that it describes, in hwloc's synthetic notation; may be empty
  // Where each number is from, as the file has it: "links.l3.transit" and what is said of it. In the order of the
  // members below, at most one for each.
  std::vector<std::pair<std::string, std::string>> marks;

  std::array<link_costs, link_class_count> links{};  // by link_class
  // A turn of a driver, beside what it does; not 0 unless idle cores park at once. And a look at one peer's rings;
  // an idle driver looks at all rings four times a turn, so it sees a line after an eighth of one.
  cost turn{};
  cost look{};
  cost dispatch{};                       // from a line that has been fetched to its handler
  cost signal{};                         // waking a core that is parked: to who does it
  cost wake{};                           // ... from then until it runs again
  cost park{};                           // falling asleep
  std::array<cost, work_count> works{};  // by kind of work

  const link_costs& link(link_class c) const { return links[static_cast<std::size_t>(c)]; }
  link_costs& link(link_class c) { return links[static_cast<std::size_t>(c)]; }
  cost of(work w) const { return works[static_cast<std::size_t>(w)]; }

  // Everything costs nothing: what tests of behaviour run on, with a poll budget of 0.
  static profile free() { return {}; }
  // The same for every pair of cores: a machine that does not exist, for programs whose times do not matter.
  static profile uniform();

  // Those that come with the library, "free" among them. Errors: unknown_name (with the names that there are).
  static result<profile> named(std::string_view name);
  static std::vector<std::string> names();
  // Errors: unreadable_input, malformed_input (with line and remedy).
  static result<profile> read(const std::filesystem::path& file);
  static result<profile> parse(std::string_view text, const std::string& called);
  // Two writings of equal profiles are equal, and read again give the same profile if check() has nothing against it.
  std::string to_toml() const;

  // Negative or over range (1 s for one cost); a burst whose later lines cost less, or that has no later lines; costs
  // that would let an idle core poll for ever; a topology that is none; texts or marks that no file could hold.
  // Errors: bad_option.
  result<void> check() const;

  friend bool operator==(const profile&, const profile&) = default;
};

}  // namespace cooper
