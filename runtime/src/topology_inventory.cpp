// SPDX-License-Identifier: BSD-3-Clause
// What hwloc knows of a machine beside its structure: dies, kinds of CPUs, devices, memory attributes.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "topology_hwloc.hpp"

namespace cooper::detail {
namespace {

constexpr std::size_t name_bytes_max = 128;

os_device_type type_of(hwloc_obj_osdev_type_t type) {
  switch (type) {
    case HWLOC_OBJ_OSDEV_BLOCK:
      return os_device_type::block;
    case HWLOC_OBJ_OSDEV_GPU:
      return os_device_type::gpu;
    case HWLOC_OBJ_OSDEV_NETWORK:
      return os_device_type::network;
    case HWLOC_OBJ_OSDEV_OPENFABRICS:
      return os_device_type::openfabrics;
    case HWLOC_OBJ_OSDEV_DMA:
      return os_device_type::dma;
    case HWLOC_OBJ_OSDEV_COPROC:
      return os_device_type::coprocessor;
  }
  return os_device_type::other;  // of a newer hwloc, or of a file
}

// hwloc tells its word for a PCI class only inside a description: "busid=..., class=0200(Ethernet), ...".
std::string class_name_of(hwloc_obj_t pci) {
  std::array<char, 512> text{};
  hwloc_obj_attr_snprintf(text.data(), text.size(), pci, ",", 1);
  const std::string_view all{text.data()};
  const auto key = fmt::format("class={:04x}(", pci->attr->pcidev.class_id);
  const auto at = all.find(key);
  if (at == all.npos) return {};
  const auto first = at + key.size(), last = all.find(')', first);
  return last == all.npos ? std::string{} : printable(all.substr(first, last - first), name_bytes_max);
}

class inventory_reader {
 public:
  inventory_reader(hwloc_topology_t tree, const core_numbers& numbers) : tree_{tree}, numbers_{numbers} {}

  result<inventory> read(const std::string& machine) {
    read_dies();
    read_kinds();
    read_devices();
    read_memory_attributes();
    if (spent_ > entries_max)
      return error{errc::too_large, machine + " has more devices and memory attributes than " +
                                        std::to_string(entries_max) + ", counted with the cores of each"};
    return std::move(found_);
  }

 private:
  // Dies and kinds divide the cores among them, but each device and each memory attribute can name all of them, and
  // a file can hold a million: lists of cores are counted, and nothing more is kept beyond the limit.
  static constexpr std::size_t entries_max = std::size_t{1} << 22;

  bool spend(std::size_t cores) { return (spent_ += 1 + cores) <= entries_max; }

  void read_dies() {
    // Packages inside packages, which a file can have, are no packages to us: hwloc then has no one list of them.
    const bool has_packages = hwloc_get_nbobjs_by_type(tree_, HWLOC_OBJ_PACKAGE) > 0;
    hwloc_obj_t object = nullptr;
    while ((object = hwloc_get_next_obj_by_type(tree_, HWLOC_OBJ_DIE, object)) != nullptr) {
      const auto package = has_packages ? hwloc_get_ancestor_obj_by_type(tree_, HWLOC_OBJ_PACKAGE, object) : nullptr;
      found_.dies.push_back({package == nullptr ? nowhere : package->logical_index, numbers_.cores_of(object->cpuset)});
    }
  }

  void read_kinds() {
    const int kinds = hwloc_cpukinds_get_nr(tree_, 0);
    const bitmap_ptr set{hwloc_bitmap_alloc()};
    for (int i = 0; i < kinds; ++i) {
      cpu_kind kind;
      if (hwloc_cpukinds_get_info(tree_, static_cast<unsigned>(i), set.get(), &kind.efficiency, nullptr, nullptr, 0) !=
          0)
        continue;
      kind.cores = numbers_.cores_of(set.get());
      if (!kind.cores.empty()) found_.cpu_kinds.push_back(std::move(kind));
    }
  }

  // False when there is no room for another.
  bool add_device(hwloc_obj_t object, device made) {
    const auto part = hwloc_get_non_io_ancestor_obj(tree_, object);
    if (part != nullptr) made.near = numbers_.cores_of(part->cpuset);
    if (!spend(made.near.size())) return false;
    found_.devices.push_back(std::move(made));
    return true;
  }

