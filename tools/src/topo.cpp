// SPDX-License-Identifier: BSD-3-Clause
// `cooper topo`: the machine as text, JSON or a picture.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "commands.hpp"
#include "knowledge.hpp"
#include "options.hpp"

namespace cooper::tools {
namespace {

struct topo_options {
  machine_options machine;
  std::optional<std::string> json, svg, tree;
  bool remeasure = false;
};

// Wider than this the table says nothing to a reader any more.
constexpr std::size_t table_cores_max = 16;

std::string pu_label(const topology& where, core_id id) { return fmt::format("PU {}", where.thread(id).pu_index); }

// Which link a message between two of the chosen cores crosses.
std::string relations(const topology& where, const std::vector<core_id>& chosen) {
  std::string out = "\nWhat a message crosses\n" + std::string(10, ' ');
  for (const auto b : chosen) out += fmt::format("{:<9}", pu_label(where, b));
  for (const auto a : chosen) {
    out += fmt::format("\n  {:<8}", pu_label(where, a));
    for (const auto b : chosen) out += fmt::format("{:<9}", name_of(where.relation(a, b)));
  }
  // Lines end where their words end.
  std::string trimmed;
  for (std::size_t at = 0; at < out.size();) {
    const auto end = std::min(out.find('\n', at), out.size());
    auto line = out.substr(at, end - at);
    line.erase(line.find_last_not_of(' ') + 1);
    trimmed += line + "\n";
    at = end + 1;
  }
  return trimmed;
}

std::string as_text(const topology& where, const std::vector<core_id>& chosen, bool was_chosen) {
  std::string out = where.to_text();
  if (was_chosen) {
    std::vector<std::uint32_t> pus;
    for (const auto c : chosen) pus.push_back(where.thread(c).pu_index);
    out += fmt::format("\nchosen: PU {}\n", format_pu_list(pus));
  }
  if (chosen.size() > 1 && chosen.size() <= table_cores_max) out += relations(where, chosen);
  return out;
}

// The topology's own object with one more member, the chosen cores.
std::string as_json(const topology& where, const std::vector<core_id>& chosen) {
  boost::json::array ids;
  for (const auto c : chosen) ids.emplace_back(c.value);
  auto text = where.to_json();
  const auto end = text.rfind("\n}");
  return text.replace(end, text.size() - end,
                      fmt::format(",\n  \"chosen_cores\": {}\n}}\n", boost::json::serialize(ids)));
}

// The multicast tree from one core to all chosen ones, in place of the machine.
int run_tree(const topo_options& options, const topology& where, const std::vector<core_id>& chosen,
             const std::optional<output>& json, const std::optional<output>& svg) {
  const auto root = select_cores(where, options.tree, false);
  if (!root) return report(root.error());
  if (root->size() != 1) return report({errc::bad_option, "--tree needs one PU, from which the tree starts"});
  const auto opened = open_knowledge(where, options.remeasure);
  if (!opened) return report(opened.error());
  print_warnings(*opened);
  const auto tree = opened->base->tree(root->front(), chosen);
  if (!tree) return report(tree.error());
  if (json) {
    if (const auto done = json->commit(skb::to_json(*tree, where)); !done) return report(done.error());
  }
  if (svg) {
    if (const auto done = svg->commit(skb::to_svg(*tree, where)); !done) return report(done.error());
  }
  if (options.json == "-" || options.svg == "-") return exit_good;
  fmt::print("{}", skb::to_text(*tree, where));
  if (!opened->costs.empty()) fmt::print("({})\n", opened->costs);
  if (const auto done = finish_stdout(); !done) return report(done.error());
  return exit_good;
}

int run_topo(const topo_options& options) {
  if (options.json == "-" && options.svg == "-")
    return report({errc::bad_option, "--json and --svg cannot both go to standard output"});
  const auto json = open_output(options.json);
  if (!json) return report(json.error());
  const auto svg = open_output(options.svg);
  if (!svg) return report(svg.error());
  const auto where = load_topology(options.machine);
  if (!where) return report(where.error());
  // A machine on which nothing is usable is still worth a look, unless cores were asked for.
  auto chosen = select_cores(*where, options.machine.cores, false);
  if (!chosen && options.machine.cores) return report(chosen.error());
  const auto cores = chosen ? *chosen : std::vector<core_id>{};

  if (options.tree) return run_tree(options, *where, cores, *json, *svg);

  if (*json)
    if (auto done = (*json)->commit(as_json(*where, cores)); !done) return report(done.error());
  if (*svg)
    if (auto done = (*svg)->commit(where->to_svg()); !done) return report(done.error());
  if (options.json == "-" || options.svg == "-") return exit_good;
  const auto text = as_text(*where, cores, options.machine.cores.has_value());
  const auto first_line = std::min(text.find('\n'), text.size());
  const std::string head = tinted(text.substr(0, first_line), tint::bold, wants_colour(stdout));
  std::fputs((head + text.substr(first_line)).c_str(), stdout);
  return exit_good;
}

}  // namespace

void add_topo(CLI::App& app, int& exit) {
  auto* topo = app.add_subcommand("topo", "Show the machine: cores, caches, packages, NUMA nodes");
  auto options = std::make_shared<topo_options>();
  add_machine_options(*topo, options->machine);
  add_json_option(*topo, options->json);
  topo->add_option("--svg", options->svg, "Draw the machine as an SVG picture; '-' is standard output")
      ->type_name("FILE");
  topo->add_option("--tree", options->tree, "Show the multicast tree from this PU to all chosen cores instead")
      ->type_name("ROOT");
  topo->add_flag("--remeasure", options->remeasure, "With --tree: measure the links again");
  topo->footer(
      "Examples:\n"
      "  cooper topo                                        this machine\n"
      "  cooper topo --svg machine.svg                      ... as a picture\n"
      "  cooper topo --synthetic 'package:2 l3:2 core:4 pu:2' --cores 0,1,8 --json -\n"
      "  cooper topo --tree 0 --synthetic 'package:4 l3:1 core:4 pu:1' --svg tree.svg");
  topo->callback([options, &exit] { exit = run_topo(*options); });
}

}  // namespace cooper::tools
