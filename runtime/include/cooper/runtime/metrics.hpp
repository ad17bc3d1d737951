// SPDX-License-Identifier: BSD-3-Clause
// What each core counts, and its text form for Prometheus.
//
// Every word has exactly one writer, the core it belongs to; any thread may read, and sees a value that was current a
// moment ago. Counting is a load, an addition and a store of a line that stays in the writer's cache: no locked
// instruction, wait-free. Words of one core are not a consistent set.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <cooper/vocabulary/line.hpp>

namespace cooper {

// A number that one thread writes.
class counter {
 public:
  // The writer only.
  void add(std::uint64_t n = 1) noexcept {
    // sync(counter.own) relaxed: only the writer stores, and nothing else is published by it.
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // The writer only; gauges go down by this.
  void subtract(std::uint64_t n = 1) noexcept {
    // sync(counter.own) relaxed: as add.
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) noexcept {
    // sync(counter.own) relaxed: as add.
    value_.store(value, std::memory_order_relaxed);
  }
  // Any thread.
  std::uint64_t read() const noexcept {
    // sync(counter.read) relaxed: a number by itself; it announces nothing.
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// X(member, kind, exposed name without "cooper_" and "_total", help). Nanoseconds (..._ns) are exposed in seconds.
#define COOPER_METRIC_TABLE(X)                                                                                    \
  X(lines_sent, counter, lines_sent, "Lines published to other cores.")                                           \
  X(lines_received, counter, lines_received, "Lines from other cores that were handed to a handler.")             \
  X(lines_local, counter, lines_local, "Lines to an endpoint of the same core.")                                  \
  X(lines_dropped, counter, lines_dropped, "Lines to an endpoint that was closed or never existed.")              \
  X(sends_full, counter, sends_full, "Sends refused because there was no credit or overflow was at its bound.")   \
  X(sends_closed, counter, sends_closed, "Sends refused because the receiving core is down.")                     \
  X(overflow_lines, gauge, overflow_lines, "Lines that wait in overflow now.")                                    \
  X(overflow_refused, counter, overflow_refused, "Lines refused because overflow was at its bound.")              \
  X(credit_returns, counter, credit_returns, "Times that credit was returned to a sender.")                       \
  X(parks, counter, parks, "Times that the driver went to sleep.")                                                \
  X(park_found_work, counter, park_found_work, "Times that the last look before sleeping found work.")            \
  X(wakes_received, counter, wakes_received, "Times that another thread woke this driver.")                       \
  X(wakes_sent, counter, wakes_sent, "Times that this driver woke another.")                                      \
  X(membarrier_ns, counter, membarrier_seconds, "Time spent in heavy barriers before sleeping.")                  \
  X(wake_latency_ns, gauge, wake_latency_seconds, "Time from the last signal to this driver until it ran again.") \
  X(poll_budget_ns, gauge, poll_budget_seconds, "How long the driver polls now before it sleeps.")                \
  X(turns_busy, counter, turns_busy, "Turns in which there was something to do.")                                 \
  X(gateway_tasks, counter, gateway_tasks, "Jobs from foreign threads that were run.")                            \
  X(timers_fired, counter, timers_fired, "Timers that came due and ran.")                                         \
  X(io_polls, counter, io_polls, "Times that the core's I/O context was polled.")                                 \
  X(stalls, counter, stalls, "Handlers that held the driver for longer than the stall limit.")                    \
  X(bindings_opened, counter, bindings_opened, "Channels to or from this core that were bound.")                  \
  X(bindings_closed, counter, bindings_closed, "Channels to or from this core that were closed.")                 \
  X(buffers_taken, counter, buffers_taken, "Bulk buffers taken from this core's pool.")                           \
  X(buffers_returned, counter, buffers_returned, "Bulk buffers that came back to this core's pool.")              \
  X(buffers_lent, counter, buffers_lent, "Loans of bulk buffers that this core made.")                            \
  X(buffers_refused, counter, buffers_refused, "Buffer handles and returns that named no live buffer.")

// All of one core. Two lines aligned, so that no other writer's line is fetched along with it.
struct alignas(destructive_bytes) core_metrics {
#define COOPER_METRIC_MEMBER(member, kind, name, help) counter member;
  COOPER_METRIC_TABLE(COOPER_METRIC_MEMBER)
#undef COOPER_METRIC_MEMBER
};

enum class metric_kind : std::uint8_t { counter, gauge };

// One row of the table, for readers that go over all of them.
struct metric_description {
  std::string_view name;  // as exposed: "cooper_lines_sent_total"
  std::string_view help;
  metric_kind kind;
  bool seconds;  // counted in nanoseconds, exposed in seconds
  counter core_metrics::*member;
};
std::span<const metric_description> metric_table() noexcept;

// Prometheus text exposition format 0.0.4: the core with index i is labelled core="i"; null means no such core now.
// Any thread.
std::string prometheus_text(std::span<const core_metrics* const> cores);

}  // namespace cooper
