// SPDX-License-Identifier: BSD-3-Clause
// Two bare drivers that have met; binding them is a step of its own.
#pragma once

#include <memory>
#include <vector>

#include "fake_machine.hpp"
#include "model_platform.hpp"

namespace cooper::model {

struct pair {
  explicit pair(cooper::detail::driver_options options = {.poll_budget = duration::zero()}, std::size_t count = 2)
      : registry{count} {
    for (std::size_t i = 0; i < count; ++i) {
      drivers.push_back(
          std::make_unique<driver>(core_number(i), machine, model_environment{}, count, options, registry));
    }
    for (auto& d : drivers) d->meet(drivers);
  }

  driver& a() { return *drivers[0]; }
  driver& b() { return *drivers[1]; }

  // Before the threads run: the channel from one driver to the other, bound and empty.
  void bind(driver& from, driver& to) {
    const auto where = to.open([](void*, core&, const line_view&) {}, nullptr);
    static_cast<void>(from.post(*where, 0, std::uint64_t{0}, lane::request));
    for (int i = 0; i < 4; ++i) {
      to.turn();
      from.turn();
    }
  }

  test::fake_machine machine;
  buffer_registry registry;
  std::vector<std::unique_ptr<driver>> drivers;
};

// Each thread in turn does what `run` says until `done`: the loop of a driver that never parks.
template <class Done>
void poll_until(driver& d, Done done) {
  while (!done()) {
    if (!d.turn()) d.env().pause();
  }
}

}  // namespace cooper::model
