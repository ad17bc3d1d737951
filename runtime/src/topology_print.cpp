// SPDX-License-Identifier: BSD-3-Clause
// A topology as JSON and as a text tree.
#include <algorithm>
#include <cstddef>
#include <map>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "topology_tree.hpp"

namespace cooper {
namespace {

namespace json = boost::json;
using detail::box;
using detail::box_kind;

json::value id_or_null(std::uint32_t id) { return id == nowhere ? json::value(nullptr) : json::value(id); }

json::array numbers(const std::vector<core_id>& cores) {
  json::array out;
  for (const auto c : cores) out.emplace_back(c.value);
  return out;
}

json::object thread_json(const hardware_thread& t) {
  return {{"core", t.id.value},
          {"pu", t.pu_index},
          {"physical_core", t.physical_core},
          {"smt_position", t.smt_position},
          {"package", id_or_null(t.package)},
          {"numa_node", id_or_null(t.node)},
          {"l1", id_or_null(t.l1)},
          {"l2", id_or_null(t.l2)},
          {"l3", id_or_null(t.l3)},
          {"allowed", t.allowed},
          {"efficiency_class", t.efficiency_class < 0 ? json::value(nullptr) : json::value(t.efficiency_class)}};
}

json::object device_json(std::size_t id, const device& d) {
  json::object out{{"id", id}, {"kind", name_of(d.kind)}, {"name", d.name}};
  if (d.kind == device_kind::pci) {
    out["vendor_id"] = d.vendor_id;
    out["device_id"] = d.device_id;
    out["class_id"] = d.class_id;
    out["class_name"] = d.class_name;
  } else {
    out["type"] = name_of(d.type);
    out["pci_device"] = id_or_null(d.pci_device);
  }
  out["near"] = numbers(d.near);
  return out;
}

// Arrays of things stand one thing a line: readable, and differences show.
class json_lines {
 public:
  void member(std::string_view key, const json::value& value) { begin(key) += json::serialize(value); }

  template <class Range, class Function>
  void list(std::string_view key, const Range& things, Function one) {
    auto& out = begin(key);
    out += '[';
    std::size_t index = 0;
    for (const auto& thing : things) {
      out += index == 0 ? "\n    " : ",\n    ";
      out += json::serialize(json::value(one(index++, thing)));
    }
    out += index == 0 ? "]" : "\n  ]";
  }

  std::string take() { return "{\n" + std::move(text_) + "\n}\n"; }

