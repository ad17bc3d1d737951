// SPDX-License-Identifier: BSD-3-Clause
// The levels of the floor: a virtual machine's cores are moved by the host, and the floor jumps with them.
//
// Levels are told apart by their ratio to the lowest common level of this run, never by nanoseconds, because machines
// differ. "near" is that lowest common level; "sibling" lies clearly below it (single windows on one physical core),
// "mid" and "far" above. The bounds are geometric means between the levels that were seen where this was studied:
// 0.4, 1, 4.5 and 11.6 times near.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cooper::bench {

enum class level : std::uint8_t { sibling, near, mid, far };
inline constexpr std::size_t level_count = 4;
inline constexpr std::array<level, level_count> all_levels{level::sibling, level::near, level::mid, level::far};

std::string_view name_of(level l) noexcept;

class level_scale {
 public:
  // From all floor windows of a run, in any unit; empty makes a scale that calls everything near.
  explicit level_scale(std::span<const double> floors);

  // The lowest common level: the median of the lowest cluster that holds at least 5 % of the windows, and 3.
  double near() const noexcept { return near_; }
  level of(double floor) const noexcept;

 private:
  double near_ = 0;
};

// A window whose floor before and after differ by more than a fifth saw the host move something: it is discarded.
bool same_level(double floor_before, double floor_after) noexcept;

}  // namespace cooper::bench
