// SPDX-License-Identifier: BSD-3-Clause
// One core, as the code that runs on it sees it: endpoints, lines, timers, its own I/O context.
//
// A `core` belongs to its CPU driver's thread. Every member may be called there only, from a handler, a job or a
// timer, unless it says otherwise; machine::post() is the way in from elsewhere. Handlers run to completion and never
// nest: a line to one's own core waits in the run queue until the running handler has returned. The same class stands
// before a real core and a simulated one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <cooper/runtime/channel.hpp>
#include <cooper/runtime/costs.hpp>
#include <cooper/runtime/job.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/line.hpp>
#include <cooper/vocabulary/time.hpp>

namespace boost::asio {
class io_context;
}

namespace cooper {

class core;
class machine;
class buffer_pool;
class trace_ring;
struct core_metrics;

// A line as its handler sees it, in place: valid until the handler returns.
struct line_view {
  const std::byte* payload;
  message_type type;
  core_id from;
  lane via;

  // The payload as T. The sender decides what it sent; the type tells.
  template <line_payload T>
  const T& as() const {
    return *reinterpret_cast<const T*>(payload);
  }
};

// What an endpoint does with a line. A plain function and its object: one indirect call, no allocation. It must not
// throw; what it throws ends the process.
using line_handler = void (*)(void* self, core& here, const line_view& line);

struct timer_id {
  std::uint64_t value = 0;
};

class core {
 public:
  core(const core&) = delete;
  core& operator=(const core&) = delete;
  virtual ~core() = default;

  // The core whose driver the calling thread is, or null. Any thread.
  static core* current() noexcept;

  core_id id() const noexcept { return id_; }
  machine& home() const noexcept { return *home_; }

  // -- endpoints ---------------------------------------------------------------------------------------------------

  // A new endpoint: lines to its address call handler(self, ...) on this core. Errors: too_many_endpoints.
  virtual result<address> open(line_handler handler, void* self) = 0;
  // Lines that still come are counted and dropped. The slot is used again after a grace period, under another
  // generation. False if the address is not an open endpoint of this core.
  virtual bool close(address endpoint) = 0;
  // What becomes of a line whose endpoint is not open, or not any more: handler(self, ...) may answer its sender. It is
  // also told, with this core as the sender, of lines that were given up because they waited for a core that went down.
  // Without one the line is dropped. It is counted (lines_dropped) either way. One a core; null takes it away.
  virtual void on_undeliverable(line_handler handler, void* self) = 0;

  // One pointer for the layer above, which finds its own part of this core by it. Null unless set.
  void attach(void* layer) noexcept { attached_ = layer; }
  void* attached() const noexcept { return attached_; }

  // -- lines -------------------------------------------------------------------------------------------------------

  // Sends one line to an endpoint of any core, this one included. The first line to a core binds the channel; until
  // that is done lines wait in this core's overflow. full: no credit, or overflow at its bound; closed: that core is
  // down. Lines of one sender, receiver and lane keep their order. Progress: wait-free on a bound channel.
  template <line_payload T>
  send_result send(address to, message_type type, const T& payload, lane via = lane::request) {
    constexpr std::size_t words = (sizeof(T) + 7) / 8;
    std::uint64_t copy[words];
    if constexpr (sizeof(T) % 8 != 0) copy[words - 1] = 0;
    std::memcpy(copy, &payload, sizeof(T));
    return send_words(to, type, via, copy, words);
  }
  // The same for 0 to 7 words of 8 bytes.
  virtual send_result send_words(address to, message_type type, lane via, const std::uint64_t* words,
                                 std::size_t word_count) = 0;
  // As send, but a line that finds no credit waits in overflow (bounded; full at the bound). Once a line waits there,
  // later ones of its lane wait behind it.
  virtual send_result post_words(address to, message_type type, lane via, const std::uint64_t* words,
                                 std::size_t word_count) = 0;
  template <line_payload T>
  send_result post(address to, message_type type, const T& payload, lane via = lane::request) {
    constexpr std::size_t words = (sizeof(T) + 7) / 8;
    std::uint64_t copy[words];
    if constexpr (sizeof(T) % 8 != 0) copy[words - 1] = 0;
    std::memcpy(copy, &payload, sizeof(T));
    return post_words(to, type, via, copy, words);
  }
  // How many lines wait in overflow at most, a core and lane.
  virtual std::size_t overflow_bound() const noexcept = 0;
  // Runs `then` once the lane to that core takes lines again, or at once if it does, or if the core is down.
  virtual void when_writable(core_id to, lane via, job then) = 0;

  // -- time, deferred work, I/O ------------------------------------------------------------------------------------

  virtual instant now() = 0;
  virtual void defer(job work) = 0;  // runs in a later turn of this core
  virtual timer_id at(instant when, job work) = 0;
  timer_id after(duration d, job work) { return at(now() + d, std::move(work)); }
  virtual bool cancel(timer_id timer) = 0;  // false if it has run or was cancelled
  // On a simulated machine the clock goes on by so much, within this handler; on a real one work takes what it takes.
  void spend(cost c) {
    if (meter_ != nullptr) [[unlikely]]
      meter_->spend(c);
  }
  void spend(work w) {
    if (meter_ != nullptr) [[unlikely]]
      meter_->spend(w);
  }
  // Null on a real machine.
  cost_meter* meter() const noexcept { return meter_; }
  // Runs `work` here after a grace period: once every core has begun a new turn, or is parked or down. What a handler
  // anywhere may still have been reading when this was called is then out of use.
  virtual void retire(job work) = 0;
  // The core's own I/O context; its handlers run on this core, between turns. Errors: not_supported_here (simulated).
  virtual result<boost::asio::io_context*> io() = 0;

  // This core's pool of bulk buffers, made at the first use. Errors: out_of_memory, bad_option.
  virtual result<buffer_pool*> buffers() = 0;

  // -- stepping by hand, and foreign loops -------------------------------------------------------------------------

  // One turn. True if there was something to do. Only on a core that the machine was told not to run itself; never
  // from inside a handler (asserted).
  virtual bool poll_once() = 0;
  // For a loop that is not ours: announce that the thread will wait, look once more, and say until when it may; a
  // time in the past means "do not wait". Then wait for wake_fd() to become readable or the time, and call unpark().
  virtual result<int> wake_fd() = 0;
  virtual instant prepare_to_park() = 0;
  virtual void unpark() = 0;

  virtual core_metrics& metrics() noexcept = 0;
  virtual trace_ring& trace() noexcept = 0;

 protected:
  core(core_id id, machine& home) : id_{id}, home_{&home} {}
  void set_meter(cost_meter& meter) { meter_ = &meter; }

 private:
  core_id id_;
  machine* home_;
  void* attached_ = nullptr;
  cost_meter* meter_ = nullptr;
};

}  // namespace cooper
