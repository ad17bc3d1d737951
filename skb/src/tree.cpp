// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/skb/tree.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace cooper::skb {
namespace {

error malformed(std::string why) { return {errc::malformed_input, "a multicast tree: " + std::move(why)}; }

result<void> read_tree(const term& t, multicast_tree& out, std::size_t depth) {
  const auto* parts = t.arguments_of("t", 2);
  const std::int64_t* core = parts != nullptr ? parts->front().integer() : nullptr;
  const list_term* children = parts != nullptr ? parts->back().list() : nullptr;
  if (core == nullptr || children == nullptr || *core < 0 || *core > 0xffff) {
    return malformed(fmt::format("{:.60} is no t(Core, Children)", t.to_text()));
  }
  if (depth > depth_max) return malformed(fmt::format("deeper than {}", depth_max));
  const std::size_t at = out.nodes.size();
  out.nodes.push_back({.core = core_id{static_cast<std::uint16_t>(*core)}, .children = {}});
  for (const term& child : children->elements) {
    out.nodes[at].children.push_back(static_cast<std::uint32_t>(out.nodes.size()));
    if (const auto read = read_tree(child, out, depth + 1); !read) return read;
  }
  return {};
}

}  // namespace

multicast_tree direct_tree(core_id root, std::span<const core_id> members) {
  multicast_tree out{.nodes = {{.core = root, .children = {}}}, .policy = "direct", .reached = {}};
  for (const core_id m : members) {
    const bool known = std::any_of(out.nodes.begin(), out.nodes.end(), [&](const auto& n) { return n.core == m; });
    if (known) continue;
    out.nodes[0].children.push_back(static_cast<std::uint32_t>(out.nodes.size()));
    out.nodes.push_back({.core = m, .children = {}});
  }
  return out;
}

result<void> validate(const multicast_tree& tree, core_id root, std::span<const core_id> members) {
  if (tree.nodes.empty() || tree.nodes[0].core != root) return malformed("its root is another core");
  // Parents stand before their children: one pass counts who is reached, how often, and how deep.
  std::vector<std::size_t> depth(tree.nodes.size(), 0);
  std::vector<bool> reached(tree.nodes.size(), false);
  reached[0] = true;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    if (!reached[i]) return malformed(fmt::format("nobody sends to core {}", tree.nodes[i].core.value));
    for (const std::uint32_t child : tree.nodes[i].children) {
      if (child <= i || child >= tree.nodes.size()) return malformed("a child's position is wrong");
      if (reached[child]) return malformed(fmt::format("core {} has two parents", tree.nodes[child].core.value));
      reached[child] = true;
      depth[child] = depth[i] + 1;
      if (depth[child] > depth_max) return malformed(fmt::format("deeper than {}", depth_max));
    }
  }
  std::vector<std::uint16_t> wanted{root.value}, found;
  for (const core_id m : members) wanted.push_back(m.value);
  for (const auto& node : tree.nodes) found.push_back(node.core.value);
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::sort(found.begin(), found.end());
  if (const auto twice = std::adjacent_find(found.begin(), found.end()); twice != found.end()) {
    return malformed(fmt::format("core {} is in it twice", *twice));
  }
  if (found == wanted) return {};
  std::vector<std::uint16_t> difference;
  std::set_symmetric_difference(wanted.begin(), wanted.end(), found.begin(), found.end(),
                                std::back_inserter(difference));
  const bool missing = std::binary_search(wanted.begin(), wanted.end(), difference.front());
  return malformed(fmt::format("core {} is {}", difference.front(), missing ? "not reached" : "no member"));
}

result<multicast_tree> tree_of(const term& t) {
  multicast_tree out;
  if (const auto read = read_tree(t, out, 0); !read) return read.error();
  return out;
}

term term_of(const multicast_tree& tree) {
  // Children stand after their parents.
  std::vector<term> made(tree.nodes.size(), term{0});
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    std::vector<term> children;
    for (const std::uint32_t child : tree.nodes[i].children) children.push_back(std::move(made[child]));
    made[i] = compound("t", {tree.nodes[i].core.value, list(std::move(children))});
  }
  return std::move(made.front());
}

}  // namespace cooper::skb
