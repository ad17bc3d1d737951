// SPDX-License-Identifier: BSD-3-Clause
#include "protocol_hosts.hpp"

#include <algorithm>
#include <utility>

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <cooper/actors/caf_error.hpp>
#include "core_unit.hpp"
#include "line_kinds.hpp"

namespace cooper::actors {
namespace {

using protocols::hosted_barrier;
using protocols::hosted_call;
using protocols::hosted_multicast;
using protocols::hosted_two_phase_commit;
using route = protocols::hosted_multicast::route;
using participants = protocols::hosted_two_phase_commit::participants;

// What the nodes have room for.
constexpr std::size_t cores_max = protocols::multicast_capacity{}.cores;
static_assert(trees_max == protocols::multicast_capacity{}.trees);
static_assert(std::is_same_v<route, hosted_barrier::route>);

// The place of one core in a tree, as its node wants it. The tree has been validated.
route route_at(const skb::multicast_tree& tree, std::uint32_t position) {
  std::vector<std::uint16_t> cores(tree.nodes.size(), 1), levels(tree.nodes.size(), 0);
  std::optional<core_id> parent;
  // Parents stand before their children.
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    for (const std::uint32_t child : tree.nodes[i].children) {
      cores[i] = static_cast<std::uint16_t>(cores[i] + cores[child]);
      levels[i] = std::max<std::uint16_t>(levels[i], static_cast<std::uint16_t>(levels[child] + 1));
      if (child == position) parent = tree.nodes[i].core;
    }
  }
  std::vector<protocols::tree_child> children;
  for (const std::uint32_t child : tree.nodes[position].children) {
    children.push_back({.core = tree.nodes[child].core.value, .cores = cores[child]});
  }
  return parent ? route::below(*parent, children, levels[position]) : route::root(children, levels[position]);
}

void refuse(caf::response_promise& asked, errc why) { asked.deliver(make_error(why)); }

// Takes one out of a table of those who wait.
template <class Table>
std::optional<caf::response_promise> take_from(Table& waiting, const typename Table::key_type& key) {
  const auto found = waiting.find(key);
  if (found == waiting.end()) return {};
  std::optional<caf::response_promise> taken{std::move(found->second)};
  waiting.erase(found);
  return taken;
}

template <class Table>
void refuse_all(Table& waiting, errc why) {
  for (auto& [key, asked] : std::exchange(waiting, {})) refuse(asked, why);
}

}  // namespace

protocol_hosts::protocol_hosts(core_unit& unit) : unit_{unit} {}
protocol_hosts::~protocol_hosts() = default;

template <class P>
std::unique_ptr<protocol_host<P>> protocol_hosts::make(message_type type,
                                                       std::function<void(const typename P::report&)> reported) {
  const auto& units = unit_.owner().units();
  const host_options options{.cores = units.size(), .type = type, .via = lane::monitor, .tick = unit_.owner().tick()};
  const auto find = [this](core_id core) -> std::optional<address> {
    if (!unit_.owner().units()[core.value]->in_service()) return {};
    return unit_.unit_at(core);
  };
  return std::make_unique<protocol_host<P>>(unit_.driver(), options, find, std::move(reported));
}

protocol_host<hosted_multicast>& protocol_hosts::multicast() {
  if (!multicast_) multicast_ = make<hosted_multicast>(kind_multicast, [this](const auto& r) { on(r); });
  return *multicast_;
}
protocol_host<hosted_two_phase_commit>& protocol_hosts::two_phase() {
  if (!two_phase_) two_phase_ = make<hosted_two_phase_commit>(kind_two_phase, [this](const auto& r) { on(r); });
  return *two_phase_;
}
protocol_host<hosted_call>& protocol_hosts::calls() {
  if (!calls_) calls_ = make<hosted_call>(kind_core_call, [this](const auto& r) { on(r); });
  return *calls_;
}
protocol_host<hosted_barrier>& protocol_hosts::barrier(std::uint8_t number) {
  auto& host = barriers_[number];
  if (!host) {
    const auto type = static_cast<message_type>(kind_barrier_first + number);
    host = make<hosted_barrier>(type, [this, number](const auto& r) { on_barrier(number, r); });
  }
  return *host;
}

