// SPDX-License-Identifier: BSD-3-Clause
// The CPU driver's turn: receiving, dispatch, and the core's own work. See driver.hpp.
#pragma once

#include <algorithm>

#include "current_core.hpp"
#include "driver.hpp"

namespace cooper::detail {

template <class Platform>
bool basic_driver<Platform>::turn() {
  COOPER_ASSERT(!in_turn_, "a turn inside a turn: poll_once() was called from a handler");
  in_turn_ = true;
  env_.store(sync::turn_advance, words_.progress.turn, ++turn_);
  env_.light_barrier();
  bool worked = hinted_ ? drain_hinted() : drain_rings();
  // Who waits for a line waits for nothing else most of the time: the rest of the turn would only make it see it later.
  for (unsigned look = 1; look < Platform::ring_looks && !worked && idle_turns_ != 0 && !hinted_; ++look) {
    worked = drain_rings();
  }
  if (!local_.empty() || !jobs_.empty()) worked |= run_local();
  if (!gateway_.empty()) worked |= run_gateway();
  if (!timers_.empty() && (turn_ & Platform::clock_turn_mask) == 0) worked |= run_timers();
  if (waiting_total_ != 0) worked |= flush_overflow();
  if (!untold_.empty()) worked |= flush_tells();
  if (finals_pending_) worked |= finish_drained();
  if (departure_) worked |= advance_going_down();
  if (grace_) worked |= end_grace_if_passed();
  if (worked) {
    metrics_.turns_busy.add(1);
    if (io_used_) poll_io(env_.now());
  }
  in_turn_ = false;
  return worked;
}

template <class Platform>
bool basic_driver<Platform>::poll_once() {
  const current_core_scope scope{*this};
  bool worked = turn();
  if (!timers_.empty()) worked |= run_timers();
  if (sleeper_.poll()) worked = true;
  if (!worked && stopping_) view_.quiet.set(true);
  if (!worked && buffers_) buffers_->flush_returns();
  if (leave_) view_.stopped.set(true);
  return worked;
}

template <class Platform>
bool basic_driver<Platform>::drain_rings() {
  bool worked = false;
  // By index: a handler may cause a binding, which adds to in_.
  for (std::size_t i = 0; i < in_.size(); ++i) worked |= drain(*in_[i]);
  return worked;
}

template <class Platform>
bool basic_driver<Platform>::drain_hinted() {
  bool worked = false;
  for (std::size_t i = 0; i < in_.size(); ++i) {
    in_link& from = *in_[i];
    const std::uint64_t hint = env_.load(sync::hint_read, words_.hints[from.from.value]);
    if (hint == from.hint_seen) continue;
    from.hint_seen = hint;
    // A lane that used up its budget may hold more: look again in the next turn, hint or not.
    if (drain(from)) {
      worked = true;
      from.hint_seen = hint - 1;
    }
  }
  return worked;
}

// Looks at three control words; everything else only where a line has arrived.
template <class Platform>
bool basic_driver<Platform>::drain(in_link& from) {
  bool worked = false;
  for (const lane via : {lane::reply, lane::request, lane::monitor}) {
    const auto line = from.lanes[static_cast<std::size_t>(via)].ring.observe(env_);
    if (line) {
      drain_lane(from, via, line);
      worked = true;
    }
  }
  return worked;
}

template <class Platform>
void basic_driver<Platform>::drain_lane(in_link& from, lane via, arrival line) {
  auto& end = from.lanes[static_cast<std::size_t>(via)];
  unsigned count = 0;
  do {
    env_.handling(from.from, count == 0);
    dispatch(line.header, line.payload, from.from, via, end.ring.position());
    env_.toward(from.from);
    end.ring.release(env_);
    ++count;
  } while (count < lane_budget && (line = end.ring.observe(env_)));
  metrics_.lines_received.add(count);
  if (end.ring.credit_returned_since(end.credit_seen)) [[unlikely]]
    return_wakes(from, via);
}

// Credit went back: a peer that parked for want of it must hear of it.
template <class Platform>
void basic_driver<Platform>::return_wakes(in_link& from, lane) {
  metrics_.credit_returns.add(1);
  if (seems_parked(env_, peers_[from.from.value]->words_, parked_for_credit)) [[unlikely]]
    wake(from.from);
}

template <class Platform>
void basic_driver<Platform>::dispatch(line_header header, const std::byte* payload, core_id from, lane via,
                                      std::uint64_t position) {
  // The one look at tracing on a line's way in.
  if (trace_.on()) [[unlikely]]
    return dispatch_traced(header, payload, from, via, position);
  if (const endpoint_table::entry* entry = endpoints_.find(header)) [[likely]] {
    handle(*entry, header, payload, from, via);
  } else {
    undeliverable(header, payload, from, via);
  }
}

template <class Platform>
inline void basic_driver<Platform>::handle(const endpoint_table::entry& entry, line_header header,
                                           const std::byte* payload, core_id from, lane via) {
  view_.enter(header.slot);
  entry.handler(entry.self, *this, line_view{payload, header.type, from, via});
  view_.leave();
}

template <class Platform>
void basic_driver<Platform>::dispatch_traced(line_header header, const std::byte* payload, core_id from, lane via,
                                             std::uint64_t position) {
  trace_line(trace_kind::line_received, from, id(), via, position, header);
  const endpoint_table::entry* entry = endpoints_.find(header);
  if (entry == nullptr) return undeliverable(header, payload, from, via);
  trace_line(trace_kind::handler_begin, from, id(), via, position, header);
  handle(*entry, header, payload, from, via);
  trace_line(trace_kind::handler_end, from, id(), via, position, header);
}

template <class Platform>
void basic_driver<Platform>::undeliverable(line_header header, const std::byte* payload, core_id from, lane via) {
  metrics_.lines_dropped.add(1);
  if (undeliverable_ == nullptr) return;
  view_.enter(header.slot);
  undeliverable_(undeliverable_self_, *this, line_view{payload, header.type, from, via});
  view_.leave();
}

template <class Platform>
bool basic_driver<Platform>::run_local() {
  // A job that defers another goes on in the next turn; lines may follow one another within the budget.
  const std::size_t due = std::min<std::size_t>(jobs_.size(), local_budget);
  unsigned count = 0;
  for (; count < local_budget; ++count) {
    const waiting_line* line = local_.take();
    if (line == nullptr) break;
    env_.handling(id(), false);
    dispatch(line->header, line->payload, id(), line->via, 0);
  }
  if (count != 0) metrics_.lines_local.add(count);
  for (std::size_t jobs = 0; jobs < due; ++jobs) {
    job* work = jobs_.take();
    // Out of the queue first: the job may add jobs, and the vectors change places.
    job running = std::move(*work);
    run_job(running);
  }
  return count != 0 || due != 0;
}

template <class Platform>
template <class F>
void basic_driver<Platform>::run_job(F&& work) {
  view_.enter(driver_view::in_job);
  work();
  view_.leave();
}

template <class Platform>
bool basic_driver<Platform>::run_gateway() {
  unsigned count = 0;
  gateway_work<Platform>* work = nullptr;
  for (; count < gateway_budget && gateway_.pop(work); ++count) {
    const std::unique_ptr<gateway_work<Platform>> owned{work};
    footprint::popped(work);
    run_job([&] { (*owned)(*this); });
  }
  if (count == 0) return false;
  metrics_.gateway_tasks.add(count);
  if (trace_.on()) [[unlikely]]
    trace_event_now(trace_kind::gateway, count);
  return true;
}

template <class Platform>
bool basic_driver<Platform>::run_timers() {
  const instant now = env_.now();
  bool worked = false;
  while (job due = timers_.take_due(now)) {
    worked = true;
    metrics_.timers_fired.add(1);
    if (trace_.on()) [[unlikely]]
      trace_event_now(trace_kind::timer);
    run_job(due);
  }
  return worked;
}

template <class Platform>
void basic_driver<Platform>::retire(job work) {
  retired_.push_back(std::move(work));
  if (!grace_) begin_grace();
}

template <class Platform>
void basic_driver<Platform>::begin_grace() {
  grace_.emplace();
  grace_->begun_in = turn_;
  grace_->work = std::exchange(retired_, {});
  // Reads that a turn of another core made before this barrier belong to a turn whose number we now see; reads made
  // after it see what was unpublished before retire().
  env_.heavy_barrier();
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    // Nothing else of a peer is read: even its number stands beside what is its own.
    if (i == id().value) continue;
    core_words<env_type>& peer = peers_[i]->words_;
    if (env_.load(sync::rest_read, peer.progress.rest) != in_turns) continue;
    grace_->awaited.emplace_back(core_number(i), env_.load(sync::turn_read, peer.progress.turn));
  }
  if (env_.mutated(mutation::end_grace_early)) grace_->awaited.clear();
}

template <class Platform>
bool basic_driver<Platform>::end_grace_if_passed() {
  if (turn_ == grace_->begun_in) return false;
  std::erase_if(grace_->awaited, [&](const auto& awaited) {
    core_words<env_type>& words = peers_[awaited.first.value]->words_;
    return env_.load(sync::turn_read, words.progress.turn) != awaited.second ||
           env_.load(sync::rest_read, words.progress.rest) != in_turns;
  });
  if (!grace_->awaited.empty()) return false;
  std::vector<job> work = std::move(grace_->work);
  grace_.reset();
  if (!retired_.empty()) begin_grace();
  for (job& t : work) run_job(t);
  return true;
}

}  // namespace cooper::detail
