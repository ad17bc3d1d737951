// SPDX-License-Identifier: BSD-3-Clause
// Time inside Cooper: nanoseconds since an arbitrary start, of one core's clock (real or virtual).
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace cooper {

using duration = std::chrono::duration<std::int64_t, std::nano>;

// A point in time. Only differences mean anything; two machines never share a start.
struct instant {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(instant, instant) = default;
  friend constexpr instant operator+(instant t, duration d) { return {t.ns + d.count()}; }
  friend constexpr duration operator-(instant a, instant b) { return duration{a.ns - b.ns}; }
};

inline constexpr instant never{std::numeric_limits<std::int64_t>::max()};

}  // namespace cooper
