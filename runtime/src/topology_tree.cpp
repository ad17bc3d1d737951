// SPDX-License-Identifier: BSD-3-Clause
#include "topology_tree.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

namespace cooper::detail {
namespace {

std::vector<std::unique_ptr<box>> all_boxes(const topology& of) {
  std::vector<std::unique_ptr<box>> boxes;
  const auto add = [&](box_kind kind, std::uint32_t index, std::vector<core_id> cores) {
    boxes.push_back(std::make_unique<box>());
    boxes.back()->kind = kind;
    boxes.back()->index = index;
    boxes.back()->cores = std::move(cores);
  };
  std::vector<std::vector<core_id>> physical(of.physical_core_count());
  for (const auto& t : of.threads()) physical[t.physical_core].push_back(t.id);
  std::vector<std::vector<std::uint32_t>> own_caches(physical.size());

  for (std::uint32_t i = 0; i < of.packages().size(); ++i) add(box_kind::package, i, of.packages()[i].cores);
  std::vector<bool> is_home(of.nodes().size());
  for (const auto& t : of.threads())
    if (t.node != nowhere) is_home[t.node] = true;
  for (std::uint32_t i = 0; i < is_home.size(); ++i)
    add(box_kind::node, i, is_home[i] ? of.nodes()[i].cores : std::vector<core_id>{});
  for (std::uint32_t i = 0; i < of.caches().size(); ++i) {
    const auto& cores = of.caches()[i].cores;
    // No message passes through an instruction cache.
    if (cores.empty() || of.caches()[i].type == cache_type::instruction) continue;
    const auto home = of.thread(cores.front()).physical_core;
    const bool is_shared = of.thread(cores.back()).physical_core != home;
    if (is_shared)
      add(box_kind::cache, i, cores);
    else
      own_caches[home].insert(own_caches[home].begin(), i);
  }
  for (std::uint32_t i = 0; i < physical.size(); ++i) {
    add(box_kind::physical_core, i, std::move(physical[i]));
    boxes.back()->own_caches = std::move(own_caches[i]);
  }
  return boxes;
}

// Where a node belongs that is no core's own: in the package whose cores it is near, else in the machine.
box* home_of_memory(const topology& of, const box& memory, const std::vector<box*>& innermost, box& machine) {
  const auto& near = of.nodes()[memory.index].cores;
  box* home = near.empty() ? &machine : innermost[near.front().value];
  const auto holds = [&] { return std::includes(home->cores.begin(), home->cores.end(), near.begin(), near.end()); };
  while (home != &machine && (home->kind != box_kind::package || !holds())) home = home->parent;
  return home;
}

// As on the machine: by the first core; memory alone comes last.
void sort_children(box& b) {
  std::stable_sort(b.children.begin(), b.children.end(), [](const auto& x, const auto& y) {
    if (x->cores.empty() || y->cores.empty()) return !x->cores.empty() && y->cores.empty();
    return x->cores.front() < y->cores.front();
  });
  for (auto& child : b.children) sort_children(*child);
}

}  // namespace

box nested_boxes(const topology& of) {
  box machine;
  for (const auto& t : of.threads()) machine.cores.push_back(t.id);
  auto boxes = all_boxes(of);
  // The larger holds the smaller; of equals the kind decides, and of two caches the one of the higher level is outside.
  std::sort(boxes.begin(), boxes.end(), [&](const auto& a, const auto& b) {
    const auto level = [&](const box& x) { return x.kind == box_kind::cache ? of.caches()[x.index].level : 0; };
    return std::tuple{b->cores.size(), a->kind, level(*b), a->cores, a->index} <
           std::tuple{a->cores.size(), b->kind, level(*a), b->cores, b->index};
  });
  std::vector<box*> innermost(of.size(), &machine);
  for (auto& next : boxes) {
    box* home =
        next->cores.empty() ? home_of_memory(of, *next, innermost, machine) : innermost[next->cores.front().value];
    const auto holds = [&](const box& b) {
      return std::includes(b.cores.begin(), b.cores.end(), next->cores.begin(), next->cores.end());
    };
    // Sets that overlap without one holding the other end in the smallest box that holds both.
    while (!next->cores.empty() && home != &machine && !holds(*home)) home = home->parent;
    next->parent = home;
    for (const auto c : next->cores) innermost[c.value] = next.get();
    home->children.push_back(std::move(next));
  }
  sort_children(machine);
  return machine;
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes == 0) return "?";
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  const bool is_whole = value >= 100 || value == static_cast<double>(static_cast<std::uint64_t>(value));
  return is_whole ? fmt::format("{:.0f} {}", value, units[unit]) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string counted(std::size_t count, const std::string& thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string summary_of(const topology& of, const char* separator) {
  std::string text;
  if (!of.packages().empty()) text += counted(of.packages().size(), "package") + separator;
  if (!of.nodes().empty()) text += counted(of.nodes().size(), "NUMA node") + separator;
  return text + counted(of.physical_core_count(), "core") + separator + counted(of.size(), "hardware thread");
}

}  // namespace cooper::detail
