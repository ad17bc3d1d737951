// SPDX-License-Identifier: BSD-3-Clause
// What a core actor is to its core; the part of core_actor that has no template parameters.
//
// A core actor lives on one core: its mailbox, its coroutines and its calls are touched there only. Messages from other
// cores come as lines to its endpoint: a parcel (a CAF message, by pointer) or a line message (in the line itself).
//
//   I1  The unit's table holds one reference while the actor lives; lines and parcels hold none to the receiver.
//       Enforced by settle() and depart().
//   I2  The endpoint is closed before that reference is dropped, and for an actor that nobody else refers to only after
//       everything on its way has arrived (core_unit::sweep).
//   I3  A line handler runs in place only if the actor is initialised, awaits no response and has nothing queued;
//       otherwise the line is copied to its mailbox. Handlers never nest.
//   I4  No coroutine outlives its actor: depart() destroys those that are suspended, and none runs while it is called.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/scheduled_actor.hpp>

#include <cooper/actors/call_base.hpp>
#include <cooper/runtime/core.hpp>

namespace cooper::actors {

class core_unit;

// A line that could not be handled in place, in an actor's mailbox.
struct queued_line {
  message_type type;
  core_id from;
  std::uint64_t words[7];
};

// What becomes of an actor's asynchronous CAF messages for which the way to another core has no room. Requests are then
// answered with mailbox_full; responses, exit and down messages always wait.
enum class overflow_policy : std::uint8_t {
  refuse,       // it is dropped and counted (the default)
  wait,         // it waits at its sender, however many there are
  drop_oldest,  // it waits, and the oldest that waits for that core is dropped and counted when there are too many
};

class resident {
 public:
  using line_handler = void (*)(resident& self, core& here, const line_view& line);
  struct line_table {
    const line_handler* handlers;
    std::size_t size;
  };

  resident(const resident&) = delete;
  resident& operator=(const resident&) = delete;

  // The actor's endpoint, once its core has taken it in. Any thread.
  std::optional<address> where() const noexcept {
    // sync(resident.where) acquire <-> resident.settle: the endpoint is open before its address is seen.
    const std::uint64_t packed = where_.load(std::memory_order_acquire);
    if (packed == 0) return {};
    return unpack(packed);
  }
  // The unit of the actor's home core. Any thread that holds a reference to the actor.
  core_unit& home() const noexcept { return *home_; }
  core_id home_core() const noexcept;
  caf::scheduled_actor& self() const noexcept { return *self_; }

  // On this actor's core, or before it runs.
  void on_overflow(overflow_policy policy) noexcept;

  // -- used by the templates ----------------------------------------------------------------------------------------

  // A coroutine or callback that belongs to the actor: in a list of it until it is done, destroyed with it.
  class owned {
   public:
    owned(const owned&) = delete;
    owned& operator=(const owned&) = delete;

   protected:
    // destroy: frees the object. complete: called between activations, once, after finished().
    using action = void (*)(owned& self);
    owned(resident& owner, action destroy, action complete);
    ~owned() = default;
    void finished();

   private:
    friend class resident;
    resident* owner_;
    action destroy_, complete_;
    owned* next_ = nullptr;
    owned** link_ = nullptr;
  };

  // Sends a one-way line; on the actor's own core.
  send_result send_line(const resident& to, message_type type, const std::uint64_t* words, std::size_t count);
  send_result send_line(address to, message_type type, const std::uint64_t* words, std::size_t count);
  // Sends a request, whose call word it puts into words[0]. ok: the answer comes to `call`.
  std::optional<errc> send_request(call_base& call, const resident* to, address at, message_type type,
                                   std::uint64_t* words, std::size_t count, std::optional<duration> deadline);
  void send_answer(core_id caller, std::uint64_t word, const void* value, std::size_t bytes);
  void send_failure(core_id caller, std::uint64_t word, errc why);
  // Runs `then` once a line to that core finds room.
  void when_writable(core_id to, cooper::job then);
  // Runs `then` after a time, never within this call.
  void after(duration time, cooper::job then);
  // Runs a handler's tail: done by the calls below, and by the mailbox.
  template <class F>
  void activate(F&& f) {
    begin_activation();
    try {
      f();
    } catch (...) {
      handle_exception(std::current_exception());
    }
    end_activation();
  }

