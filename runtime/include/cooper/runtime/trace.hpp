// SPDX-License-Identifier: BSD-3-Clause
// The trace: per-core rings of fixed-size events, their Chrome JSON form, and the flight recorder.
//
// A trace_ring is written by its owner core only and read by any thread while it is being written: the reader takes
// what it finds and discards what was overwritten meanwhile. It never waits, and neither does the writer. There are
// two rings in one: `record` keeps everything, only while tracing is on (its memory is not even allocated before);
// `note` also keeps rare, coarse events (park, bind, stall ...) in a small ring that is always on, for the flight
// recorder. On the hot path tracing costs, when off, `if (ring.on())`: one relaxed load and a branch.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper {

enum class trace_kind : std::uint8_t {
  none,
  line_sent,      // peer, slot, via, flow; arg: message type
  line_received,  // the same, on the other side
  handler_begin,  // peer, slot, via, flow (0 where no line led to it); arg: message type
  handler_end,    // slot
  park,           // arg: the deadline in ns of this core's clock, 0 if none
  unpark,         // arg: 1 if somebody signalled, 0 if a deadline or I/O did
  wake_sent,      // peer
  timer,          // arg: timer id
  io,             // arg: completions that ran
  gateway,        // arg: jobs that ran
  bind,           // peer
  close,          // peer
  stall,          // slot; arg: for how long, in ns
  mark,           // slot: the mark's number; arg: whatever its user likes
  count
};
std::string_view name_of(trace_kind) noexcept;

struct trace_event {
  std::int64_t time_ns = 0;
  trace_kind kind = trace_kind::none;
  lane via = lane::request;
  core_id peer{};
  std::uint32_t slot = 0;
  std::uint64_t flow = 0;
  std::uint64_t arg = 0;
  friend bool operator==(const trace_event&, const trace_event&) = default;
};
static_assert(sizeof(trace_event) == 32);

// Names one line on both of its ends without a byte in the line: position is sender.position() before publishing,
// and receiver.position() before releasing. Never 0. The low 37 bits of the position count.
constexpr std::uint64_t flow_id(core_id from, core_id to, lane via, std::uint64_t position) {
  static_assert(core_count_max <= 1u << 12 && lane_count <= 4);
  constexpr std::uint64_t position_mask = (std::uint64_t{1} << 37) - 1;
  return std::uint64_t{1} << 63 | std::uint64_t{from.value & 0xfffu} << 51 | std::uint64_t{to.value & 0xfffu} << 39 |
         static_cast<std::uint64_t>(via) << 37 | (position & position_mask);
}

namespace detail {

// A ring of events with one writer. Each event is four words; head counts the events ever written.
//   I1  an event at position p < head - capacity, or being overwritten, is never returned: enforced by at().
class event_ring {
 public:
  // capacity: a power of two. The memory is touched by the writer, page by page, as it goes round.
  explicit event_ring(std::size_t capacity);

  std::size_t capacity() const noexcept { return mask_ + 1; }
  // The writer only. Wait-free.
  void write(const trace_event& event) noexcept;
  // Any thread, also from a signal handler. Wait-free.
  std::uint64_t head() const noexcept;
  std::optional<trace_event> at(std::uint64_t position) const noexcept;
  std::uint64_t oldest() const noexcept;  // the first position that may still be there
  // Those from position `from` on, oldest first, without a hole.
  std::vector<trace_event> snapshot(std::uint64_t from = 0) const;

 private:
  static constexpr std::size_t words_per_event = 4;
  std::size_t mask_;
  struct release {
    void operator()(std::uint64_t* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::uint64_t, release> words_;  // accessed by atomic_ref only
  std::uint64_t next_ = 0;                         // the writer's own copy of head
  std::atomic<std::uint64_t> head_{0};
};

}  // namespace detail

class trace_ring {
 public:
  static constexpr std::size_t default_capacity = 64 * 1024;
  static constexpr std::size_t flight_capacity = 256;

  // Registers itself for the flight recorder. `machine` tells machines of one process apart in its file.
  explicit trace_ring(core_id owner, unsigned machine = 0, std::size_t capacity = default_capacity);
  ~trace_ring();
  trace_ring(const trace_ring&) = delete;
  trace_ring& operator=(const trace_ring&) = delete;

  core_id owner() const noexcept { return owner_; }
  unsigned machine() const noexcept { return machine_; }

  // Any thread; the hot path's only cost while tracing is off.
  bool on() const noexcept {
    // sync(trace.on) relaxed: a hint; the writer itself switches on, so it sees its own memory.
    return on_.load(std::memory_order_relaxed);
  }
  // The owner core only (or before it runs): the first call allocates. A new recording begins, unless it is on
  // already. Errors: out_of_memory.
  result<void> switch_on();
  // Any thread. What was recorded stays readable.
  void switch_off() noexcept;
  // The owner core only: forget what was recorded until now.
  void clear() noexcept;

  // The owner core only. Everything, and only after on() said so.
  void record(const trace_event& event) noexcept {
    if (full_owned_ != nullptr) full_owned_->write(event);
  }
  // The owner core only. A rare event: kept for the flight recorder in any case, and recorded if tracing is on.
  void note(const trace_event& event) noexcept {
    flight_.write(event);
    if (on()) record(event);
  }

  // Any thread: what is there now, oldest first.
  std::vector<trace_event> snapshot() const;
  std::vector<trace_event> flight() const { return flight_.snapshot(); }

  // For the crash handler: null before tracing was ever on.
  const detail::event_ring* full_ring() const noexcept;
  const detail::event_ring& flight_ring() const noexcept { return flight_; }

 private:
  core_id owner_;
  unsigned machine_;
  std::size_t capacity_;
  std::atomic<bool> on_{false};
  std::unique_ptr<detail::event_ring> full_owned_;        // the writer's view
  std::atomic<const detail::event_ring*> full_{nullptr};  // the readers' view
  std::atomic<std::uint64_t> cleared_{0};                 // positions below are forgotten
  detail::event_ring flight_{flight_capacity};
};

// -- names ---------------------------------------------------------------------------------------------------------

// Optional names for what the trace shows as numbers. Process-wide; any thread; not for hot paths.
void name_message_type(message_type type, std::string name);
void name_endpoint(core_id core, std::uint32_t slot, std::string name);
void name_mark(std::uint32_t mark, std::string name);

// -- Chrome JSON ---------------------------------------------------------------------------------------------------

struct traced_core {
  core_id id;
  std::string label;  // "core 0 (PU 3)"
  std::vector<trace_event> events;
};

// The trace event format that Perfetto and chrome://tracing load: a thread per core, a slice per handler, arrows for
// lines of which both ends are known. Times are microseconds since the earliest event. Any thread.
std::string chrome_trace_json(std::string_view process_label, std::span<const traced_core> cores);

// -- the flight recorder -------------------------------------------------------------------------------------------

// On SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT and on a failed assertion, writes the last events of every trace_ring
// of this process to <directory>/cooper-crash-<pid>.txt, says so on stderr, and lets the signal take its former
// course. Calling it again changes the directory. Errors: unwritable_output, io_failed.
result<void> install_flight_recorder(const std::string& directory);

// A stack of its own for the calling thread's signal handlers, so that a stack overflow is recorded too. Made and
// destroyed on the same thread; does nothing where the thread has one already.
class crash_stack {
 public:
  crash_stack();
  ~crash_stack();
  crash_stack(const crash_stack&) = delete;
  crash_stack& operator=(const crash_stack&) = delete;

 private:
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace cooper
