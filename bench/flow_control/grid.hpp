// SPDX-License-Identifier: BSD-3-Clause
// The grid that each flow control is measured on: round trip, open stream, window of 16; 8, 32 and 256 slots.
#pragma once

#include <array>

#include "flow_control/flow_control.hpp"
#include "support/interrupt.hpp"
#include "support/measure.hpp"

namespace cooper::bench::flow_control {

inline constexpr std::array<std::size_t, 3> capacities{8, 32, 256};
inline constexpr std::size_t grid_rows = 3 * capacities.size();
// The capacity of the product's lanes: its round trip is the headline.
inline constexpr std::size_t headline_capacity = 32;

// The three rows of one capacity. `extra` is added to the parameters, `arguments` to the link's constructor.
template <class Link, class... Arguments>
void measure_capacity(run& r, const contender& self, std::size_t capacity, const sampling_plan& plan,
                      const std::string& extra, Arguments... arguments) {
  const auto fresh = [&](const char* traffic) {
    row out = r.new_row(self, 2);
    out.parameters = std::string{traffic} + "/capacity=" + std::to_string(capacity) + extra;
    return out;
  };
  row trip = fresh("rtt");
  sample_round_trips<Link>(r, plan, trip, capacity, arguments...);
  if (capacity == headline_capacity && extra.empty()) {
    row headline = trip;
    headline.parameters.clear();
    headline.label += "; round trip, 32 slots";
    r.add(std::move(headline));
  }
  r.add(std::move(trip));
  row open = fresh("stream");
  sample_stream<Link>(r, plan, 0, open, capacity, arguments...);
  r.add(std::move(open));
  row windowed = fresh("window=16");
  sample_stream<Link>(r, plan, 16, windowed, capacity, arguments...);
  r.add(std::move(windowed));
}

template <class Link>
void measure_grid(run& r, const contender& self, std::size_t rows) {
  for (const std::size_t capacity : capacities) {
    if (interrupted()) return;
    measure_capacity<Link>(r, self, capacity, r.plan(rows), "");
  }
}

}  // namespace cooper::bench::flow_control