  // The parcels of a line: those that waited for room together are a chain.
  template <class F>
  static void for_each_parcel(std::uint64_t first, F&& f) {
    for (auto* what = reinterpret_cast<caf::mailbox_element*>(first); what != nullptr;) {
      caf::mailbox_element_ptr one{what};
      what = static_cast<caf::mailbox_element*>(std::exchange(what->next, nullptr));
      f(std::move(one));
    }
  }
  // The line that is in a mailbox's element, or null.
  static const queued_line* line_in(const caf::mailbox_element& what);

  // A coroutine begins, which costs virtual time on a simulated machine.
  static void begin_coroutine() noexcept;
  static void* take_memory(std::size_t bytes);
  static void give_memory_back(void* memory, std::size_t bytes) noexcept;

 protected:
  resident(caf::scheduled_actor& self, const line_table* table) : self_{&self}, table_{table} {}
  // Actors are destroyed by CAF, as what they are.
  virtual ~resident() = default;

  // The bodies of CAF's virtual functions; see core_actor.hpp.
  void launch_at_home(bool lazy);
  // What cannot be delivered has been bounced. is_line: it holds a line, and waits for room.
  send_result accept(caf::mailbox_element_ptr what, bool is_line = false);
  // Whether lines are in the mailbox.
  bool lines_wait() const noexcept { return lines_queued_ != 0; }
  void consume_line(const queued_line& line);
  void depart();
  // Completes what has finished: after every handler.
  void reap() {
    if (finished_ != nullptr) [[unlikely]]
      reap_all();
  }

  virtual bool awaits_response() const = 0;
  // The actor's exception handler, then its end.
  virtual void handle_exception(std::exception_ptr failed) = 0;

 private:
  friend class core_unit;
  friend class call_base;

  static std::uint64_t pack(address a) {
    return std::uint64_t{1} << 63 | std::uint64_t{a.slot} << 32 | std::uint64_t{a.generation} << 16 | a.core.value;
  }
  static address unpack(std::uint64_t w) {
    return {.core = core_number(w),
            .generation = static_cast<std::uint16_t>(w >> 16),
            .slot = static_cast<std::uint32_t>(w >> 32 & 0xfffff)};
  }

  static void on_line(void* self, core& here, const line_view& line);
  void settle(bool lazy);
  void take_parcel(caf::mailbox_element_ptr what);
  void take_line(core& here, const line_view& line);
  void run_line(core& here, const line_view& line);
  send_result send_by_mailbox(const resident& to, message_type type, const std::uint64_t* words, std::size_t count);
  void push(caf::mailbox_element_ptr what);
  bool idle() const;
  // Whether only `references` are left, all of which are known, and nothing can make it run.
  bool unreachable(std::size_t references) const;
  void reap_all();
  void queue_line(const queued_line& line);
  void begin_activation();
  void end_activation();

  // A line that senders read with every message, and that is written once, before the actor runs.
  alignas(line_bytes) caf::scheduled_actor* self_;
  const line_table* table_;
  core_unit* home_ = nullptr;
  std::atomic<std::uint64_t> where_{0};  // by the home core
  // Its own, as is what derived classes put behind it.
  alignas(line_bytes) std::size_t index_ = 0;  // in the unit's list
  bool settled_ = false;
  std::size_t lines_queued_ = 0;
  // Requests among the lines in the mailbox: whoever sent them is told if the actor ends first.
  std::vector<std::pair<core_id, std::uint64_t>> queued_calls_;
  owned* owned_ = nullptr;
  owned* finished_ = nullptr;
};

}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::queued_line)
