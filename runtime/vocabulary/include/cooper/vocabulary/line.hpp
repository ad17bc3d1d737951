// SPDX-License-Identifier: BSD-3-Clause
// The line: one 64-byte message, and the layout of its control word.
//
// 56 bytes of payload, then one 64-bit control word which is stored last (release) and loaded first (acquire): who
// sees it new may read the payload. The counterpart is Barrelfish's UMP message (include/barrelfish/ump_impl.h): the
// same 56 + 8 bytes, but one 64-bit atomic, where UMP assigns a bit-field struct.
//
//   bits  0-7   lap         which pass over the ring this line belongs to; 0 before the first
//   bits  8-15  life        which life of the channel; a line from an older life is refused
//   bits 16-27  type        message type, for the handler
//   bits 28-47  slot        endpoint slot in the receiver's table
//   bits 48-63  generation  of that slot
//
// Credit does not travel in the line: see docs/decisions/0002-flow-control.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <cooper/vocabulary/ids.hpp>

namespace cooper {

// Our own constants: std::hardware_destructive_interference_size follows compiler flags, and would be our ABI.
inline constexpr std::size_t line_bytes = 64;
inline constexpr std::size_t line_payload_bytes = 56;
// Two lines: hardware that prefetches lines in pairs must not couple two writers.
inline constexpr std::size_t destructive_bytes = 128;

struct line_header {
  message_type type = 0;
  std::uint16_t generation = 0;
  std::uint32_t slot = 0;
  friend constexpr bool operator==(const line_header&, const line_header&) = default;
};

constexpr std::uint64_t pack_header(line_header h) {
  return std::uint64_t{h.type & 0xfffu} << 16 | std::uint64_t{h.slot & 0xfffffu} << 28 |
         std::uint64_t{h.generation} << 48;
}

constexpr line_header unpack_header(std::uint64_t control) {
  return {.type = static_cast<message_type>(control >> 16 & 0xfff),
          .generation = static_cast<std::uint16_t>(control >> 48),
          .slot = static_cast<std::uint32_t>(control >> 28 & 0xfffff)};
}

// The low 16 bits: what makes a line new to its receiver.
constexpr std::uint16_t stamp_of(std::uint64_t control) { return static_cast<std::uint16_t>(control); }

// A message that fits in one line: no pointer into it survives the handler, so its bytes are all there is.
template <class T>
concept line_payload = std::is_trivially_copyable_v<T> && sizeof(T) <= line_payload_bytes && alignof(T) <= 8;

}  // namespace cooper
