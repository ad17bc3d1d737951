// SPDX-License-Identifier: BSD-3-Clause
// From hwloc's tree to ours: the only maker of topologies. What is beside the structure: topology_inventory.cpp.
#include <hwloc.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <unordered_map>

#include <cooper/runtime/topology.hpp>

#include "topology_hwloc.hpp"
#include "topology_input.hpp"

namespace cooper {
namespace {

using detail::bitmap_ptr;
using detail::info_of;
using detail::new_tree;
using detail::printable;

// The calling thread's affinity mask. The kernel wants a mask at least as wide as its own, so the width grows.
bitmap_ptr affinity_mask() {
  for (std::size_t width = 1024; width <= (1u << 20); width *= 2) {
    const auto bytes = CPU_ALLOC_SIZE(width);
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set{CPU_ALLOC(width), [](cpu_set_t* s) { CPU_FREE(s); }};
    CPU_ZERO_S(bytes, set.get());
    if (::sched_getaffinity(0, bytes, set.get()) != 0) {
      if (errno == EINVAL) continue;
      return {};
    }
    bitmap_ptr mask{hwloc_bitmap_alloc()};
    for (std::size_t i = 0; i < width; ++i)
      if (CPU_ISSET_S(i, bytes, set.get())) hwloc_bitmap_set(mask.get(), static_cast<unsigned>(i));
    return mask;
  }
  return {};
}

// The model as /proc/cpuinfo of this machine tells it; its key differs by architecture.
std::string cpuinfo_model() {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    for (const std::string_view key : {"model name", "Model", "Hardware", "cpu model", "uarch", "cpu\t"})
      if (line.starts_with(key))
        if (const auto colon = line.find(": "); colon != line.npos) return line.substr(colon + 2);
  return {};
}

class fingerprint {
 public:
  void add(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) {
      hash_ = (hash_ ^ (value & 0xff)) * 0x100000001b3;
      value >>= 8;
    }
  }
  std::string text() const {
    std::string out(16, '0');
    for (std::size_t i = 0; i < 16; ++i) out[i] = "0123456789abcdef"[hash_ >> (60 - 4 * i) & 0xf];
    return out;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;  // FNV-1a
};

}  // namespace

class topology_builder {
 public:
  topology_builder(hwloc_topology_t tree, topology_source source, const std::string& name) : tree_{tree} {
    made_.source_ = source;
    made_.name_ = printable(name);
  }

  result<topology> build(const bitmap_ptr& mask) {
    const int count = hwloc_get_nbobjs_by_type(tree_, HWLOC_OBJ_PU);
    if (count <= 0) return error{errc::topology_unavailable, "hwloc finds no PU in " + made_.name_};
    if (static_cast<std::size_t>(count) > core_count_max)
      return error{errc::too_large, made_.name_ + " has " + std::to_string(count) + " hardware threads, the limit is " +
                                        std::to_string(core_count_max)};
    // Each may list all cores; a file can claim any number of them.
    for (const auto type : {HWLOC_OBJ_PACKAGE, HWLOC_OBJ_NUMANODE})
      if (const int things = hwloc_get_nbobjs_by_type(tree_, type); things > static_cast<int>(core_count_max))
        return error{errc::too_large, made_.name_ + " has " + std::to_string(things) + " objects of type " +
                                          hwloc_obj_type_string(type) + ", the limit is " +
                                          std::to_string(core_count_max)};
    read_threads(mask);
    read_packages();
    read_caches();
    read_nodes();
    read_distances();
    if (auto ok = read_inventory(); !ok) return ok.error();
    read_offline();
    read_names();
    made_.hash_ = structure_hash();
    return std::move(made_);
  }

 private:
  void read_threads(const bitmap_ptr& mask) {
    const auto allowed = hwloc_topology_get_allowed_cpuset(tree_);
    std::unordered_map<hwloc_obj_t, std::uint32_t> core_numbers;
    std::vector<std::uint32_t> threads_of_core;
    hwloc_obj_t pu = nullptr;
    while ((pu = hwloc_get_next_obj_by_type(tree_, HWLOC_OBJ_PU, pu)) != nullptr) {
      hardware_thread t;
      t.id = core_number(made_.threads_.size());
      t.pu_index = pu->os_index;
      const auto core = hwloc_get_ancestor_obj_by_type(tree_, HWLOC_OBJ_CORE, pu);
      const auto next = static_cast<std::uint32_t>(threads_of_core.size());
      t.physical_core = core_numbers.emplace(core != nullptr ? core : pu, next).first->second;
      if (t.physical_core == next) threads_of_core.push_back(0);
      t.smt_position = threads_of_core[t.physical_core]++;
      t.allowed = hwloc_bitmap_isset(allowed, pu->os_index) != 0 &&
                  (!mask || hwloc_bitmap_isset(mask.get(), pu->os_index) != 0);
      numbers_.add(t.pu_index, t.id);
      made_.threads_.push_back(t);
    }
    made_.physical_core_count_ = threads_of_core.size();
  }

