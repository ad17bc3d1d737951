// SPDX-License-Identifier: BSD-3-Clause
// Multicast trees as values: who sends to whom, in which order. A receiver checks one before it uses it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <cooper/runtime/topology.hpp>
#include <cooper/skb/term.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::skb {

struct multicast_tree {
  struct node {
    core_id core;
    std::vector<std::uint32_t> children;  // positions in nodes, in the order in which they are sent to
  };
  std::vector<node> nodes;  // the root first; parents stand before their children

  std::string policy;             // which of the portfolio it is, or "direct"
  duration predicted{0};          // until the last member can read it; 0: nobody knows
  bool estimated = true;          // no cost, or one of a class, stood for one that was measured
  std::vector<duration> reached;  // when each node can read it, in the order of nodes; empty: nobody knows
};

// The tree that needs no knowledge: the root sends to everybody.
multicast_tree direct_tree(core_id root, std::span<const core_id> members);

// Whether a tree reaches each member once, nobody else, and no deeper than `depth_max` hops. Errors: malformed_input,
// which says what is wrong.
inline constexpr std::size_t depth_max = 64;
result<void> validate(const multicast_tree& tree, core_id root, std::span<const core_id> members);

// For people: a line a core, by the number that the operating system has for it, with the time at which it is reached.
std::string to_text(const multicast_tree& tree, const topology& machine);
// The same as a picture, SVG with its own background; it also follows prefers-color-scheme. Time runs to the right.
std::string to_svg(const multicast_tree& tree, const topology& machine);

// For programs: one object; "nodes" with "pu", "parent" (a position, or null) and "reached_ns" where that is known.
std::string to_json(const multicast_tree& tree, const topology& machine);

// t(Core, Children), as the rules have trees. Errors: malformed_input.
result<multicast_tree> tree_of(const term& t);
term term_of(const multicast_tree& tree);

}  // namespace cooper::skb