 private:
  std::string& begin(std::string_view key) {
    if (!text_.empty()) text_ += ",\n";
    return text_ += fmt::format("  \"{}\": ", key);
  }
  std::string text_;
};

constexpr std::string_view source_name(topology_source s) {
  return s == topology_source::this_machine ? "this_machine" : s == topology_source::xml ? "xml" : "synthetic";
}

std::size_t display_width(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The tree for people: one row a box, three columns.
class text_tree {
 public:
  explicit text_tree(const topology& of) : of_{of} {}

  std::string print() {
    const auto machine = detail::nested_boxes(of_);
    const auto count = machine.children.size();
    for (std::size_t i = 0; i < count; ++i) rows_below(*machine.children[i], "", i + 1 == count, true);
    std::size_t left = 0, middle = 0;
    for (const auto& r : rows_) {
      left = std::max(left, display_width(r.left));
      if (!r.right.empty()) middle = std::max(middle, display_width(r.middle));
    }
    std::string out;
    for (const auto& r : rows_) {
      out += r.left;
      if (!r.middle.empty()) out.append(left - display_width(r.left) + 3, ' ') += r.middle;
      if (!r.right.empty()) out.append(middle - display_width(r.middle) + 3, ' ') += r.right;
      out += '\n';
    }
    return out;
  }

 private:
  struct row {
    std::string left, middle, right;
  };

  void rows_below(const box& b, const std::string& indent, bool is_last, bool is_top) {
    const std::string branch = is_top ? "" : is_last ? "└─ " : "├─ ";
    auto r = row_of(b);
    r.left = indent + branch + r.left;
    rows_.push_back(std::move(r));
    const auto below = is_top ? std::string{} : indent + (is_last ? "   " : "│  ");
    for (std::size_t i = 0; i < b.children.size(); ++i)
      rows_below(*b.children[i], below, i + 1 == b.children.size(), false);
  }

  row row_of(const box& b) const {
    const auto number = std::to_string(b.index);
    switch (b.kind) {
      case box_kind::package: {
        const auto& model = of_.packages()[b.index].model;
        return {"package " + number, model == of_.model() ? "" : model, ""};
      }
      case box_kind::node:
        return node_row(b);
      case box_kind::cache: {
        const auto& c = of_.caches()[b.index];
        return {fmt::format("L{}", c.level), detail::human_bytes(c.size_bytes), ""};
      }
      case box_kind::physical_core:
        return core_row(b);
      case box_kind::machine:
        break;
    }
    return {"machine", "", ""};
  }

  row node_row(const box& b) const {
    const auto& n = of_.nodes()[b.index];
    auto what = n.memory_bytes == 0 ? std::string{"no memory"} : detail::human_bytes(n.memory_bytes);
    if (!n.kind.empty()) what += " " + n.kind;
    if (b.cores.empty()) what += ", no CPUs of its own";
    return {fmt::format("NUMA node {}", b.index), std::move(what), ""};
  }

  row core_row(const box& b) const {
    std::string threads, caches;
    std::size_t usable = 0;
    for (const auto c : b.cores) {
      const auto& t = of_.thread(c);
      if (t.allowed) ++usable;
      threads += fmt::format("{}{}{}", threads.empty() ? "PU " : " ", t.pu_index, t.allowed ? "" : "*");
    }
    for (const auto id : b.own_caches) {
      const auto& c = of_.caches()[id];
      caches += fmt::format("{}L{} {}", caches.empty() ? "" : ", ", c.level, detail::human_bytes(c.size_bytes));
    }
    const auto kind = of_.thread(b.cores.front()).efficiency_class;
    if (kind >= 0) caches += fmt::format("{}speed class {}", caches.empty() ? "" : ", ", kind);
    if (usable == 0) caches += caches.empty() ? "not usable" : ", not usable";
    return {fmt::format("core {}", b.index), threads, caches};
  }

  const topology& of_;
  std::vector<row> rows_;
};

// A line for each part of the machine that has devices: "  near PU 0-7   eth0 (network), 0000:00:02.0 (Display)". What
// the system has a name for goes by that name.
std::string devices_text(const topology& of) {
  constexpr std::size_t devices_shown = 8;
  struct group {
    std::size_t count = 0;
    std::string names;
  };
  std::vector<bool> has_os_name(of.devices().size());
  for (const auto& d : of.devices())
    if (d.pci_device != nowhere) has_os_name[d.pci_device] = true;
  std::map<std::vector<core_id>, group> groups;
  for (std::size_t i = 0; i < of.devices().size(); ++i) {
    const auto& d = of.devices()[i];
    if (has_os_name[i]) continue;
    auto& g = groups[d.near];
    if (++g.count > devices_shown) continue;
    const std::string_view what = d.kind == device_kind::pci ? std::string_view{d.class_name} : name_of(d.type);
    g.names += fmt::format("{}{}", g.names.empty() ? "" : ", ", d.name.empty() ? "(no name)" : d.name);
    if (!what.empty()) g.names += fmt::format(" ({})", what);
  }
  std::string out = groups.empty() ? "" : "\nDevices\n";
  for (const auto& [cores, g] : groups) {
    std::vector<std::uint32_t> pus;
    for (const auto c : cores) pus.push_back(of.thread(c).pu_index);
    out += fmt::format("  near PU {}   {}", format_pu_list(std::move(pus)), g.names);
    if (g.count > devices_shown) out += fmt::format(" and {} more", g.count - devices_shown);
    out += '\n';
  }
  return out;
}

}  // namespace

std::string topology::to_json() const {
  json_lines out;
  out.member("name", json::value(name_));
  out.member("model", json::value(model_));
  out.member("source", json::value(source_name(source_)));
  out.member("is_this_machine", json::value(is_this_machine()));
  out.member("topology_hash", json::value(hash_));
  out.member("physical_core_count", json::value(physical_core_count_));
  out.list("cores", threads_, [](std::size_t, const auto& t) { return thread_json(t); });
  out.list("caches", caches_, [](std::size_t id, const auto& c) {
    return json::object{{"id", id},
                        {"level", c.level},
                        {"type", name_of(c.type)},
                        {"size_bytes", c.size_bytes},
                        {"line_bytes", c.line_bytes},
                        {"ways", c.ways},
                        {"cores", numbers(c.cores)}};
  });
  out.list("packages", packages_, [](std::size_t id, const auto& p) {
    return json::object{
        {"id", id}, {"os_index", id_or_null(p.os_index)}, {"model", p.model}, {"cores", numbers(p.cores)}};
  });
  out.list("dies", dies_, [](std::size_t id, const auto& d) {
    return json::object{{"id", id}, {"package", id_or_null(d.package)}, {"cores", numbers(d.cores)}};
  });
  out.list("numa_nodes", nodes_, [](std::size_t id, const auto& n) {
    return json::object{{"id", id},
                        {"os_index", id_or_null(n.os_index)},
                        {"memory_bytes", n.memory_bytes},
                        {"kind", n.kind},
                        {"cores", numbers(n.cores)}};
  });
  if (distances_)
    out.member("numa_distances", json::object{{"numa_nodes", json::value_from(distances_->nodes)},
                                              {"row_major", json::value_from(distances_->values)}});
  else
    out.member("numa_distances", nullptr);
  out.list("memory_attributes", memory_attributes_, [](std::size_t, const auto& a) {
    return json::object{
        {"name", a.name}, {"numa_node", a.node}, {"initiator", numbers(a.initiator)}, {"value", a.value}};
  });
  out.list("cpu_kinds", cpu_kinds_, [](std::size_t id, const auto& k) {
    return json::object{{"id", id},
                        {"efficiency", k.efficiency < 0 ? json::value(nullptr) : json::value(k.efficiency)},
                        {"cores", numbers(k.cores)}};
  });
  out.list("devices", devices_, device_json);
  out.member("offline_pus", json::value_from(offline_pus_));
  return out.take();
}

std::string topology::to_text() const {
  const auto usable = allowed_cores();
  std::vector<std::uint32_t> pus;
  for (const auto c : usable) pus.push_back(thread(c).pu_index);
  std::string out = model_.empty() ? name_ : name_.empty() ? model_ : fmt::format("{}: {}", name_, model_);
  out += fmt::format("\n{}\n", detail::summary_of(*this, ", "));
  const std::string all = usable.size() == size() ? "all usable" : fmt::format("{} usable", usable.size());
  out += fmt::format("{}: PU {}   topology {}\n\n", all, format_pu_list(pus), hash_);
  out += text_tree{*this}.print();
  if (usable.size() != size()) out += "\n* outside this process's affinity mask or cpuset: not usable\n";
  if (!offline_pus_.empty()) out += fmt::format("\nswitched off: PU {}\n", format_pu_list(offline_pus_));
  if (distances_) {
    out += "\nNUMA distances, as the firmware tells them\n";
    const auto n = distances_->nodes.size();
    for (std::size_t i = 0; i < n; ++i) {
      out += fmt::format("  node {:<4}", distances_->nodes[i]);
      for (std::size_t j = 0; j < n; ++j) out += fmt::format("{:>5}", distances_->values[i * n + j]);
      out += '\n';
    }
  }
  return out + devices_text(*this);
}

}  // namespace cooper