  std::vector<core_id> cores_of(hwloc_const_cpuset_t set) const { return numbers_.cores_of(set); }

  void read_packages() {
    hwloc_obj_t object = nullptr;
    while ((object = hwloc_get_next_obj_by_type(tree_, HWLOC_OBJ_PACKAGE, object)) != nullptr) {
      const auto id = static_cast<std::uint32_t>(made_.packages_.size());
      package p{object->os_index, info_of(object, "CPUModel"), cores_of(object->cpuset)};
      for (const auto c : p.cores) made_.threads_[c.value].package = id;
      made_.packages_.push_back(std::move(p));
    }
  }

  // Instruction caches last, so that they move nobody's id.
  void read_caches() {
    for (const auto type : {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE,
                            HWLOC_OBJ_L5CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2ICACHE, HWLOC_OBJ_L3ICACHE}) {
      hwloc_obj_t object = nullptr;
      while ((object = hwloc_get_next_obj_by_type(tree_, type, object)) != nullptr) {
        const auto id = static_cast<std::uint32_t>(made_.caches_.size());
        const auto& told = object->attr->cache;
        const auto kind = hwloc_obj_type_is_icache(type) != 0 ? cache_type::instruction
                          : told.type == HWLOC_OBJ_CACHE_DATA ? cache_type::data
                                                              : cache_type::unified;
        const int ways = told.associativity < -1 ? 0 : told.associativity;
        cache c{told.depth, kind, told.size, told.linesize, ways, cores_of(object->cpuset)};
        for (const auto core : c.cores) {
          auto& t = made_.threads_[core.value];
          if (type == HWLOC_OBJ_L1CACHE) t.l1 = id;
          if (type == HWLOC_OBJ_L2CACHE) t.l2 = id;
          if (type == HWLOC_OBJ_L3CACHE) t.l3 = id;
        }
        made_.caches_.push_back(std::move(c));
      }
    }
  }

  // A core can be near several nodes (fast and plain memory, or a node above others): its own is the one that the
  // fewest cores share, then one with memory, then the first.
  void read_nodes() {
    hwloc_obj_t object = nullptr;
    while ((object = hwloc_get_next_obj_by_type(tree_, HWLOC_OBJ_NUMANODE, object)) != nullptr)
      made_.nodes_.push_back({object->os_index, object->attr->numanode.local_memory,
                              object->subtype == nullptr ? "" : printable(object->subtype), cores_of(object->cpuset)});
    const auto& nodes = made_.nodes_;
    for (std::uint32_t id = 0; id < nodes.size(); ++id) {
      const auto rank = [&](std::uint32_t n) {
        return std::pair{nodes[n].cores.size(), nodes[n].memory_bytes == 0 ? 1 : 0};
      };
      for (const auto c : nodes[id].cores) {
        auto& own = made_.threads_[c.value].node;
        if (own == nowhere || rank(id) < rank(own)) own = id;
      }
    }
  }

  void read_distances() {
    unsigned count = 1;
    hwloc_distances_s* found = nullptr;
    if (hwloc_distances_get_by_type(tree_, HWLOC_OBJ_NUMANODE, &count, &found, HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) !=
            0 ||
        count == 0 || found == nullptr)
      return;
    node_distances matrix;
    for (unsigned i = 0; i < found->nbobjs; ++i)
      if (found->objs[i] != nullptr) matrix.nodes.push_back(found->objs[i]->logical_index);
    matrix.values.assign(found->values, found->values + std::size_t{found->nbobjs} * found->nbobjs);
    if (matrix.nodes.size() == found->nbobjs) made_.distances_ = std::move(matrix);
    hwloc_distances_release(tree_, found);
  }

  result<void> read_inventory() {
    auto found = detail::read_inventory(tree_, numbers_, made_.name_);
    if (!found) return found.error();
    made_.dies_ = std::move(found->dies);
    made_.cpu_kinds_ = std::move(found->cpu_kinds);
    made_.devices_ = std::move(found->devices);
    made_.memory_attributes_ = std::move(found->memory_attributes);
    if (made_.cpu_kinds_.size() < 2) return {};
    for (const auto& kind : made_.cpu_kinds_)
      for (const auto c : kind.cores) made_.threads_[c.value].efficiency_class = kind.efficiency;
    return {};
  }

