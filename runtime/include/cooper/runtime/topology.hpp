// SPDX-License-Identifier: BSD-3-Clause
// The machine as a value: hardware threads, caches, packages, NUMA nodes, devices, and what a message between two cores
// crosses.
//
//   auto here = topology::discover();                        // this machine, within affinity mask and cpuset
//   auto chosen = select_cores(*here, "0,2-3", false);       // PU numbers in, core ids out
//   link_class c = here->relation((*chosen)[0], (*chosen)[1]);
//
// Sources are this machine, an hwloc XML file and an hwloc synthetic string; hwloc itself stays in the .cpp. Any thread
// may call anything; a topology never changes after it was made. Reading one is control work: discover() looks at every
// device, from_xml() forks once.
//
// Numbers. A core_id counts the hardware threads from 0 in hwloc's logical order, so neighbours in the tree are
// neighbours in number; the threads that this process may not use are counted too, with allowed == false. pu_index is
// the number the operating system uses. All other ids are positions in caches(), packages(), nodes(), devices().
//
// Words. Names and models come from firmware, drivers and files: they are valid UTF-8 of printable characters here,
// whatever they were there; what was not is '?'.
//
// Invariants, enforced by the builder in topology_read.cpp:
//   I1  threads()[i].id.value == i, and there are 1 to core_count_max of them
//   I2  an id that is not `nowhere` is a valid position; lists of cores are ascending
//   I3  the hash depends on structure only: not on affinity, host name, free memory or the source, nor on what hwloc
//       knows beside the structure: instruction caches, dies, kinds, devices, memory attributes
//   I4  in caches() instruction caches come last, and within both parts the lower level comes first
//   I5  in devices() those of the bus come before those of the operating system
//
// Counterpart in Barrelfish: the facts that the SKB's datagatherer collects (usr/skb).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>

namespace cooper {

// What a message between two cores crosses, nearest first: the smallest thing that both share.
enum class link_class : std::uint8_t {
  self,     // one hardware thread
  smt,      // hardware threads of one physical core
  l2,       // physical cores that share a level 2 cache
  l3,       // ... that share a level 3 cache
  package,  // one package (where hwloc reports none: one NUMA node), but no common cache
  remote,   // different packages
};
inline constexpr std::size_t link_class_count = 6;
std::string_view name_of(link_class) noexcept;

// Ids of things that this machine does not have or hwloc does not know.
inline constexpr std::uint32_t nowhere = 0xffffffff;

struct hardware_thread {
  core_id id;
  std::uint32_t pu_index = 0;
  std::uint32_t physical_core = 0;  // dense; a thread without a core object is a physical core of its own
  std::uint32_t smt_position = 0;   // 0 for the first thread of its physical core
  std::uint32_t package = nowhere;
  std::uint32_t node = nowhere;  // the nearest NUMA node, also if it has no memory
  std::uint32_t l1 = nowhere;    // data or unified caches, never instruction caches
  std::uint32_t l2 = nowhere;
  std::uint32_t l3 = nowhere;
  bool allowed = true;
  // Where cores differ: 0 is the most efficient kind, higher is faster; -1 where all are alike or nobody knows.
  int efficiency_class = -1;
};

enum class cache_type : std::uint8_t { data, instruction, unified };
std::string_view name_of(cache_type) noexcept;

struct cache {
  std::uint32_t level = 0;
  cache_type type = cache_type::unified;
  std::uint64_t size_bytes = 0;  // 0 if unknown
  std::uint32_t line_bytes = 0;  // 0 if unknown
  int ways = 0;                  // associativity; -1: fully associative, 0 if unknown
  std::vector<core_id> cores;
};

struct package {
  std::uint32_t os_index = nowhere;
  std::string model;  // may be empty
  std::vector<core_id> cores;
};

// A part of a package; only where the machine tells them apart.
struct die {
  std::uint32_t package = nowhere;
  std::vector<core_id> cores;
};

struct numa_node {
  std::uint32_t os_index = nowhere;
  std::uint64_t memory_bytes = 0;  // 0: a node without memory
  std::string kind;                // hwloc's subtype, e.g. "HBM"; mostly empty
  // The cores that it is near to. hwloc gives a node without CPUs those of its surroundings, often all; such a node is
  // no thread's own `node`.
  std::vector<core_id> cores;
};

// Relative cost from node to node, as the firmware tells it: row-major, nodes.size() squared values.
struct node_distances {
  std::vector<std::uint32_t> nodes;
  std::vector<std::uint64_t> values;
};

// What the firmware measured, or promises, of a node's memory. Capacity and locality are in numa_node.
struct memory_attribute {
  std::string name;  // hwloc's: "Bandwidth" (MiB/s), "Latency" (ns), "ReadLatency", ...; or a word of the file's own
  std::uint32_t node = nowhere;
  std::vector<core_id> initiator;  // the cores that see this value; empty: all
  std::uint64_t value = 0;
};

// Cores that are alike. The kinds are ordered by efficiency where it is known; a core may have none.
struct cpu_kind {
  int efficiency = -1;  // 0 is the most efficient, higher is faster; -1 if unknown
  std::vector<core_id> cores;
};

enum class device_kind : std::uint8_t { pci, os };
std::string_view name_of(device_kind) noexcept;
enum class os_device_type : std::uint8_t { none, block, network, openfabrics, gpu, coprocessor, dma, other };
std::string_view name_of(os_device_type) noexcept;

// A device that hwloc holds important (network, storage, GPU, ...): as the bus sees it, or as the system calls it.
struct device {
  device_kind kind = device_kind::pci;
  std::string name;           // pci: the bus id, "0000:00:03.0"; os: such as "eth0", empty where it has none
  std::vector<core_id> near;  // the cores of the smallest part of the machine that it hangs off
  // Of kind pci only, numbers as the PCI consortium gives them.
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::uint16_t class_id = 0;
  std::string class_name;  // hwloc's word for the class, such as "Ethernet"; may be empty
  // Of kind os only.
  os_device_type type = os_device_type::none;
  std::uint32_t pci_device = nowhere;  // the device of the bus that it is
};

enum class topology_source : std::uint8_t { this_machine, xml, synthetic };

class topology {
 public:
  // This machine; a core is allowed if both the cpuset (cgroup) and this thread's affinity mask have it.
  // Errors: topology_unavailable, too_large.
  static result<topology> discover();
  // Errors: unreadable_input (with the system's words), malformed_input (with the place), too_large.
  static result<topology> from_xml(const std::filesystem::path& file);
  // hwloc's notation, such as "package:2 l3:2 core:4 pu:2". Errors: malformed_input, too_large.
  static result<topology> from_synthetic(std::string_view description);

