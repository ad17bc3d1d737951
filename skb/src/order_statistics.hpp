// SPDX-License-Identifier: BSD-3-Clause
// Middles that a few bad samples do not move. Private to skb; any thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace cooper::skb {

// The middle one, or the mean of the two; 0 of none.
inline double median_of(std::vector<double> samples) {
  if (samples.empty()) return 0;
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  if (samples.size() % 2 != 0) return *middle;
  return (*std::max_element(samples.begin(), middle) + *middle) / 2;
}

// The median absolute deviation from the median.
inline double spread_of(std::span<const double> samples, double middle) {
  std::vector<double> distances;
  distances.reserve(samples.size());
  for (const double s : samples) distances.push_back(std::abs(s - middle));
  return median_of(std::move(distances));
}

}  // namespace cooper::skb