template <class F>
void protocol_hosts::for_each_host(F f) {
  if (multicast_) f(*multicast_);
  if (two_phase_) f(*two_phase_);
  if (calls_) f(*calls_);
  for (auto& [number, host] : barriers_) f(*host);
}

// A node is made for a line that may concern it: of a multicast and a barrier only cores know that were told of a tree.
void protocol_hosts::take(const line_view& line) {
  if (unit_.owner().units().size() > cores_max) return;
  if (line.type == kind_multicast && multicast_) static_cast<void>(multicast_->take(line));
  if (line.type == kind_two_phase) static_cast<void>(two_phase().take(line));
  if (line.type == kind_core_call) static_cast<void>(calls().take(line));
  if (line.type < kind_barrier_first || line.type > kind_barrier_last) return;
  const auto found = barriers_.find(static_cast<std::uint8_t>(line.type - kind_barrier_first));
  if (found != barriers_.end()) static_cast<void>(found->second->take(line));
}

void protocol_hosts::stop() {
  for_each_host([](auto& host) { host.stop(); });
}
void protocol_hosts::restart() {
  for_each_host([](auto& host) { host.restart(); });
}

// -- requests ---------------------------------------------------------------------------------------------------------

void protocol_hosts::install(const install_place& what, caf::response_promise asked) {
  const route way = route_at(*what.route, what.position);
  bool taken = false;
  if (what.of_barrier) {
    taken = barrier(what.number).step([&](auto& node, auto&) { return node.install(way); });
  } else {
    const bool published = what.published && way.is_root();
    taken = multicast().step(
        [&](auto& node, auto&) { return node.install(what.number, published ? way.published() : way); });
  }
  if (!taken) return refuse(asked, errc::bad_option);
  if (!what.of_barrier) roots_[what.number] = way.is_root();
  asked.deliver(core_count{1});
}

void protocol_hosts::begin(const begin_multicast& what, caf::response_promise asked) {
  if (what.tree >= trees_max || !multicast_) return refuse(asked, errc::bad_option);
  multicast_->step([&](hosted_multicast& node, auto& out) {
    const std::uint32_t round = node.begin(what.tree, what.told, what.how, out);
    if (round == 0) return refuse(asked, roots_[what.tree] ? errc::queue_full : errc::bad_option);
    rounds_.emplace(std::pair{what.tree, round}, std::move(asked));
  });
}

void protocol_hosts::arrive_at(std::uint8_t number, caf::response_promise asked) {
  const auto found = barriers_.find(number);
  if (found == barriers_.end()) return refuse(asked, errc::bad_option);
  found->second->step([&](hosted_barrier& node, auto& out) {
    if (node.arrive(out) == 0) return refuse(asked, errc::queue_full);
    arrived_.emplace(number, std::move(asked));
  });
}

void protocol_hosts::commit(const commit_change& what, caf::response_promise asked) {
  const std::size_t cores = std::min(unit_.owner().units().size(), cores_max);
  participants among;
  for (const core_id core : what.among) {
    if (core.value >= cores) return refuse(asked, errc::no_such_core);
    among.insert(core);
  }
  if (among.empty()) return refuse(asked, errc::bad_option);
  two_phase().step([&](hosted_two_phase_commit& node, auto& out) {
    if (!node.begin(what.key, among, out)) return refuse(asked, errc::queue_full);
    changes_.emplace(++changes_begun_, std::move(asked));
  });
}

