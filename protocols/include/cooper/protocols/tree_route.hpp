// SPDX-License-Identifier: BSD-3-Clause
// One core's place in a tree over cores: who is above it, and who is below, in the order in which they are sent to.
//
// Whoever plans trees puts the child with the longest tail first; protocols take what they are given. A star, where all
// others are the root's children, is unicast; two levels, or any other plan, are the same protocol with other routes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <cooper/protocols/core_set.hpp>
#include <cooper/vocabulary/ids.hpp>

namespace cooper::protocols {

struct tree_child {
  std::uint16_t core = 0;
  std::uint16_t cores = 1;  // in its part of the tree, itself included
};

template <std::size_t Cores>
class tree_route {
 public:
  static constexpr std::uint16_t no_parent = 0xffff;

  // A core that is in no tree.
  tree_route() = default;
  // `levels` is how many there are below this core, 0 for a leaf. The children may be fewer than Cores only.
  static constexpr tree_route root(std::span<const tree_child> children, std::uint16_t levels) {
    return {no_parent, children, levels};
  }
  static constexpr tree_route below(core_id parent, std::span<const tree_child> children, std::uint16_t levels) {
    return {parent.value, children, levels};
  }
  // The root's children do not hear from it one by one, but what it publishes.
  constexpr tree_route published() const {
    tree_route r = *this;
    r.published_ = true;
    return r;
  }

  // Whether a core can have it: all it names exist, nobody twice, and not the core itself.
  constexpr bool fits(core_id self) const {
    if (!used_ || self.value >= Cores || (published_ && !is_root() && count_ != 0)) return false;
    core_set<Cores> named;
    named.insert(self);
    if (!is_root()) {
      if (parent_ >= Cores || parent_ == self.value) return false;
      named.insert(core_id{parent_});
    }
    std::size_t cores = named.size();
    for (const tree_child& c : children()) {
      if (c.core >= Cores || c.cores == 0 || named.contains(core_id{c.core})) return false;
      named.insert(core_id{c.core});
      cores += c.cores;
    }
    return cores <= Cores;
  }

  constexpr bool used() const { return used_; }
  constexpr bool is_root() const { return parent_ == no_parent; }
  constexpr bool is_published() const { return published_; }
  constexpr core_id parent() const { return core_id{parent_}; }
  constexpr bool is_parent(core_id c) const { return used_ && !is_root() && c.value == parent_; }
  constexpr std::uint16_t levels() const { return levels_; }
  constexpr std::span<const tree_child> children() const { return {children_.data(), count_}; }

 private:
  constexpr tree_route(std::uint16_t parent, std::span<const tree_child> children, std::uint16_t levels)
      : parent_{parent}, levels_{levels}, used_{children.size() < Cores} {
    if (!used_) return;
    count_ = static_cast<std::uint16_t>(children.size());
    std::copy_n(children.begin(), std::min(children.size(), Cores), children_.begin());
  }

  std::uint16_t parent_ = no_parent;
  std::uint16_t count_ = 0;
  std::uint16_t levels_ = 0;
  bool used_ = false;
  bool published_ = false;
  std::array<tree_child, Cores> children_{};
};

}  // namespace cooper::protocols
