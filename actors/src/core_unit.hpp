// SPDX-License-Identifier: BSD-3-Clause
// What an actor system has on one core: CAF's execution unit, and all of the actors' state that belongs to the core.
//
// Ready actors wait in a queue of their own, of which the driver works off some a turn. Words that other cores read
// (load, running actor) have this unit as their one writer; everything else is touched on the unit's core only, but for
// exec_later, id and owner, which any thread may use.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <caf/execution_unit.hpp>
#include <caf/exit_reason.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>

#include <cooper/actors/core_scheduler.hpp>
#include <cooper/runtime/core.hpp>
#include <cooper/runtime/metrics.hpp>
#include "call_table.hpp"
#include "core_clock.hpp"
#include "frame_pool.hpp"
#include "line_kinds.hpp"
#include "placement.hpp"

namespace cooper::actors {

class protocol_hosts;
class resident;

// Counted by the unit, read by anyone.
struct alignas(destructive_bytes) unit_counters {
  counter runs;             // times that an actor was resumed or activated
  counter parcels_sent;     // CAF messages to another core
  counter parcels_refused;  // asynchronous ones, for want of room
  counter calls;            // line calls made
  counter lines_refused;    // one-way lines, for want of room
  counter moved;            // actors that were given another home
  counter residents;        // core actors that live here, without the monitor: a gauge
};

class core_unit final : public caf::execution_unit {
 public:
  core_unit(core_scheduler& owner, caf::actor_system& system, core_id id, std::size_t core_count);
  ~core_unit() override;

  core_id id() const noexcept { return id_; }
  core_scheduler& owner() const noexcept { return owner_; }
  // Where lines to this unit go; set before any actor runs.
  address at() const noexcept {
    // sync(unit.at) acquire <-> unit.at: the endpoint is open. It changes when the core comes up again.
    return std::bit_cast<address>(at_.load(std::memory_order_acquire));
  }
  bool in_service() const noexcept {
    // sync(unit.service) relaxed: who looks too early finds the core closed.
    return in_service_.load(std::memory_order_relaxed);
  }
  void in_service(bool yes) noexcept {
    // sync(unit.service) relaxed: as above.
    in_service_.store(yes, std::memory_order_relaxed);
  }
  // The unit of the core that the calling thread is; null on other threads, and on cores without an actor system.
  static core_unit* here() noexcept {
    core* c = core::current();
    return c != nullptr ? static_cast<core_unit*>(c->attached()) : nullptr;
  }
  // That unit if it belongs to this actor system.
  static core_unit* here_of(const core_scheduler& owner) noexcept {
    core_unit* unit = here();
    return unit != nullptr && &unit->owner() == &owner ? unit : nullptr;
  }

  // Runs `what`, which holds a reference for it, at its home. Any thread.
  void exec_later(caf::resumable* what) override;

  // -- on this unit's core -----------------------------------------------------------------------------------------

  result<void> begin(core& here);
  void end();
  // This core goes down: its core actors end, the others and their timers go elsewhere; `done` once whatever was on its
  // way here has been answered. And it is back.
  void leave(cooper::job done);
  result<void> come_back();
  // Another core has gone down: calls to it end, and what is kept for it.
  void peer_is_down(core_id peer);
  bool stays() const noexcept { return !leaving_; }
  core& driver() const noexcept { return *core_; }
  unit_clock& clock() noexcept { return clock_; }
  call_table& calls() noexcept { return calls_; }
  frame_pool& frames() noexcept { return frames_; }
  unit_counters& counters() noexcept { return counters_; }

  void use(placement_policy policy) { placement_.use(policy); }
  void make_ready(caf::resumable* what);
  // A message from another core went to a mailbox, since it could not be handled at once.
  void queued() noexcept { ++queued_; }
  // Hands what is to run to its home, another core.
  void forward(core_unit& home, caf::resumable* what);

