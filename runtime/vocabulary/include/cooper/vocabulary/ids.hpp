// SPDX-License-Identifier: BSD-3-Clause
// Names of things: cores, lanes, endpoints, message types.
//
// A core is one hardware thread that we run on. Its core_id is ours, dense from 0; the number the operating system
// and hwloc use for it is its pu_index. An address names an endpoint: a slot of one core's receive table, with the
// generation that makes a reused slot a different address.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace cooper {

struct core_id {
  std::uint16_t value = 0;
  friend constexpr auto operator<=>(core_id, core_id) = default;
};

// The n-th core; n < core_count_max.
constexpr core_id core_number(std::size_t n) { return core_id{static_cast<std::uint16_t>(n)}; }

// The largest machine we address; core_id::value is always below it.
inline constexpr std::size_t core_count_max = 4096;

// Each direction of a binding has three lanes, each a ring of its own: a flood of requests cannot keep a reply or a
// monitor's message from passing (research: scylladb issue 1088, Barrelfish multihop).
enum class lane : std::uint8_t { request, reply, monitor };
inline constexpr std::size_t lane_count = 3;

// What the receiving handler switches on; 12 bits travel.
using message_type = std::uint16_t;
inline constexpr message_type message_type_max = 0xfff;

struct address {
  core_id core;
  std::uint16_t generation = 0;
  std::uint32_t slot = 0;  // 20 bits travel
  friend constexpr auto operator<=>(const address&, const address&) = default;
};
inline constexpr std::uint32_t endpoint_slot_max = 0xfffff;

}  // namespace cooper

template <>
struct std::hash<cooper::core_id> {
  std::size_t operator()(cooper::core_id id) const noexcept { return id.value; }
};