void protocol_hosts::call(const call_core& what, caf::response_promise asked) {
  if (what.callee.value >= unit_.owner().units().size()) return refuse(asked, errc::no_such_core);
  if (what.callee == unit_.id()) return refuse(asked, errc::bad_option);
  const auto ticks = static_cast<protocols::tick>(std::max<std::int64_t>(what.deadline / unit_.owner().tick(), 1));
  calls().step([&](hosted_call& node, auto& out) {
    const protocols::call_id id = node.begin(what.callee, what.asked, ticks, out);
    if (id.sequence == 0) return refuse(asked, errc::queue_full);
    called_.emplace(id.sequence, std::move(asked));
  });
}

void protocol_hosts::contribute_to(const contribute& what) {
  multicast().step([&](hosted_multicast& node, auto&) { node.contribute(what.tree, what.value); });
}

void protocol_hosts::subscribe(subscribe_multicast what, const caf::strong_actor_ptr& who) {
  if (what.tree < trees_max)
    on_delivery_[what.tree].push_back({std::move(what.run), caf::weak_actor_ptr{who.get()}, who == nullptr});
}
void protocol_hosts::subscribe(subscribe_changes what, const caf::strong_actor_ptr& who) {
  on_change_.push_back({std::move(what.run), caf::weak_actor_ptr{who.get()}, who == nullptr});
}

void protocol_hosts::forget_askers() {
  refuse_all(rounds_, errc::core_down);
  refuse_all(arrived_, errc::core_down);
  refuse_all(changes_, errc::core_down);
  refuse_all(called_, errc::core_down);
  for (auto& subscribers : on_delivery_) subscribers.clear();
  on_change_.clear();
  server_ = {};
}

// -- reports ----------------------------------------------------------------------------------------------------------

template <class Report>
void protocol_hosts::tell(std::vector<subscriber<Report>>& all, const Report& what) {
  std::erase_if(all, [&](const subscriber<Report>& s) {
    const caf::strong_actor_ptr who = s.who.lock();
    if (!who && (!s.anonymous || !s.run)) return true;
    if (s.run) {
      s.run(what);
    } else {
      caf::anon_send(caf::actor_cast<caf::actor>(who), what);
    }
    return false;
  });
}

void protocol_hosts::on(const hosted_multicast::report& r) {
  if (r.what == hosted_multicast::event::delivered) {
    return tell(on_delivery_[r.tree], {.told = r.told, .round = r.round, .tree = r.tree});
  }
  if (auto asked = take_from(rounds_, {r.tree, r.round})) {
    asked->deliver(multicast_result{.value = r.value, .round = r.round, .missing = r.missing});
  }
}

void protocol_hosts::on(const hosted_two_phase_commit::report& r) {
  using event = hosted_two_phase_commit::event;
  if (r.what == event::made) {
    return tell(on_change_, {.key = r.key, .coordinator = core_id{r.op.coordinator}});
  }
  if (r.what != event::committed && r.what != event::aborted) return;
  if (auto asked = take_from(changes_, r.op.sequence)) {
    asked->deliver(change_decided{.key = r.key, .committed = r.what == event::committed});
  }
}

void protocol_hosts::on(const hosted_call::report& r) {
  if (r.what == hosted_call::event::executed) {
    if (!server_) return;
    const call_words answer = server_(core_id{r.id.caller}, r.asked);
    calls().step([&](hosted_call& node, auto& out) { static_cast<void>(node.answer(r.id, answer, out)); });
    return;
  }
  auto asked = take_from(called_, r.id.sequence);
  if (!asked) return;
  if (r.what == hosted_call::event::timed_out) return refuse(*asked, errc::deadline_passed);
  asked->deliver(call_answer{r.answer});
}

void protocol_hosts::on_barrier(std::uint8_t number, const hosted_barrier::report& r) {
  if (r.what != hosted_barrier::event::released) return;
  if (auto asked = take_from(arrived_, number)) asked->deliver(barrier_released{r.episode});
}

}  // namespace cooper::actors
