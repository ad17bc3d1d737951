// SPDX-License-Identifier: BSD-3-Clause
// The CPU driver's channels: bind on first use, drain, close, rebind. See driver.hpp.
//
// Conversations between two drivers, over their gateways; each keeps the order of its sender.
//
//   bind    A asks B (bind_for); B makes the rings in its own memory and answers with their senders (bound_by).
//   down    B tells all (peer_closing); each A stops sending, and answers with the positions where its lanes end
//           (peer_closed). B drains up to there, sends what it still has, ends its own lanes (peer_ended); each A
//           drains them, and answers (departure_answered). Nothing sent with `ok` on a bound channel is lost.
//   up      B's links begin anew; the rings that are bound again live in the same memory, in their next life.
#pragma once

#include "driver.hpp"

namespace cooper::detail {

template <class Platform>
auto basic_driver<Platform>::link_to(core_id peer) -> out_link& {
  auto& link = out_[peer.value];
  if (!link) {
    link = std::make_unique<out_link>(peer);
    if (peers_[peer.value]->view_.down.read()) link->state = out_link::phase::closed;
  }
  return *link;
}

template <class Platform>
auto basic_driver<Platform>::in_from(core_id peer) -> in_link* {
  for (auto& link : in_) {
    if (link->from == peer) return link.get();
  }
  return nullptr;
}

template <class Platform>
void basic_driver<Platform>::tell(core_id peer, gateway_work<Platform> work) {
  if (untold_.empty() && peers_[peer.value]->post_to_gateway(env_, work)) return;
  untold_.emplace_back(peer, std::move(work));
}

template <class Platform>
bool basic_driver<Platform>::flush_tells() {
  bool worked = false;
  while (!untold_.empty() && peers_[untold_.front().first.value]->post_to_gateway(env_, untold_.front().second)) {
    untold_.pop_front();
    worked = true;
  }
  return worked;
}

template <class Platform>
void basic_driver<Platform>::request_binding(out_link& link) {
  link.state = out_link::phase::binding;
  tell(link.to, [from = id()](basic_driver& there) { there.bind_for(from); });
}

template <class Platform>
void basic_driver<Platform>::bind_for(core_id peer) {
  if (departure_) return;                // the peer has been told, or will be
  if (in_from(peer) != nullptr) return;  // asked twice, around a change of state
  auto senders = std::make_shared<sender_set<env_type>>();
  std::unique_ptr<in_link> link;
  for (auto& spare : spare_in_) {
    if (spare && spare->from == peer) link = std::move(spare);
  }
  std::erase(spare_in_, nullptr);
  const bool again = link != nullptr;
  if (!again) link = std::make_unique<in_link>(peer);
  for (std::size_t l = 0; l < lane_count; ++l) {
    auto ends =
        again ? std::move(link->lanes[l].ring).rebind(env_) : basic_receiver<env_type>::bind(env_, lane_capacity[l]);
    (*senders)[l] = std::move(ends.first);
    link->lanes[l].ring = std::move(ends.second);
    link->lanes[l].credit_seen = 0;
  }
  link->final_positions.reset();
  link->answer_when_drained = false;
  link->hint_seen = 0;
  in_.push_back(std::move(link));
  metrics_.bindings_opened.add(1);
  note(trace_kind::bind, peer);
  choose_polling();
  // Moved, so that the peer has the only reference: a count that both of us took down would be a word of two writers.
  tell(peer, [from = id(), senders = std::move(senders)](basic_driver& there) { there.bound_by(from, *senders); });
}

template <class Platform>
void basic_driver<Platform>::bound_by(core_id peer, sender_set<env_type>& senders) {
  out_link& link = link_to(peer);
  if (link.state != out_link::phase::binding) return;
  for (std::size_t l = 0; l < lane_count; ++l) link.lanes[l].ring = std::move(senders[l]);
  link.state = out_link::phase::bound;
  flush_overflow();
}

// Many bound peers: have them raise hints, and look at those in place of every ring. The heavy barrier makes each
// sender see the wish, or us see its line in the scan that follows.
template <class Platform>
void basic_driver<Platform>::choose_polling() {
  const bool wanted = in_.size() > options_.hint_threshold;
  if (wanted == hinted_) return;
  env_.store(sync::hints_ask, words_.attention.hints_wanted, wanted ? 1 : 0);
  hinted_ = wanted;
  if (!wanted) return;
  env_.heavy_barrier();
  // A hint behind its count makes the next turn look at that peer's rings.
  for (auto& link : in_) {
    link->hint_seen = env_.load(sync::hint_read, words_.hints[link->from.value]) - 1;
  }
}

template <class Platform>
void basic_driver<Platform>::go_down(std::vector<core_id> running_peers, job done) {
  departure_.emplace();
  departure_->awaited = running_peers.size();
  departure_->done = std::move(done);
  for (const core_id peer : running_peers) {
    tell(peer, [me = id()](basic_driver& there) { there.peer_closing(me); });
  }
}

template <class Platform>
void basic_driver<Platform>::peer_closing(core_id peer) {
  out_link& link = link_to(peer);
  std::optional<lane_positions> finals;
  if (link.state == out_link::phase::bound) {
    finals.emplace();
    for (std::size_t l = 0; l < lane_count; ++l) {
      (*finals)[l] = link.lanes[l].ring.position();
      link.lanes[l].ring = {};
    }
  }
  link.state = out_link::phase::closed;
  discard_waiting(link);
  tell(peer, [me = id(), finals](basic_driver& there) { there.peer_closed(finals, me); });
}

template <class Platform>
void basic_driver<Platform>::peer_closed(std::optional<lane_positions> finals, core_id peer) {
  if (in_link* link = in_from(peer)) {
    // Without positions the peer never took up the rings that we made for it: nothing is in them.
    link->final_positions = finals.value_or(lane_positions{});
    finals_pending_ = true;
  }
  departure_answered();
}

template <class Platform>
void basic_driver<Platform>::peer_ended(core_id peer, lane_positions finals) {
  if (in_link* link = in_from(peer)) {
    link->final_positions = finals;
    link->answer_when_drained = true;
    finals_pending_ = true;
    return;
  }
  tell(peer, [](basic_driver& there) { there.departure_answered(); });
}

template <class Platform>
void basic_driver<Platform>::departure_answered() {
  if (departure_) --departure_->awaited;
}

template <class Platform>
bool basic_driver<Platform>::finish_drained() {
  bool worked = false;
  finals_pending_ = false;
  for (auto& link : in_) {
    if (!link->final_positions) continue;
    if (!link->drained()) {
      finals_pending_ = true;
      continue;
    }
    if (link->answer_when_drained) tell(link->from, [](basic_driver& there) { there.departure_answered(); });
    metrics_.bindings_closed.add(1);
    note(trace_kind::close, link->from);
    spare_in_.push_back(std::move(link));
    worked = true;
  }
  if (worked) {
    std::erase(in_, nullptr);
    choose_polling();
  }
  return worked;
}

template <class Platform>
bool basic_driver<Platform>::advance_going_down() {
  departure& d = *departure_;
  switch (d.step) {
    case departure::phase::asking:
      if (d.awaited != 0 || finals_pending_) return false;
      d.step = departure::phase::draining;
      return true;
    case departure::phase::draining: {
      // Deferred work that defers more would go on for ever; what is left of it waits until the core is up again.
      if ((!local_.empty() || !jobs_.empty()) && ++d.turns_fed < fed_turns_max) return false;
      d.cut = true;
      if (waiting_total_ != 0 || !untold_.empty()) return false;
      closed_slots_ = endpoints_.close_all();
      for (auto& link : out_) {
        if (!link || link->state != out_link::phase::bound) continue;
        lane_positions finals{};
        for (std::size_t l = 0; l < lane_count; ++l) {
          finals[l] = link->lanes[l].ring.position();
          link->lanes[l].ring = {};
        }
        link->state = out_link::phase::closed;
        ++d.awaited;
        tell(link->to, [me = id(), finals](basic_driver& there) { there.peer_ended(me, finals); });
      }
      d.step = departure::phase::ending;
      return true;
    }
    case departure::phase::ending:
      if (d.awaited != 0 || !untold_.empty()) return false;
      // Those that were opened since.
      for (const std::uint32_t slot : endpoints_.close_all()) closed_slots_.push_back(slot);
      env_.store(sync::rest_set, words_.progress.rest, out_of_service);
      view_.down.set(true);
      leave_ = true;
      {
        job done = std::move(d.done);
        departure_.reset();
        done();
      }
      return true;
  }
  return false;
}

template <class Platform>
void basic_driver<Platform>::come_up(std::vector<core_id> closed_peers) {
  // All rings to and from this core were drained and closed: no line can still bear an old address.
  for (const std::uint32_t slot : std::exchange(closed_slots_, {})) endpoints_.recycle(slot);
  for (auto& link : out_) {
    if (link) link->state = out_link::phase::unbound;
  }
  for (const core_id peer : closed_peers) link_to(peer).state = out_link::phase::closed;
  leave_ = false;
  idle_turns_ = 0;
  view_.stopped.set(false);
  env_.store(sync::rest_clear, words_.progress.rest, in_turns);
  view_.down.set(false);
}

template <class Platform>
void basic_driver<Platform>::peer_is_up(core_id peer) {
  out_link& link = link_to(peer);
  if (link.state == out_link::phase::closed) link.state = out_link::phase::unbound;
}

}  // namespace cooper::detail