  // Sends a line to another core; where there is no room it waits here instead, unless it may be refused.
  enum class if_full : std::uint8_t { refuse, keep, keep_newest };
  send_result post(address to, message_type type, const std::uint64_t* words, std::size_t count, if_full then,
                   lane via = lane::request);
  // For lines that must arrive: they wait for room here. One to a core that is down has nobody to arrive at: what it
  // holds is released, and whoever waits for an answer is told.
  void post_surely(address to, message_type type, const std::uint64_t* words, std::size_t count,
                   lane via = lane::request) {
    if (post(to, type, words, count, if_full::keep, via) == send_result::closed) give_back(id_, type, words);
  }

  // Where lines to another core's unit go.
  address unit_at(core_id core) const { return owner_.units()[core.value]->at(); }
  // A line call of that core will have no answer.
  void fail_call(core_id caller, std::uint64_t word, errc why);
  // What cannot be delivered: whoever waits for an answer is told; anything else just ends. Any thread; lines come from
  // cores only.
  static void bounce(caf::mailbox_element& what, caf::error why);

  bool way_is_free(core_id to) const { return kept_[to.value].lines.empty(); }
  // Runs `then` once a line to that core would find room, after all that waits here, or once that core is down.
  void when_writable(core_id to, cooper::job then);

  void add(resident& r);
  // One that came too late: this core is leaving.
  void end_newcomer(caf::scheduled_actor& actor);
  void remove(resident& r);
  // After everything that is on its way to this core now has arrived, and been handled.
  void when_flushed(cooper::job work);
  // References are dropped between activations, never inside one.
  void release_later(caf::resumable* what);

  // This core's parts in the protocols, made at the first use.
  protocol_hosts& hosts();
  // The monitor ends.
  void forget_askers();

  // Who runs now: an actor's id, or 0. Any thread.
  std::uint64_t running() const noexcept {
    // sync(unit.running) relaxed: a number to look at.
    return running_.load(std::memory_order_relaxed);
  }
  // How many actors wait to run. Any thread.
  std::size_t waiting() const noexcept {
    // sync(unit.waiting) relaxed: placement guesses by it.
    return waiting_.load(std::memory_order_relaxed);
  }
  const unit_counters& seen_counters() const noexcept { return counters_; }
  // For whoever asks a running process. Any thread.
  machine::core_numbers numbers() const;

  // Marks an actor as running, for stall reports, for the length of an activation.
  class running_scope {
   public:
    running_scope(core_unit& unit, std::uint64_t actor) noexcept : unit_{unit}, before_{unit.running()} {
      unit_.set_running(actor);
    }
    ~running_scope() { unit_.set_running(before_); }
    running_scope(const running_scope&) = delete;
    running_scope& operator=(const running_scope&) = delete;

   private:
    core_unit& unit_;
    std::uint64_t before_;
  };

 private:
  static constexpr unsigned ready_budget = 32;
  // So few cores are bound to each other before anybody speaks.
  static constexpr std::size_t bound_beforehand_max = 8;
  // A flood looks for room after so many lines.
  static constexpr std::size_t look_every = 16;
  // Parcels for one actor that wait share a line, up to so many.
  static constexpr std::size_t parcels_max = 8;
  // A turn's share of actors' runs: what takes longer is cut, and runs get shorter until they fit.
  static constexpr duration long_batch{std::chrono::microseconds{100}};
  static constexpr std::size_t messages_per_run_min = 4;
  // How many parcels of actors that drop the oldest wait for one core.
  static constexpr std::size_t kept_newest_max = 1024;
  // Wakes from another core, since one was sent there, that make a flow; how many actors gather then, and for how long.
  static constexpr std::uint32_t one_way_flow = 64;
  static constexpr std::size_t gather_max = 64;
  static constexpr duration gather_for{std::chrono::microseconds{50}};
  // A core to which calls wait, and which has not begun a turn for so long, has stalled.
  static constexpr duration stalled_after{std::chrono::seconds{1}};
  static constexpr duration sweep_first{std::chrono::milliseconds{20}};
  static constexpr duration sweep_longest{std::chrono::seconds{1}};

