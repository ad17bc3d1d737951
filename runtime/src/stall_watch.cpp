// SPDX-License-Identifier: BSD-3-Clause
#include "stall_watch.hpp"

#include <fmt/format.h>

#include "driver.hpp"

namespace cooper::detail {

std::vector<stall_watch::stall> stall_watch::look(const std::vector<core_status>& now, duration limit) {
  const std::lock_guard lock{mutex_};
  seen_.resize(now.size());
  std::vector<stall> stalls;
  const instant time = native::now();
  for (std::size_t i = 0; i < now.size(); ++i) {
    const core_status& core = now[i];
    seen& before = seen_[i];
    if (!core.busy_endpoint) {
      before.since = never;
      continue;
    }
    if (before.since == never || before.turn != core.turns || before.endpoint != *core.busy_endpoint) {
      before = {.turn = core.turns, .endpoint = *core.busy_endpoint, .since = time, .told = false};
      continue;
    }
    const duration lasted = time - before.since;
    if (before.told || lasted < limit) continue;
    before.told = true;
    const std::string where =
        before.endpoint == driver_view::in_job ? "a job" : fmt::format("the handler of endpoint {}", before.endpoint);
    stalls.push_back(
        {.core = core.id,
         .endpoint = before.endpoint,
         .lasted = lasted,
         .sentence = fmt::format("core {} (PU {}) has been in {} for {:.2f} s; its messages wait", core.id.value,
                                 core.pu_index, where, static_cast<double>(lasted.count()) / 1e9)});
  }
  return stalls;
}

void stall_watch::add_durations(std::vector<core_status>& all) {
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < all.size() && i < seen_.size(); ++i) {
    const bool same = all[i].busy_endpoint == seen_[i].endpoint && all[i].turns == seen_[i].turn;
    if (all[i].busy_endpoint && same && seen_[i].since != never) all[i].busy_for = native::now() - seen_[i].since;
  }
}

}  // namespace cooper::detail
