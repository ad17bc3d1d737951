// SPDX-License-Identifier: BSD-3-Clause
// Trees for people. In the picture each core is a row; a send is a line from the sender's row to the receiver's, from
// when it begins to be useful to look at (the parent is reached) to when the child is reached.
#include <cooper/skb/tree.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace cooper::skb {
namespace {

class printer {
 public:
  printer(const multicast_tree& tree, const topology& machine) : tree_{tree}, machine_{machine} {}

  std::string text() {
    std::string out = headline() + "\n";
    branch(0, "", "", out);
    return out;
  }

  std::string svg();
  std::string json() const;

 private:
  std::string label(std::uint32_t at) const {
    const core_id core = tree_.nodes[at].core;
    if (core.value >= machine_.size()) return fmt::format("core {}", core.value);
    return fmt::format("PU {}", machine_.thread(core).pu_index);
  }
  bool timed() const { return tree_.reached.size() == tree_.nodes.size(); }

  std::string headline() const {
    std::string out = fmt::format("{}: {} cores", tree_.policy.empty() ? "tree" : tree_.policy, tree_.nodes.size());
    if (tree_.predicted > duration::zero()) {
      out += fmt::format(", {} ns predicted{}", tree_.predicted.count(),
                         tree_.estimated ? " (costs partly estimated)" : "");
    }
    return out;
  }

  void branch(std::uint32_t at, const std::string& before, const std::string& below, std::string& out) const {
    std::string line = before + label(at);
    if (timed() && at != 0) {
      // Wide characters of the branches count as one column each.
      const std::size_t columns = before.size() -
                                  2 * static_cast<std::size_t>(std::count(before.begin(), before.end(), '\xe2')) +
                                  label(at).size();
      line += std::string(columns < 28 ? 28 - columns : 1, ' ') + fmt::format("{:>8} ns", tree_.reached[at].count());
    }
    out += line + "\n";
    const auto& children = tree_.nodes[at].children;
    for (std::size_t i = 0; i < children.size(); ++i) {
      const bool last = i + 1 == children.size();
      branch(children[i], below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "), out);
    }
  }

  const multicast_tree& tree_;
  const topology& machine_;
};

constexpr double row_height = 24, left = 90, width = 640, top = 56;

std::string printer::svg() {
  // Rows in the order of a walk, so that branches do not cross.
  std::vector<std::uint32_t> walk, open{0};
  while (!open.empty()) {
    const std::uint32_t at = open.back();
    open.pop_back();
    walk.push_back(at);
    const auto& children = tree_.nodes[at].children;
    open.insert(open.end(), children.rbegin(), children.rend());
  }
  std::vector<double> y(tree_.nodes.size());
  for (std::size_t row = 0; row < walk.size(); ++row) y[walk[row]] = top + row_height * static_cast<double>(row);
  std::vector<double> when(tree_.nodes.size(), 0);
  double last = 1;
  for (std::size_t i = 0; i < tree_.nodes.size(); ++i) {
    // Without times a hop is a step.
    if (timed()) when[i] = static_cast<double>(tree_.reached[i].count());
    for (const std::uint32_t child : tree_.nodes[i].children) {
      if (!timed()) when[child] = when[i] + 1;
    }
    last = std::max(last, when[i]);
  }
  const auto x = [&](std::uint32_t at) { return left + width * when[at] / last; };
  const double height = top + row_height * static_cast<double>(walk.size()) + 16;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n<title>{2}</title>\n<style>\n"
      ".back{{fill:#fff}} text{{fill:#222}} .soft{{fill:#777}} .send{{stroke:#888;fill:none}} .core{{fill:#2a6fbb}}\n"
      "@media (prefers-color-scheme: dark){{.back{{fill:#16181c}} text{{fill:#e6e6e6}} .soft{{fill:#9a9a9a}} "
      ".send{{stroke:#777}} .core{{fill:#6fb1f5}}}}\n</style>\n<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n"
      "<text x=\"12\" y=\"24\" font-size=\"14\">{2}</text>\n",
      left + width + 100, height, headline());
  for (const std::uint32_t at : walk) {
    for (const std::uint32_t child : tree_.nodes[at].children) {
      out += fmt::format("<path class=\"send\" d=\"M{:.1f} {:.1f} V{:.1f} H{:.1f}\"/>\n", x(at), y[at], y[child],
                         x(child));
    }
  }
  for (const std::uint32_t at : walk) {
    out += fmt::format(
        "<circle class=\"core\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"4\"/>\n"
        "<text x=\"12\" y=\"{2:.1f}\">{3}</text>\n",
        x(at), y[at], y[at] + 4, label(at));
    if (timed() && at != 0) {
      out += fmt::format("<text class=\"soft\" x=\"{:.1f}\" y=\"{:.1f}\">{} ns</text>\n", x(at) + 8, y[at] + 4,
                         tree_.reached[at].count());
    }
  }
  return out + "</svg>\n";
}

std::string printer::json() const {
  std::vector<std::string> parent(tree_.nodes.size(), "null");
  for (std::size_t i = 0; i < tree_.nodes.size(); ++i) {
    for (const std::uint32_t child : tree_.nodes[i].children) parent[child] = std::to_string(i);
  }
  std::string nodes;
  for (std::uint32_t i = 0; i < tree_.nodes.size(); ++i) {
    const core_id core = tree_.nodes[i].core;
    const std::uint32_t pu = core.value < machine_.size() ? machine_.thread(core).pu_index : core.value;
    nodes += fmt::format("{}    {{\"pu\": {}, \"parent\": {}", i == 0 ? "" : ",\n", pu, parent[i]);
    if (timed()) nodes += fmt::format(", \"reached_ns\": {}", tree_.reached[i].count());
    nodes += "}";
  }
  // A policy's name is one of ours.
  return fmt::format(
      "{{\n  \"policy\": \"{}\",\n  \"predicted_ns\": {},\n  \"estimated\": {},\n  \"nodes\": [\n{}\n  ]\n}}\n",
      tree_.policy, tree_.predicted.count(), tree_.estimated, nodes);
}

}  // namespace

std::string to_json(const multicast_tree& tree, const topology& machine) { return printer{tree, machine}.json(); }
std::string to_text(const multicast_tree& tree, const topology& machine) { return printer{tree, machine}.text(); }
std::string to_svg(const multicast_tree& tree, const topology& machine) { return printer{tree, machine}.svg(); }

}  // namespace cooper::skb
