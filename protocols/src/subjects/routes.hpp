// SPDX-License-Identifier: BSD-3-Clause
// The trees that are explored: core 0 is the root.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <cooper/protocols/tree_route.hpp>

namespace cooper::protocols {

// A star, or the smallest tree of two levels: 0 above 1 and 3, 1 above 2.
template <std::size_t Cores>
std::vector<tree_route<Cores>> explored_routes(std::size_t cores, bool star) {
  static_assert(Cores == 4);
  constexpr std::array<std::uint16_t, Cores> parents{0, 0, 1, 0};
  const auto parent = [&](std::size_t c) { return star ? std::uint16_t{0} : parents[c]; };
  std::vector<std::vector<tree_child>> children(cores);
  // The root's part is all; a child is told after those that have more below them, here those with lower numbers.
  for (std::size_t c = 1; c < cores; ++c) {
    const bool has_child = !star && c == 1 && cores > 2;
    children[parent(c)].push_back(
        {.core = static_cast<std::uint16_t>(c), .cores = static_cast<std::uint16_t>(has_child ? 2 : 1)});
  }
  std::vector<tree_route<Cores>> routes;
  for (std::size_t c = 0; c < cores; ++c) {
    const auto levels = static_cast<std::uint16_t>(children[c].empty() ? 0 : c == 0 && !star && cores > 2 ? 2 : 1);
    routes.push_back(c == 0 ? tree_route<Cores>::root(children[c], levels)
                            : tree_route<Cores>::below(core_id{parent(c)}, children[c], levels));
  }
  return routes;
}

// By core: its parent and its children, as bits.
template <std::size_t Cores>
std::vector<std::uint8_t> neighbours(const std::vector<tree_route<Cores>>& routes) {
  std::vector<std::uint8_t> all(8);
  for (std::size_t c = 0; c < routes.size(); ++c) {
    if (!routes[c].is_root()) all[c] = static_cast<std::uint8_t>(1u << routes[c].parent().value);
    for (const tree_child& child : routes[c].children()) all[c] |= static_cast<std::uint8_t>(1u << child.core);
  }
  return all;
}

}  // namespace cooper::protocols
