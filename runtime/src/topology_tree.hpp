// SPDX-License-Identifier: BSD-3-Clause
// The machine as boxes inside boxes, for text and picture: packages, NUMA nodes and shared caches, nested by which
// cores they hold, down to physical cores. Which contains which differs between machines, so nothing is assumed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <cooper/runtime/topology.hpp>

namespace cooper::detail {

enum class box_kind : std::uint8_t { machine, package, node, cache, physical_core };

struct box {
  box_kind kind = box_kind::machine;
  std::uint32_t index = 0;  // of packages(), nodes(), caches(), or the physical core's number
  std::vector<core_id> cores;
  std::vector<std::uint32_t>
      own_caches;         // of a physical core: the caches that it shares with no other, outermost first
  box* parent = nullptr;  // valid while the boxes are nested, not afterwards
  std::vector<std::unique_ptr<box>> children;
};

// A node that is no core's own holds nothing; it is a child of the package or machine whose cores it is near.
box nested_boxes(const topology& of);

// "480 MiB", "1.5 GiB"; "?" for zero, which means unknown.
std::string human_bytes(std::uint64_t bytes);
// "1 package", "3 NUMA nodes".
std::string counted(std::size_t count, const std::string& thing);
// "2 packages, 2 NUMA nodes, 8 cores, 16 hardware threads"
std::string summary_of(const topology& of, const char* separator);

}  // namespace cooper::detail
