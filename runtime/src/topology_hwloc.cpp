// SPDX-License-Identifier: BSD-3-Clause
#include "topology_hwloc.hpp"

#include <algorithm>

namespace cooper::detail {
namespace {

// Takes one character off the front: its code point, and in `bytes` its length. 0 for a byte that begins none.
char32_t take_character(std::string_view text, std::size_t& bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  bytes = 1;
  const unsigned first = at(0);
  if (first < 0x80) return first;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  char32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (at(i) & 0x3f);
  }
  constexpr char32_t shortest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < shortest[length] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return 0;
  bytes = length;
  return code;
}

bool is_printable(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  // Line and paragraph separators, marks and overrides of the writing direction, the byte order mark, noncharacters.
  if (code == 0x61c || (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e)) return false;
  return (code < 0x2066 || code > 0x2069) && code != 0xfeff && (code & 0xfffe) != 0xfffe;
}

}  // namespace

tree_ptr new_tree() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return {};
  tree_ptr tree{raw};
  if (hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) != 0 ||
      hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL) != 0 ||
      hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT) != 0)
    return {};
  // These would load the vendors' libraries into this process, with threads of their own, or call on X servers; what
  // they know of a GPU stands in its PCI and DRM devices too. The last would go through libpciaccess, whose state is
  // the process's and which loses memory; without it hwloc reads the same from sysfs. A component that is not installed
  // cannot be refused, which is no failure.
  for (const char* component : {"cuda", "nvml", "rsmi", "levelzero", "opencl", "gl", "pci"})
    hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, component);
  return tree;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    std::size_t bytes = 0;
    const auto code = take_character(text, bytes);
    if (bytes > bytes_max - out.size()) return out + "...";
    if (is_printable(code))
      out += text.substr(0, bytes);
    else
      out += '?';
    text.remove_prefix(bytes);
  }
  return out;
}

std::string info_of(hwloc_obj_t object, const char* name) {
  constexpr std::size_t info_bytes_max = 256;
  const char* value = object == nullptr ? nullptr : hwloc_obj_get_info_by_name(object, name);
  const std::string_view text = value == nullptr ? "" : value;
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return printable(text.substr(first, text.find_last_not_of(' ') - first + 1), info_bytes_max);
}

void core_numbers::add(std::uint32_t pu_index, core_id id) {
  ids_[pu_index] = id;
  last_pu_ = std::max(last_pu_, pu_index);
}

std::vector<core_id> core_numbers::cores_of(hwloc_const_cpuset_t set) const {
  std::vector<core_id> cores;
  if (set == nullptr) return cores;
  for (int i = hwloc_bitmap_first(set); i >= 0 && static_cast<std::uint32_t>(i) <= last_pu_;
       i = hwloc_bitmap_next(set, i))
    if (const auto found = ids_.find(static_cast<std::uint32_t>(i)); found != ids_.end())
      cores.push_back(found->second);
  std::sort(cores.begin(), cores.end());
  return cores;
}

}  // namespace cooper::detail
