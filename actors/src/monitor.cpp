// SPDX-License-Identifier: BSD-3-Clause
#include "monitor.hpp"

#include <algorithm>
#include <utility>

#include <caf/send.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include "core_unit.hpp"

namespace cooper::actors {

caf::behavior core_monitor::make_behavior() {
  return caf::message_handler{[this](const watch_request& asked) { watchers_.emplace_back(asked.who.get()); },
                              [this](const core_event& event) {
                                std::erase_if(watchers_, [&](const caf::weak_actor_ptr& watcher) {
                                  const caf::strong_actor_ptr who = watcher.lock();
                                  if (who) send(caf::actor_cast<caf::actor>(who), event);
                                  return !who;
                                });
                              }}
      .or_else(agreement());
}

// Each request is answered by the hosts, now or when it is over.
caf::message_handler core_monitor::agreement() {
  const auto ask = [this](auto member) {
    return [this, member](const auto& what) {
      caf::response_promise asked = make_response_promise();
      (home().hosts().*member)(what, asked);
      return asked;
    };
  };
  using hosts = protocol_hosts;
  return caf::message_handler{
      [this](const install_tree& i) {
        return install_everywhere({.route = i.route, .number = i.tree, .published = i.published});
      },
      [this](const install_barrier& i) {
        return install_everywhere({.route = i.route, .number = i.barrier, .of_barrier = true});
      },
      [=](const install_place& i) { return ask(&hosts::install)(i); },
      [=](const begin_multicast& b) { return ask(&hosts::begin)(b); },
      [=](const arrive& a) { return ask(&hosts::arrive_at)(a.barrier); },
      [=](const commit_change& c) { return ask(&hosts::commit)(c); },
      [=](const call_core& c) { return ask(&hosts::call)(c); },
      [this](const contribute& c) { home().hosts().contribute_to(c); },
      [this](const subscribe_multicast& s) { home().hosts().subscribe(s, current_sender()); },
      [this](const subscribe_changes& s) { home().hosts().subscribe(s, current_sender()); },
      [this](const serve_calls& s) { home().hosts().serve(s); },
  };
}

caf::response_promise core_monitor::install_everywhere(install_place place) {
  caf::response_promise asked = make_response_promise();
  const auto* scheduler = core_scheduler::of(home_system());
  const auto refuse = [&](errc why) {
    asked.deliver(make_error(why));
    return asked;
  };
  if (!place.route || place.route->nodes.empty()) return refuse(errc::malformed_input);
  if (place.number >= (place.of_barrier ? barriers_max : trees_max)) return refuse(errc::bad_option);
  std::vector<core_id> members;
  std::vector<caf::actor> monitors;
  for (const auto& node : place.route->nodes) {
    if (node.core.value >= scheduler->units().size()) return refuse(errc::no_such_core);
    members.push_back(node.core);
    monitors.push_back(scheduler->monitor_of(node.core));
    if (!monitors.back()) return refuse(errc::core_down);
  }
  if (!skb::validate(*place.route, members.front(), members)) return refuse(errc::malformed_input);
  const std::uint32_t number = ++last_installing_;
  const auto cores = static_cast<std::uint16_t>(members.size());
  installing_.emplace(number, installing{.asked = asked, .cores = cores, .left = cores, .failed = {}});
  for (place.position = 0; place.position < monitors.size(); ++place.position) {
    request(monitors[place.position], caf::infinite, place)
        .then([this, number](const core_count&) { installed(number, {}); },
              [this, number](const caf::error& why) { installed(number, why); });
  }
  return asked;
}

void core_monitor::installed(std::uint32_t number, const caf::error& failed) {
  const auto found = installing_.find(number);
  if (found == installing_.end()) return;
  installing& i = found->second;
  if (failed) i.failed = failed;
  if (--i.left != 0) return;
  if (i.failed) {
    i.asked.deliver(std::move(i.failed));
  } else {
    i.asked.deliver(core_count{i.cores});
  }
  installing_.erase(found);
}

void core_monitor::on_exit() {
  for (auto& [number, i] : std::exchange(installing_, {})) i.asked.deliver(make_error(errc::core_down));
  home().forget_askers();
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