  void read_offline() {
    const bitmap_ptr off{hwloc_bitmap_dup(hwloc_topology_get_complete_cpuset(tree_))};
    hwloc_bitmap_andnot(off.get(), off.get(), hwloc_topology_get_topology_cpuset(tree_));
    if (hwloc_bitmap_weight(off.get()) < 0) return;  // infinitely many are none that we could name
    for (int i = hwloc_bitmap_first(off.get()); i >= 0; i = hwloc_bitmap_next(off.get(), i))
      made_.offline_pus_.push_back(static_cast<std::uint32_t>(i));
  }

  void read_names() {
    const auto root = hwloc_get_root_obj(tree_);
    for (const auto& p : made_.packages_)
      if (made_.model_.empty()) made_.model_ = p.model;
    if (made_.model_.empty()) made_.model_ = info_of(root, "CPUModel");
    if (made_.model_.empty() && made_.is_this_machine()) made_.model_ = printable(cpuinfo_model());
    if (made_.source_ == topology_source::synthetic) return;
    if (auto host = info_of(root, "HostName"); !host.empty()) made_.name_ = std::move(host);
  }

  std::string structure_hash() const {
    fingerprint print;
    print.add(made_.threads_.size());
    for (const auto& t : made_.threads_)
      for (const auto value : {t.pu_index, t.physical_core, t.smt_position, t.package, t.node, t.l1, t.l2, t.l3})
        print.add(value);
    const auto is_hashed = [](const cache& c) { return c.type != cache_type::instruction; };
    print.add(static_cast<std::uint64_t>(std::count_if(made_.caches_.begin(), made_.caches_.end(), is_hashed)));
    for (const auto& c : made_.caches_) {
      if (!is_hashed(c)) continue;
      for (const std::uint64_t value : {std::uint64_t{c.level}, c.size_bytes, std::uint64_t{c.line_bytes}})
        print.add(value);
      print.add(c.cores.size());
      for (const auto core : c.cores) print.add(core.value);
    }
    print.add(made_.packages_.size());
    print.add(made_.nodes_.size());
    for (const auto& n : made_.nodes_) {
      print.add(n.memory_bytes == 0);  // the size itself changes with every kernel
      print.add(n.cores.size());
    }
    return print.text();
  }

  hwloc_topology_t tree_;
  topology made_;
  detail::core_numbers numbers_;
};

result<topology> topology::discover() {
  const auto tree = new_tree();
  if (!tree || hwloc_topology_load(tree.get()) != 0)
    return error{errc::topology_unavailable, std::string{"hwloc: "} + std::strerror(errno)};
  if (hwloc_topology_is_thissystem(tree.get()) == 0)
    return error{errc::topology_unavailable,
                 "HWLOC_XMLFILE, HWLOC_SYNTHETIC or HWLOC_FSROOT in the environment puts another machine in its place; "
                 "unset it"};
  const auto mask = affinity_mask();
  if (!mask) return error{errc::topology_unavailable, std::string{"sched_getaffinity: "} + std::strerror(errno)};
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return topology_builder{tree.get(), topology_source::this_machine, host.data()}.build(mask);
}

result<topology> topology::from_xml(const std::filesystem::path& file) {
  const auto name = "'" + printable(file.string()) + "'";
  const auto text = detail::read_text_file(file);
  if (!text) return text.error();
  if (auto ok = detail::check_xml(*text, name); !ok) return ok.error();
  const auto walk = [](hwloc_topology_t tree) {
    static_cast<void>(topology_builder{tree, topology_source::xml, ""}.build({}));
  };
  if (auto ok = detail::try_xml(*text, name, walk); !ok) return ok.error();
  const auto tree = new_tree();
  if (!tree) return error{errc::topology_unavailable, std::string{"hwloc: "} + std::strerror(errno)};
  if (hwloc_topology_set_xmlbuffer(tree.get(), text->c_str(), static_cast<int>(text->size() + 1)) != 0 ||
      hwloc_topology_load(tree.get()) != 0)
    return error{errc::malformed_input, name + ": hwloc refuses it"};
  return topology_builder{tree.get(), topology_source::xml, file.filename().string()}.build({});
}

result<topology> topology::from_synthetic(std::string_view description) {
  const std::string text{description};
  if (auto ok = detail::check_synthetic(text); !ok) return ok.error();
  const auto tree = new_tree();
  if (!tree) return error{errc::topology_unavailable, std::string{"hwloc: "} + std::strerror(errno)};
  if (hwloc_topology_set_synthetic(tree.get(), text.c_str()) != 0 || hwloc_topology_load(tree.get()) != 0)
    return error{errc::malformed_input,
                 "synthetic machine '" + text.substr(0, 80) +
                     "': hwloc refuses the order or the attributes of its levels; from the outside they are package, "
                     "numa, l3, l2, l1, core, pu, each at most once, e.g. 'package:2 numa:1 l3:1 core:4 pu:2'"};
  return topology_builder{tree.get(), topology_source::synthetic, text}.build({});
}

}  // namespace cooper
