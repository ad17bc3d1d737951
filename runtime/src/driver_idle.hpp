// SPDX-License-Identifier: BSD-3-Clause
// The CPU driver's life and idling: construction, the loop, poll, then park. See driver.hpp.
//
// Polling for as long as a wake-up costs wastes at most as much again as was unavoidable (the paper's argument for
// P = C, section 5.2); arrivals pull P up to twice the cost or down to an eighth of it.
#pragma once

#include <algorithm>
#include <string>

#include "current_core.hpp"
#include "driver.hpp"

namespace cooper::detail {

template <class Platform>
basic_driver<Platform>::basic_driver(core_id id, machine& home, env_type env, std::size_t core_count,
                                     driver_options options, buffer_registry& registry)
    : core{id, home},
      env_{env},
      options_{options},
      endpoints_{id},
      out_(core_count),
      returns_wait_(core_count),
      poll_budget_{options.poll_budget.value_or(Platform::wake_cost_guess)},
      registry_{registry},
      trace_{id},
      words_{core_count} {
  footprint::declare(&gateway_, sizeof gateway_, footprint::rule::open_to_all);
  if (options.shares_hardware_thread && !options.poll_budget) poll_budget_ = duration::zero();
  // Slot 0 is the driver's own: buffers on their way home.
  const auto own = endpoints_.open(
      [](void* self, core&, const line_view& line) {
        auto& driver = *static_cast<basic_driver*>(self);
        if (driver.buffers_) driver.buffers_->take_back(line.as<return_line>(), line.from);
      },
      this);
  COOPER_ASSERT(own && own->slot == 0, "the driver's own endpoint");
}

template <class Platform>
basic_driver<Platform>::~basic_driver() {
  gateway_work<Platform>* work = nullptr;
  while (gateway_.pop(work)) delete work;
}

template <class Platform>
result<buffer_pool*> basic_driver<Platform>::buffers() {
  if (!buffers_) {
    auto made = buffer_pool::create(id(), registry_,
                                    {.bytes = options_.buffer_bytes, .count = options_.buffers_per_core}, &metrics_);
    if (!made) return made.error();
    buffers_ = std::move(*made);
    buffers_->set_return_transport([this](core_id owner, const return_line& line) { return send_return(owner, line); });
  }
  return buffers_.get();
}

// Buffers on their way home. Where the lane is full the core must hear of credit: it may park with returns left.
template <class Platform>
send_result basic_driver<Platform>::send_return(core_id owner, const return_line& line) {
  const send_result sent = send(address{.core = owner}, 0, line, lane::monitor);
  if (sent == send_result::full && !returns_wait_[owner.value]) {
    returns_wait_[owner.value] = true;
    when_writable(owner, lane::monitor, [this, owner] {
      returns_wait_[owner.value] = false;
      buffers_->flush_returns();
    });
  }
  return sent;
}

template <class Platform>
bool basic_driver<Platform>::close(address endpoint) {
  if (endpoint.slot == 0 || !endpoints_.close(endpoint)) return false;
  if (env_.mutated(mutation::reuse_endpoint_early)) {
    endpoints_.recycle_wrongly(endpoint.slot);
    return true;
  }
  retire([this, slot = endpoint.slot] { endpoints_.recycle(slot); });
  return true;
}

template <class Platform>
void basic_driver<Platform>::run() {
  last_io_ = env_.now();
  while (!leave_) {
    if (turn()) {
      idle_turns_ = 0;
    } else {
      idle();
    }
  }
  view_.stopped.set(true);
}

template <class Platform>
void basic_driver<Platform>::idle() {
  ++idle_turns_;
  if (idle_turns_ >= env_type::spin_turns) env_.pause();
  if (idle_turns_ % Platform::idle_check_turns != 0) return;
  const instant now = env_.now();
  if (idle_turns_ == Platform::idle_check_turns) {
    idle_since_ = now;
    if (buffers_ && buffers_->flush_returns() != 0) return;
  }
  if (!timers_.empty() && timers_.next_deadline() <= now && run_timers()) {
    idle_turns_ = 0;
    return;
  }
  if (io_used_) poll_io(now);
  if (idle_turns_ == 0) return;
  if (stopping_ && waiting_total_ == 0 && untold_.empty()) view_.quiet.set(true);
  if (now - idle_since_ >= poll_budget_ && now >= park_allowed_) park();
}

template <class Platform>
void basic_driver<Platform>::poll_io(instant now) {
  if (now - last_io_ < options_.io_interval) return;
  last_io_ = now;
  metrics_.io_polls.add(1);
  if (sleeper_.poll()) {
    idle_turns_ = 0;
    if (trace_.on()) [[unlikely]]
      trace_event_now(trace_kind::io);
  }
}

// Everything that could make work, looked at once more after the announcement.
template <class Platform>
bool basic_driver<Platform>::found_work() {
  if (!env_.mutated(mutation::omit_recheck_lanes)) {
    for (const auto& link : in_) {
      for (const auto& end : link->lanes) {
        if (end.ring.observe(env_)) return true;
      }
    }
  }
  if (!env_.mutated(mutation::omit_recheck_gateway) && !gateway_.empty()) return true;
  if (!env_.mutated(mutation::omit_recheck_run_queue) && (!local_.empty() || !jobs_.empty())) return true;
  if (!env_.mutated(mutation::omit_recheck_credit) && waiting_total_ != 0) {
    for (auto& link : out_) {
      if (!link || link->waiting == 0 || link->state != out_link::phase::bound) continue;
      env_.toward(link->to);
      for (auto& end : link->lanes) {
        if ((!end.overflow.empty() || !end.waiters.empty()) && end.ring.writable(env_)) return true;
      }
    }
  }
  if (!untold_.empty() || leave_) return true;
  return !env_.mutated(mutation::omit_recheck_timers) && next_deadline() <= env_.now();
}

template <class Platform>
instant basic_driver<Platform>::next_deadline() {
  const instant timer = env_.mutated(mutation::omit_recheck_timers) ? never : timers_.next_deadline();
  return grace_ ? std::min(timer, env_.now() + grace_look_again) : timer;
}

template <class Platform>
void basic_driver<Platform>::park() {
  const instant before = env_.now();
  announce_park(env_, words_, waiting_total_ != 0);
  const instant announced = env_.now();
  // A membarrier disturbs the cores that run: at most one in 50 times its cost.
  const duration cost = announced - before;
  // A longer one was not the barrier's: this thread was preempted, and polling on would only make that worse.
  // A driver that shares its hardware thread gives it away at once, whatever that costs.
  park_allowed_ = options_.shares_hardware_thread ? announced : announced + 50 * std::min(cost, barrier_cost_max);
  metrics_.membarrier_ns.add(static_cast<std::uint64_t>(cost.count()));
  Platform::park_announced(*this, before, announced);
  idle_turns_ = 0;
  if (found_work()) {
    metrics_.park_found_work.add(1);
    end_park(env_, words_);
    return;
  }
  const instant deadline = next_deadline();
  metrics_.parks.add(1);
  note(trace_kind::park, id(), deadline == never ? 0 : static_cast<std::uint64_t>(deadline.ns));
  Platform::about_to_sleep(*this);
  const bool signalled = sleeper_.wait(deadline);
  end_park(env_, words_);
  if (signalled) metrics_.wakes_received.add(1);
  note(trace_kind::unpark, id(), signalled ? 1 : 0);
  adapt_to(env_.now() - announced);
}

template <class Platform>
void basic_driver<Platform>::adapt_to(duration slept) {
  if (options_.poll_budget || options_.shares_hardware_thread) return;
  if (slept < poll_budget_) {
    poll_scale_ = std::min(2.0, poll_scale_ * 1.25);
  } else if (slept > 8 * poll_budget_) {
    poll_scale_ = std::max(0.125, poll_scale_ * 0.8);
  }
  const duration cost = sleeper_.wake_cost();
  metrics_.wake_latency_ns.set(static_cast<std::uint64_t>(cost.count()));
  poll_budget_ = duration{static_cast<std::int64_t>(static_cast<double>(cost.count()) * poll_scale_)};
  metrics_.poll_budget_ns.set(static_cast<std::uint64_t>(poll_budget_.count()));
}

template <class Platform>
instant basic_driver<Platform>::prepare_to_park() {
  if (buffers_) buffers_->flush_returns();
  announce_park(env_, words_, waiting_total_ != 0);
  if (found_work()) {
    end_park(env_, words_);
    // Long ago, yet not so long that a caller's subtraction could overflow.
    return instant{std::numeric_limits<std::int64_t>::min() / 2};
  }
  metrics_.parks.add(1);
  const instant deadline = next_deadline();
  // A foreign loop waits for wake_fd() only, so it must come back for the I/O context by itself.
  return io_used_ ? std::min(deadline, env_.now() + options_.io_interval) : deadline;
}

template <class Platform>
void basic_driver<Platform>::unpark() {
  const current_core_scope scope{*this};
  end_park(env_, words_);
  sleeper_.poll();
}

template <class Platform>
void basic_driver<Platform>::trace_line(trace_kind kind, core_id from, core_id to, lane via, std::uint64_t position,
                                        line_header header) {
  trace_.record({.time_ns = env_.now().ns,
                 .kind = kind,
                 .via = via,
                 .peer = from == id() ? to : from,
                 .slot = header.slot,
                 .flow = from == to ? 0 : flow_id(from, to, via, position),
                 .arg = header.type});
}

template <class Platform>
void basic_driver<Platform>::trace_event_now(trace_kind kind, std::uint64_t arg) {
  trace_.record({.time_ns = env_.now().ns, .kind = kind, .peer = id(), .arg = arg});
}

template <class Platform>
void basic_driver<Platform>::note(trace_kind kind, core_id peer, std::uint64_t arg) {
  trace_.note({.time_ns = env_.now().ns, .kind = kind, .peer = peer, .arg = arg});
}

}  // namespace cooper::detail
