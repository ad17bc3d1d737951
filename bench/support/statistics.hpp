// SPDX-License-Identifier: BSD-3-Clause
// Order statistics of samples. Any thread; the functions sort copies, nothing is kept.
#pragma once

#include <span>
#include <vector>

namespace cooper::bench {

// The value below which the fraction q (0 to 1) of the samples lies, linear between neighbours. Zero without samples.
double quantile(std::span<const double> samples, double q);

inline double median(std::span<const double> samples) { return quantile(samples, 0.5); }

// The median absolute deviation from the median: the spread that a few bad windows do not move.
double median_absolute_deviation(std::span<const double> samples);

}  // namespace cooper::bench