  struct kept_line {
    address to;
    message_type type;
    std::uint64_t words[7];
    std::size_t count;
    lane via;
    bool newest;  // may be dropped for a newer one
    // So many parcels: words[0] is the first, each knows the next, and words[1], which does not travel, is the last.
    std::size_t parcels;
  };
  struct kept_lines {
    std::deque<kept_line> lines;
    std::size_t messages = 0;  // in them
    std::size_t looks = 0;
    bool asked = false;
    std::vector<cooper::job> then;  // what waits for all of them to be gone
  };

  // What was seen of a core for which calls wait.
  struct watched_peer {
    std::uint64_t turns = 0;
    instant since{};
    bool waited_for = false, stalled = false;
  };

  static void on_line(void* self, core& here, const line_view& line);
  static void on_undeliverable(void* self, core& here, const line_view& line);
  void take(const line_view& line);
  void make_ready_soon(caf::resumable* what);
  void arm();
  void arm_later();
  void run_ready();
  void end(caf::scheduled_actor& actor, caf::error why);
  void end_residents(const caf::error& why);
  void give_back(core_id from, message_type type, const std::uint64_t* words);
  result<void> open_endpoint();
  void bind_peers();
  // Gives every actor that waits to `then`, which takes over its reference.
  template <class F>
  void empty_ready(F then);
  void drop_released();
  void run(caf::resumable* what);
  void ask_for_room(core_id to);
  void keep(const kept_line& line);
  static void forget_first(kept_lines& kept);
  send_result push_kept(core_id to);
  void flush_kept(core_id to);
  void drop_oldest(core_id to);
  void hand_over_some();
  void move_to(core_unit& home, caf::scheduled_actor& actor);
  // An actor whose home may change: neither a core actor nor one whose spawner chose its core.
  static caf::scheduled_actor* movable(caf::resumable* what);
  void set_running(std::uint64_t actor) noexcept {
    // sync(unit.running) relaxed: only this unit writes it.
    running_.store(actor, std::memory_order_relaxed);
  }
  void tell_waiting() noexcept {
    // sync(unit.waiting) relaxed: only this unit writes it.
    waiting_.store(ready_.size(), std::memory_order_relaxed);
  }
  void begin_flush();
  void ask_gateway(std::uint64_t number);
  void flush_answered(core_id by, std::uint64_t number);
  void give_up_flush();
  void when_nothing_kept(cooper::job done);
  void arm_sweep();
  void sweep();
  void look_at_peers();

  // A job of the core that does nothing once this unit has ended: the machine may outlive the system.
  template <class F>
  auto mine(F f) {
    return [still = std::weak_ptr<bool>{alive_}, f = std::move(f)]() mutable {
      if (!still.expired()) f();
    };
  }
  void count_residents();

  // What other cores read with every parcel and answer; hardly ever written.
  core_scheduler& owner_;
  core_id id_;
  std::atomic<bool> in_service_{true};
  std::atomic<std::uint64_t> at_{0};  // an address; clang 14 would call libatomic for the struct
  // The core's own, on lines of its own.
  alignas(destructive_bytes) core* core_ = nullptr;
  std::shared_ptr<bool> alive_;  // from begin() to end(); this core only
  std::deque<caf::resumable*> ready_;
  bool armed_ = false;
  unit_clock clock_;
  call_table calls_;
  frame_pool frames_;
  placement placement_;
  std::vector<kept_lines> kept_;  // by core
  std::vector<caf::resumable*> released_;
  std::vector<std::uint32_t> one_way_;  // by core
  bool gathering_ = false;
  std::size_t messages_per_run_ = messages_per_run_min;
  std::size_t queued_ = 0;

  std::vector<resident*> residents_;
  duration sweep_every_ = sweep_first;
  bool sweep_armed_ = false;
  std::vector<watched_peer> watched_peers_;  // by core

  // A flush under way, and what waits for the next.
  std::uint64_t flush_number_ = 0;
  std::vector<bool> flush_awaited_;  // by core; this core's place stands for the gateway
  std::vector<cooper::job> flushing_, flush_next_;

  std::unique_ptr<protocol_hosts> hosts_;
  unit_counters counters_;
  bool leaving_ = false;
  std::atomic<std::uint64_t> running_{0};
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace cooper::actors
