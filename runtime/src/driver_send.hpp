// SPDX-License-Identifier: BSD-3-Clause
// The CPU driver's sending side: the way of a line out, overflow, and waking the receiver. See driver.hpp.
#pragma once

#include <cstring>

#include "driver.hpp"

namespace cooper::detail {

template <class Platform>
send_result basic_driver<Platform>::send_words(address to, message_type type, lane via, const std::uint64_t* words,
                                               std::size_t word_count) {
  if (to.core.value < out_.size()) [[likely]] {
    out_link* link = out_[to.core.value].get();
    if (link != nullptr && link->state == out_link::phase::bound) [[likely]] {
      auto& end = link->lanes[static_cast<std::size_t>(via)];
      if (end.overflow.empty()) [[likely]] {
        env_.toward(to.core);
        std::byte* payload = end.ring.claim(env_);
        if (payload == nullptr) [[unlikely]] {
          metrics_.sends_full.add(1);
          return send_result::full;
        }
        for (std::size_t i = 0; i < word_count; ++i) std::memcpy(payload + i * 8, words + i, 8);
        const line_header header{.type = type, .generation = to.generation, .slot = to.slot};
        if (trace_.on()) [[unlikely]] {
          trace_line(trace_kind::line_sent, id(), to.core, via, end.ring.position(), header);
        }
        if (env_.mutated(mutation::miss_hint)) raise_hint(to.core, *link);
        end.ring.publish(env_, header);
        notify(to.core, *link);
        metrics_.lines_sent.add(1);
        return send_result::ok;
      }
    }
  }
  return send_waiting(to, type, via, words, word_count, false);
}

template <class Platform>
send_result basic_driver<Platform>::post_words(address to, message_type type, lane via, const std::uint64_t* words,
                                               std::size_t word_count) {
  const send_result sent = send_words(to, type, via, words, word_count);
  return sent == send_result::full ? send_waiting(to, type, via, words, word_count, true) : sent;
}

template <class Platform>
send_result basic_driver<Platform>::send_local(address to, message_type type, lane via, const std::uint64_t* words,
                                               std::size_t count) {
  if (local_.size() >= options_.overflow_bound) {
    metrics_.sends_full.add(1);
    return send_result::full;
  }
  local_.add().fill({.type = type, .generation = to.generation, .slot = to.slot}, via, words, count);
  return send_result::ok;
}

// Everything that is not the straight way: this core itself, a first contact, a lane that waits, a core that is down.
template <class Platform>
send_result basic_driver<Platform>::send_waiting(address to, message_type type, lane via, const std::uint64_t* words,
                                                 std::size_t count, bool may_wait) {
  if (to.core == id()) return send_local(to, type, via, words, count);
  if (to.core.value >= out_.size()) {
    metrics_.sends_closed.add(1);
    return send_result::closed;
  }
  out_link& link = link_to(to.core);
  const bool leaving = departure_ && departure_->cut;
  if (link.state == out_link::phase::closed || leaving) {
    metrics_.sends_closed.add(1);
    return send_result::closed;
  }
  auto& end = link.lanes[static_cast<std::size_t>(via)];
  // Until the channel is bound lines wait, as the caller could not know better; afterwards only if it said so.
  const bool first_contact = link.state != out_link::phase::bound;
  // Credit that came meanwhile is used at once: a handler that floods would otherwise have its peer wait for its end.
  // Not for each line: a look at the credit may fetch the peer's line.
  const bool look =
      end.overflow.size() % look_every == look_every - 1 || end.overflow.size() >= options_.overflow_bound;
  if (may_wait && !first_contact && look && flush_lane(link, via)) {
    metrics_.overflow_lines.set(waiting_total_);
    if (end.overflow.empty()) {
      if (const send_result sent = send_words(to, type, via, words, count); sent != send_result::full) return sent;
    }
  }
  if (end.overflow.size() >= options_.overflow_bound || (!first_contact && !may_wait)) {
    metrics_.sends_full.add(1);
    if (may_wait) metrics_.overflow_refused.add(1);
    return send_result::full;
  }
  end.overflow.emplace_back().fill({.type = type, .generation = to.generation, .slot = to.slot}, via, words, count);
  ++link.waiting;
  ++waiting_total_;
  metrics_.overflow_lines.set(waiting_total_);
  if (link.state == out_link::phase::unbound) request_binding(link);
  return send_result::ok;
}

template <class Platform>
void basic_driver<Platform>::raise_hint(core_id to, out_link& link) {
  env_.store(sync::hint_raise, peers_[to.value]->words_.hints[id().value], ++link.hint);
}

// After a line was published: a receiver that asked for hints gets one, and one that is parked is woken.
template <class Platform>
inline void basic_driver<Platform>::notify(core_id to, out_link& link) {
  basic_driver& peer = *peers_[to.value];
  env_.light_barrier();
  if (env_.load(sync::hints_peek, peer.words_.attention.hints_wanted) != 0) [[unlikely]] {
    if (!env_.mutated(mutation::miss_hint)) raise_hint(to, link);
  }
  if (seems_parked(env_, peer.words_)) [[unlikely]]
    wake(to);
}

template <class Platform>
void basic_driver<Platform>::wake(core_id to) {
  basic_driver& peer = *peers_[to.value];
  if (!claim_wake(env_, peer.words_)) return;
  metrics_.wakes_sent.add(1);
  note(trace_kind::wake_sent, to);
  peer.sleeper_.signal();
}

template <class Platform>
bool basic_driver<Platform>::flush_overflow() {
  bool worked = false;
  for (auto& link : out_) {
    if (!link || link->waiting == 0 || link->state != out_link::phase::bound) continue;
    for (std::size_t l = 0; l < lane_count; ++l) worked |= flush_lane(*link, static_cast<lane>(l));
  }
  if (worked) metrics_.overflow_lines.set(waiting_total_);
  return worked;
}

template <class Platform>
bool basic_driver<Platform>::flush_lane(out_link& link, lane via) {
  auto& end = link.lanes[static_cast<std::size_t>(via)];
  std::size_t done = 0;
  env_.toward(link.to);
  while (!end.overflow.empty()) {
    std::byte* payload = end.ring.claim(env_);
    if (payload == nullptr) break;
    const waiting_line& line = end.overflow.front();
    std::memcpy(payload, line.payload, line_payload_bytes);
    if (trace_.on()) [[unlikely]] {
      trace_line(trace_kind::line_sent, id(), link.to, via, end.ring.position(), line.header);
    }
    end.ring.publish(env_, line.header);
    end.overflow.pop_front();
    ++done;
  }
  if (done != 0) {
    metrics_.lines_sent.add(done);
    notify(link.to, link);
  }
  if (end.overflow.empty() && !end.waiters.empty() && end.ring.writable(env_)) {
    done += end.waiters.size();
    for (job& waiter : end.waiters) jobs_.add(std::move(waiter));
    end.waiters.clear();
  }
  link.waiting -= done;
  waiting_total_ -= done;
  return done != 0;
}

template <class Platform>
void basic_driver<Platform>::when_writable(core_id to, lane via, job then) {
  if (to == id() || to.value >= out_.size()) return defer(std::move(then));
  out_link& link = link_to(to);
  auto& end = link.lanes[static_cast<std::size_t>(via)];
  const bool bound = link.state == out_link::phase::bound;
  env_.toward(to);
  const bool closed = link.state == out_link::phase::closed || (departure_ && departure_->cut);
  if (closed || (bound && end.overflow.empty() && end.ring.writable(env_))) {
    return defer(std::move(then));
  }
  end.waiters.push_back(std::move(then));
  ++link.waiting;
  ++waiting_total_;
  if (link.state == out_link::phase::unbound) request_binding(link);
}

template <class Platform>
void basic_driver<Platform>::discard_waiting(out_link& link) {
  for (std::size_t l = 0; l < lane_count; ++l) {
    auto& end = link.lanes[l];
    metrics_.overflow_refused.add(end.overflow.size());
    // Taken out first: whoever is told may send.
    for (const waiting_line& line : std::exchange(end.overflow, {})) {
      if (undeliverable_ != nullptr) undeliverable(line.header, line.payload, id(), static_cast<lane>(l));
    }
    for (job& waiter : end.waiters) jobs_.add(std::move(waiter));
    end.waiters.clear();
  }
  waiting_total_ -= std::exchange(link.waiting, 0);
  metrics_.overflow_lines.set(waiting_total_);
}

template <class Platform>
bool basic_driver<Platform>::post_to_gateway(env_type& caller, gateway_work<Platform>& work) {
  auto owned = std::make_unique<gateway_work<Platform>>(std::move(work));
  footprint::pushed(owned.get());
  if (!gateway_.push(owned.get())) {
    work = std::move(*owned);
    return false;
  }
  static_cast<void>(owned.release());
  sleeper_.nudge();
  if (must_wake(caller, words_)) sleeper_.signal();
  return true;
}

}  // namespace cooper::detail
