// SPDX-License-Identifier: BSD-3-Clause
#include "monitor.hpp"

#include <algorithm>
#include <utility>

#include <caf/send.hpp>

#include <cooper/actors/core_scheduler.hpp>
#include "core_unit.hpp"

namespace cooper::actors {

caf::behavior core_monitor::make_behavior() {
  return {[this](const watch_request& asked) { watchers_.emplace_back(asked.who.get()); },
          [this](const core_event& event) {
            std::erase_if(watchers_, [&](const caf::weak_actor_ptr& watcher) {
              const caf::strong_actor_ptr who = watcher.lock();
              if (who) send(caf::actor_cast<caf::actor>(who), event);
              return !who;
            });
          }};
}

void core_monitor::on_exit() {
  const auto others = core_scheduler::of(home_system())->monitors();
  const auto heir = std::find_if(others.begin(), others.end(), [this](const caf::actor& a) { return a != this; });
  if (heir == others.end()) return;
  for (const caf::weak_actor_ptr& watcher : std::exchange(watchers_, {})) {
    if (auto who = watcher.lock()) caf::anon_send(*heir, watch_request{std::move(who)});
  }
}

result<void> detail::watch_cores(caf::actor_system& system, caf::strong_actor_ptr who) {
  const core_scheduler* scheduler = core_scheduler::of(system);
  if (scheduler == nullptr) return error{errc::not_supported_here, "this actor system runs on CAF's own scheduler"};
  caf::actor asked;
  if (const core_unit* here = core_unit::here_of(*scheduler)) asked = scheduler->monitor_of(here->id());
  if (!asked) {
    const auto all = scheduler->monitors();
    if (all.empty()) return error{errc::core_down, "this actor system ends"};
    asked = all.front();
  }
  caf::anon_send(asked, watch_request{std::move(who)});
  return {};
}

caf::actor monitor_of(caf::actor_system& system, core_id core) {
  const core_scheduler* scheduler = core_scheduler::of(system);
  return scheduler != nullptr ? scheduler->monitor_of(core) : caf::actor{};
}

}  // namespace cooper::actors