  void read_devices() {
    std::unordered_map<hwloc_obj_t, std::uint32_t> positions;
    hwloc_obj_t object = nullptr;
    while ((object = hwloc_get_next_pcidev(tree_, object)) != nullptr) {
      const auto& told = object->attr->pcidev;
      device d;
      d.kind = device_kind::pci;
      d.name = fmt::format("{:04x}:{:02x}:{:02x}.{:x}", told.domain, told.bus, told.dev, told.func);
      d.vendor_id = told.vendor_id;
      d.device_id = told.device_id;
      d.class_id = told.class_id;
      d.class_name = class_name_of(object);
      positions.emplace(object, static_cast<std::uint32_t>(found_.devices.size()));
      if (!add_device(object, std::move(d))) return;
    }
    while ((object = hwloc_get_next_osdev(tree_, object)) != nullptr) {
      device d;
      d.kind = device_kind::os;
      d.name = object->name == nullptr ? "" : printable(object->name, name_bytes_max);
      d.type = type_of(object->attr->osdev.type);
      for (auto up = object->parent; up != nullptr && d.pci_device == nowhere; up = up->parent)
        if (const auto at = positions.find(up); at != positions.end()) d.pci_device = at->second;
      if (!add_device(object, std::move(d))) return;
    }
  }

  void read_memory_attributes() {
    const char* name = nullptr;
    for (hwloc_memattr_id_t id = 0; hwloc_memattr_get_name(tree_, id, &name) == 0; ++id) {
      if (id == HWLOC_MEMATTR_ID_CAPACITY || id == HWLOC_MEMATTR_ID_LOCALITY) continue;
      unsigned long flags = 0;
      unsigned count = 0;
      if (hwloc_memattr_get_flags(tree_, id, &flags) != 0 ||
          hwloc_memattr_get_targets(tree_, id, nullptr, 0, &count, nullptr, nullptr) != 0)
        continue;
      std::vector<hwloc_obj_t> targets(count);
      std::vector<hwloc_uint64_t> values(count);
      if (hwloc_memattr_get_targets(tree_, id, nullptr, 0, &count, targets.data(), values.data()) != 0) continue;
      targets.resize(std::min<std::size_t>(count, targets.size()));
      for (std::size_t i = 0; i < targets.size(); ++i) {
        if (targets[i] == nullptr || targets[i]->type != HWLOC_OBJ_NUMANODE) continue;
        memory_attribute a{printable(name, name_bytes_max), targets[i]->logical_index, {}, values[i]};
        if ((flags & HWLOC_MEMATTR_FLAG_NEED_INITIATOR) == 0)
          add_attribute(std::move(a));
        else
          read_initiators(id, targets[i], a);
        if (spent_ > entries_max) return;
      }
    }
  }

  void add_attribute(memory_attribute made) {
    if (spend(made.initiator.size())) found_.memory_attributes.push_back(std::move(made));
  }

  void read_initiators(hwloc_memattr_id_t id, hwloc_obj_t target, const memory_attribute& common) {
    unsigned count = 0;
    if (hwloc_memattr_get_initiators(tree_, id, target, 0, &count, nullptr, nullptr) != 0) return;
    std::vector<hwloc_location> initiators(count);
    std::vector<hwloc_uint64_t> values(count);
    if (hwloc_memattr_get_initiators(tree_, id, target, 0, &count, initiators.data(), values.data()) != 0) return;
    initiators.resize(std::min<std::size_t>(count, initiators.size()));
    for (std::size_t i = 0; i < initiators.size() && spent_ <= entries_max; ++i) {
      const auto& from = initiators[i];
      // A device that reads memory is no core: it has no cpuset.
      const hwloc_obj_t object = from.type == HWLOC_LOCATION_TYPE_OBJECT ? from.location.object : nullptr;
      const hwloc_const_cpuset_t set = from.type == HWLOC_LOCATION_TYPE_CPUSET ? from.location.cpuset
                                       : object != nullptr                     ? object->cpuset
                                                                               : nullptr;
      auto a = common;
      a.initiator = numbers_.cores_of(set);
      a.value = values[i];
      if (!a.initiator.empty()) add_attribute(std::move(a));
    }
  }

  hwloc_topology_t tree_;
  const core_numbers& numbers_;
  inventory found_;
  std::size_t spent_ = 0;
};

}  // namespace

result<inventory> read_inventory(hwloc_topology_t tree, const core_numbers& numbers, const std::string& machine) {
  return inventory_reader{tree, numbers}.read(machine);
}

}  // namespace cooper::detail
