// SPDX-License-Identifier: BSD-3-Clause
// What the files that read hwloc's tree share: owners of its things, a tree ready to be loaded, sets of PUs as cores,
// its words made printable, and what it knows of a machine beside the structure. Only for the topology*.cpp.
#pragma once

#include <hwloc.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <cooper/runtime/topology.hpp>

#include "printable.hpp"

namespace cooper::detail {

struct tree_delete {
  void operator()(hwloc_topology_t tree) const { hwloc_topology_destroy(tree); }
};
using tree_ptr = std::unique_ptr<hwloc_topology, tree_delete>;

struct bitmap_delete {
  void operator()(hwloc_bitmap_t bits) const { hwloc_bitmap_free(bits); }
};
using bitmap_ptr = std::unique_ptr<hwloc_bitmap_s, bitmap_delete>;

// An unloaded tree that will also show what we may not use, instruction caches and important devices; null if hwloc
// refuses.
tree_ptr new_tree();

// Printable and without the blanks around it, for vendors pad their names; empty without object or info.
std::string info_of(hwloc_obj_t object, const char* name);

// Which core is which PU of the operating system.
class core_numbers {
 public:
  void add(std::uint32_t pu_index, core_id id);
  // Ascending. A null set has none; a set may be infinitely full and may name PUs that are no cores.
  std::vector<core_id> cores_of(hwloc_const_cpuset_t set) const;

 private:
  std::unordered_map<std::uint32_t, core_id> ids_;
  std::uint32_t last_pu_ = 0;
};

struct inventory {
  std::vector<die> dies;
  std::vector<cpu_kind> cpu_kinds;
  std::vector<device> devices;
  std::vector<memory_attribute> memory_attributes;
};

// `machine` is the name for messages. Errors: too_large.
result<inventory> read_inventory(hwloc_topology_t tree, const core_numbers& numbers, const std::string& machine);

}  // namespace cooper::detail