  const std::vector<hardware_thread>& threads() const noexcept { return threads_; }
  const hardware_thread& thread(core_id id) const { return threads_.at(id.value); }
  const std::vector<cache>& caches() const noexcept { return caches_; }
  const std::vector<package>& packages() const noexcept { return packages_; }
  const std::vector<die>& dies() const noexcept { return dies_; }
  const std::vector<numa_node>& nodes() const noexcept { return nodes_; }
  const std::optional<node_distances>& distances() const noexcept { return distances_; }
  const std::vector<memory_attribute>& memory_attributes() const noexcept { return memory_attributes_; }
  const std::vector<cpu_kind>& cpu_kinds() const noexcept { return cpu_kinds_; }  // may be empty, also one kind only
  const std::vector<device>& devices() const noexcept { return devices_; }
  // PU numbers that the machine has but that are switched off.
  const std::vector<std::uint32_t>& offline_pus() const noexcept { return offline_pus_; }

  std::size_t size() const noexcept { return threads_.size(); }
  std::size_t physical_core_count() const noexcept { return physical_core_count_; }
  std::vector<core_id> allowed_cores() const;
  std::optional<core_id> find_pu(std::uint32_t pu_index) const noexcept;

  // Both must be cores of this topology; constant time.
  link_class relation(core_id a, core_id b) const;

  topology_source source() const noexcept { return source_; }
  bool is_this_machine() const noexcept { return source_ == topology_source::this_machine; }
  const std::string& name() const noexcept { return name_; }    // host name, file or synthetic string
  const std::string& model() const noexcept { return model_; }  // CPU model; empty if unknown
  const std::string& hash() const noexcept { return hash_; }    // 16 hexadecimal digits

  std::string to_json() const;  // one object, keys in a fixed order, a line for each element; ends in a newline
  std::string to_text() const;  // a tree for people, UTF-8
  std::string to_svg() const;   // a picture with its own background; it also follows prefers-color-scheme

 private:
  friend class topology_builder;
  topology() = default;

  std::vector<hardware_thread> threads_;
  std::vector<cache> caches_;
  std::vector<package> packages_;
  std::vector<die> dies_;
  std::vector<numa_node> nodes_;
  std::optional<node_distances> distances_;
  std::vector<memory_attribute> memory_attributes_;
  std::vector<cpu_kind> cpu_kinds_;
  std::vector<device> devices_;
  std::vector<std::uint32_t> offline_pus_;
  std::size_t physical_core_count_ = 0;
  topology_source source_ = topology_source::this_machine;
  std::string name_;
  std::string model_;
  std::string hash_;
};

// Lists of PU numbers as Linux writes them, "0,2-3". Parsing keeps order and repetitions, and refuses with bad_option;
// formatting sorts, and gives "none" for an empty list.
struct pu_range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  friend constexpr bool operator==(pu_range, pu_range) = default;
};
result<std::vector<pu_range>> parse_pu_list(std::string_view list);
std::string format_pu_list(std::vector<std::uint32_t> pus);

// The cores a person asked for: `list` names PU numbers as the operating system counts them and `cooper topo` shows
// them, e.g. "0,2-3". Without a list: all allowed cores. The order is the list's. A core may be named more than once
// only with `allow_oversubscription`.
// Errors: bad_option (not such a list), no_cores, no_such_core, core_not_allowed, duplicate_core, too_large.
result<std::vector<core_id>> select_cores(const topology& where, const std::optional<std::string>& list,
                                          bool allow_oversubscription);

}  // namespace cooper
