// SPDX-License-Identifier: BSD-3-Clause
// The facts of a machine's structure. What a topology does not know is -1, or has no fact.
#include <algorithm>
#include <limits>
#include <map>

#include <cooper/skb/facts.hpp>

namespace cooper::skb {
namespace {

std::int64_t or_none(std::uint32_t position) { return position == nowhere ? -1 : std::int64_t{position}; }
// What a file says may be larger than numbers are here.
std::int64_t whole(std::uint64_t amount) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(amount, std::numeric_limits<std::int64_t>::max()));
}
// hwloc's 0 for "unknown".
std::int64_t or_unknown(std::uint64_t amount) { return amount == 0 ? -1 : whole(amount); }

class writer {
 public:
  explicit writer(const topology& machine) : machine_{machine} {}

  std::vector<term> all() {
    const char* sources[] = {"native", "xml", "synthetic"};
    add("machine", {text{machine_.name()}, atom{sources[static_cast<std::size_t>(machine_.source())]},
                    machine_.is_this_machine() ? 1 : 0});
    parts();
    threads();
    caches();
    memory();
    devices();
    return std::move(facts_);
  }

 private:
  void add(const char* name, std::vector<term> arguments) { facts_.push_back(compound(name, std::move(arguments))); }

  void parts() {
    for (std::size_t p = 0; p < machine_.packages().size(); ++p) add("package", {p});
    for (std::size_t d = 0; d < machine_.dies().size(); ++d) {
      const std::uint32_t package = machine_.dies()[d].package;
      if (package != nowhere) add("die", {d, package});
    }
    for (std::size_t k = 0; k < machine_.cpu_kinds().size(); ++k) {
      add("cpukind", {k, machine_.cpu_kinds()[k].efficiency});
      for (const core_id c : machine_.cpu_kinds()[k].cores) kind_of_[c.value] = static_cast<std::int64_t>(k);
    }
  }

  void threads() {
    std::uint32_t next_core = 0;
    for (const hardware_thread& t : machine_.threads()) {
      if (t.physical_core >= next_core) {
        next_core = t.physical_core + 1;
        const auto kind = kind_of_.find(t.id.value);
        add("core", {t.physical_core, or_none(t.package), kind == kind_of_.end() ? -1 : kind->second});
      }
      add("pu", {t.id.value, t.pu_index, t.physical_core});
      add("pu_place", {t.id.value, t.physical_core, or_none(t.l2), or_none(t.l3), or_none(t.package), or_none(t.node)});
    }
  }

  void caches() {
    for (std::size_t i = 0; i < machine_.caches().size(); ++i) {
      const cache& c = machine_.caches()[i];
      add("cache", {i, c.level, atom{std::string{name_of(c.type)}}, or_unknown(c.size_bytes), or_unknown(c.line_bytes),
                    c.ways > 0 ? c.ways : -1});
      for (const core_id user : c.cores) add("cache_pu", {i, user.value});
    }
  }

  void memory() {
    for (std::size_t n = 0; n < machine_.nodes().size(); ++n) {
      const numa_node& node = machine_.nodes()[n];
      add("numa_node", {n, or_none(node.os_index), whole(node.memory_bytes)});
    }
    if (const auto& distances = machine_.distances()) {
      const std::size_t count = distances->nodes.size();
      for (std::size_t i = 0; i < count * count; ++i) {
        add("numa_distance", {distances->nodes[i / count], distances->nodes[i % count], whole(distances->values[i])});
      }
    }
    for (const memory_attribute& a : machine_.memory_attributes()) {
      if (a.node == nowhere) continue;
      std::vector<term> initiator;
      for (const core_id c : a.initiator) initiator.emplace_back(c.value);
      const term seen_by = initiator.empty() ? term{"all"} : list(std::move(initiator));
      add("memattr", {atom{a.name}, a.node, seen_by, whole(a.value)});
    }
  }

  void devices() {
    for (std::size_t i = 0; i < machine_.devices().size(); ++i) {
      const device& d = machine_.devices()[i];
      if (d.kind == device_kind::os) {
        add("os_dev", {i, atom{d.name}, or_none(d.pci_device)});
        continue;
      }
      add("pci_dev", {i, atom{d.name}, d.vendor_id, d.device_id, d.class_id});
      for (const core_id c : d.near) add("pci_near", {i, c.value});
    }
  }

  const topology& machine_;
  std::map<std::uint16_t, std::int64_t> kind_of_;
  std::vector<term> facts_;
};

}  // namespace

std::vector<term> facts_of(const topology& machine) { return writer{machine}.all(); }

}  // namespace cooper::skb
