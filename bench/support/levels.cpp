// SPDX-License-Identifier: BSD-3-Clause
#include "support/levels.hpp"

#include <algorithm>
#include <vector>

#include "support/statistics.hpp"

namespace cooper::bench {
namespace {

// Neighbours in sorted order that differ by more than this belong to different clusters.
constexpr double cluster_gap = 1.3;
constexpr double sibling_bound = 0.63, mid_bound = 2.1, far_bound = 7.2;

}  // namespace

std::string_view name_of(level l) noexcept {
  constexpr std::array<std::string_view, level_count> names{"sibling", "near", "mid", "far"};
  return names[static_cast<std::size_t>(l)];
}

level_scale::level_scale(std::span<const double> floors) {
  std::vector<double> sorted(floors.begin(), floors.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t common = std::max<std::size_t>(3, sorted.size() / 20);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const bool ends = i + 1 == sorted.size() || sorted[i + 1] > sorted[i] * cluster_gap;
    if (!ends) continue;
    const std::span<const double> cluster{sorted.data() + begin, i + 1 - begin};
    if (cluster.size() >= common) {
      near_ = median(cluster);
      return;
    }
    begin = i + 1;
  }
  // No cluster is common: too few windows. The middle one then names the scale.
  near_ = median(sorted);
}

level level_scale::of(double floor) const noexcept {
  if (near_ <= 0) return level::near;
  const double ratio = floor / near_;
  if (ratio < sibling_bound) return level::sibling;
  if (ratio < mid_bound) return level::near;
  return ratio < far_bound ? level::mid : level::far;
}

bool same_level(double floor_before, double floor_after) noexcept {
  const auto [low, high] = std::minmax(floor_before, floor_after);
  return high <= low * 1.2;
}

}  // namespace cooper::bench
