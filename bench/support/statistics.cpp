// SPDX-License-Identifier: BSD-3-Clause
#include "support/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace cooper::bench {

double quantile(std::span<const double> samples, double q) {
  if (samples.empty()) return 0;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

double median_absolute_deviation(std::span<const double> samples) {
  const double middle = median(samples);
  std::vector<double> distances;
  distances.reserve(samples.size());
  for (const double s : samples) distances.push_back(std::abs(s - middle));
  return median(distances);
}

}  // namespace cooper::bench
