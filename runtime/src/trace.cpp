// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/runtime/trace.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <new>

#include <cooper/vocabulary/assert.hpp>

#include "flight_recorder.hpp"

namespace cooper {

std::string_view name_of(trace_kind kind) noexcept {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(trace_kind::count)> names{
      "none",  "line_sent", "line_received", "handler_begin", "handler_end", "park",  "unpark", "wake_sent",
      "timer", "io",        "gateway",       "bind",          "close",       "stall", "mark"};
  const auto index = static_cast<std::size_t>(kind);
  return index < names.size() ? names[index] : "unknown";
}

namespace detail {
namespace {

using words = std::array<std::uint64_t, 4>;

words pack(const trace_event& e) {
  return {static_cast<std::uint64_t>(e.time_ns),
          static_cast<std::uint64_t>(e.kind) | static_cast<std::uint64_t>(e.via) << 8 |
              std::uint64_t{e.peer.value} << 16 | std::uint64_t{e.slot} << 32,
          e.flow, e.arg};
}

trace_event unpack(const words& w) {
  return {.time_ns = static_cast<std::int64_t>(w[0]),
          .kind = static_cast<trace_kind>(w[1] & 0xff),
          .via = static_cast<lane>(w[1] >> 8 & 0xff),
          .peer = core_number(w[1] >> 16),
          .slot = static_cast<std::uint32_t>(w[1] >> 32),
          .flow = w[2],
          .arg = w[3]};
}

std::uint64_t* zero_words(std::size_t count) {
  // calloc, because it leaves a large ring's pages untouched: they come to the node of the core that writes them.
  void* memory = std::calloc(count, sizeof(std::uint64_t));
  if (memory == nullptr) throw std::bad_alloc{};
  return static_cast<std::uint64_t*>(memory);
}

}  // namespace

event_ring::event_ring(std::size_t capacity) : mask_{capacity - 1}, words_{zero_words(capacity * words_per_event)} {
  COOPER_ASSERT(std::has_single_bit(capacity), "a trace ring's capacity is a power of two");
}

void event_ring::write(const trace_event& event) noexcept {
  std::uint64_t* const to = words_.get() + (next_ & mask_) * words_per_event;
  const words packed = pack(event);
  for (std::size_t i = 0; i < words_per_event; ++i) {
    // sync(trace.word) release <-> trace.word_read: who sees a word of this event sees head at its position or beyond.
    std::atomic_ref{to[i]}.store(packed[i], std::memory_order_release);
  }
  // sync(trace.head) release <-> trace.head_read: the event's words are written before it counts.
  head_.store(++next_, std::memory_order_release);
}

std::uint64_t event_ring::head() const noexcept {
  // sync(trace.head_read) acquire <-> trace.head: the events below head are whole.
  return head_.load(std::memory_order_acquire);
}

std::uint64_t event_ring::oldest() const noexcept {
  // The writer may be at work on position head, which has the memory of head - capacity.
  const std::uint64_t end = head();
  return end < capacity() ? 0 : end - mask_;
}

std::optional<trace_event> event_ring::at(std::uint64_t position) const noexcept {
  if (position >= head()) return std::nullopt;
  std::uint64_t* const from = words_.get() + (position & mask_) * words_per_event;
  words copy;
  for (std::size_t i = 0; i < words_per_event; ++i) {
    // sync(trace.word_read) acquire <-> trace.word: a word of a later event brings that event's position along.
    copy[i] = std::atomic_ref{from[i]}.load(std::memory_order_acquire);
  }
  if (position < oldest()) return std::nullopt;
  return unpack(copy);
}

std::vector<trace_event> event_ring::snapshot(std::uint64_t from) const {
  std::vector<trace_event> out;
  const std::uint64_t end = head();
  const std::uint64_t begin = std::max(oldest(), from);
  if (begin >= end) return out;
  out.reserve(end - begin);
  for (std::uint64_t position = begin; position < end; ++position) {
    if (const std::optional<trace_event> event = at(position)) {
      out.push_back(*event);
    } else {
      // The writer overtook us: what was copied so far is older than what is lost now, and would leave a hole.
      out.clear();
    }
  }
  return out;
}

}  // namespace detail

trace_ring::trace_ring(core_id owner, unsigned machine, std::size_t capacity)
    : owner_{owner}, machine_{machine}, capacity_{std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity)} {
  detail::enter_flight_recorder(*this);
}

trace_ring::~trace_ring() { detail::leave_flight_recorder(*this); }

result<void> trace_ring::switch_on() {
  if (full_owned_ == nullptr) {
    try {
      full_owned_ = std::make_unique<detail::event_ring>(capacity_);
    } catch (const std::bad_alloc&) {
      return error{errc::out_of_memory, "no memory for a trace of " + std::to_string(capacity_) + " events"};
    }
    // sync(trace.full) release <-> trace.full_read: the ring is whole before it can be found.
    full_.store(full_owned_.get(), std::memory_order_release);
  }
  if (on()) return {};
  clear();
  // sync(trace.on_set) relaxed: the reader that records is this thread; others only look.
  on_.store(true, std::memory_order_relaxed);
  return {};
}

void trace_ring::switch_off() noexcept {
  // sync(trace.on_set) relaxed: the owner stops at its next look; an event more or less is no matter.
  on_.store(false, std::memory_order_relaxed);
}

void trace_ring::clear() noexcept {
  if (full_owned_ == nullptr) return;
  // sync(trace.cleared) relaxed: a reader that misses it sees some old events once more.
  cleared_.store(full_owned_->head(), std::memory_order_relaxed);
}

const detail::event_ring* trace_ring::full_ring() const noexcept {
  // sync(trace.full_read) acquire <-> trace.full: the ring's memory is there before we read it.
  return full_.load(std::memory_order_acquire);
}

std::vector<trace_event> trace_ring::snapshot() const {
  const detail::event_ring* const ring = full_ring();
  if (ring == nullptr) return {};
  // sync(trace.cleared_read) relaxed: see clear.
  return ring->snapshot(cleared_.load(std::memory_order_relaxed));
}

}  // namespace cooper
