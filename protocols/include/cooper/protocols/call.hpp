// SPDX-License-Identifier: BSD-3-Clause
// Call: a core asks another to execute something, at most once, and goes on until the answer comes (split-phase).
//
//   begin      by the caller: a request, with a deadline
//   request    the callee's host executes it, once; the same request again gets the answer that was kept
//   answer     by the callee's host, whenever it has it; the caller's call ends
//
// Any core calls any other. A call occupies one of its caller's places until it ends: a callee keeps one answer for
// each of them, of the latest call that it saw there. Within its deadline a request is said again, `retries` times, at
// equal intervals; then the call ends as timed out: it was executed once or not at all, or still will be.
//
// Without faults: 2 lines, one round trip and the execution; each time that it is said again adds at most 2.
//
// A callee that stops is answered for by nobody: calls that it has not seen it executes in its new life, if they are
// said again; those that it has seen, and whose answers were not heard, time out. A caller's new life knows of no
// calls; what comes for those of its former life is ignored.
//
//   I1  no call is executed twice
//   I2  an answer that a caller reports is what its callee answered to that very call
//   I3  a call ends once: answered, timed out, or with its caller's life
//   I4  every call ends; without faults, answered
//   enforced by the explorer: tests/unit/protocols/call
//
// Durable: the number of the last call begun, and for each place of each caller the number of the last call executed,
// which is kept before the host executes it. Answers are not.
//
// Counterparts: Birrell, Nelson, "Implementing remote procedure calls", TOCS 1984; Barrelfish's Flounder stubs, which
// have no deadlines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <cooper/protocols/protocol.hpp>

namespace cooper::protocols {

// Bugs that the explorer's tests plant; each must be found. The product has none.
enum class call_bug : std::uint8_t {
  none,
  execute_twice,    // a copy of a request is executed again
  mix_answers,      // an answer is taken for that of the call that has its place now
  forgotten_calls,  // what was executed is forgotten with a callee's life
  reused_numbers,   // a caller's new life begins to count anew
};

struct call_capacity {
  std::size_t cores = 1024;
  std::uint8_t calls = 4;    // of one caller, to all callees together, at a time
  std::uint8_t retries = 2;  // of one call
  call_bug planted = call_bug::none;
};

// Small enough that all that can happen to it can be tried.
constexpr call_capacity explored_call(call_bug planted) {
  return {.cores = 4, .calls = 1, .retries = 1, .planted = planted};
}

// Who calls, in which of its places, and how many calls it had begun then; sequence 0 is no call.
struct call_id {
  std::uint16_t caller = 0;
  std::uint8_t place = 0;
  std::uint8_t unused = 0;
  std::uint32_t sequence = 0;
  friend bool operator==(const call_id&, const call_id&) = default;
};

template <call_capacity Capacity>
class call {
 public:
  using payload = std::array<std::uint64_t, 3>;

  enum class kind : std::uint8_t { request, answer };
  struct message {
    call_id id;
    payload data{};
    kind what = kind::request;
    std::array<std::uint8_t, 7> unused{};
  };
  enum class event : std::uint8_t {
    executed,   // by the callee: its host is to execute it now, and then to answer
    answered,   // by the caller
    timed_out,  // by the caller
  };
  struct report {
    call_id id;
    payload asked{};
    payload answer{};  // if answered
    event what = event::executed;
    std::array<std::uint8_t, 7> unused{};
  };
  using effects_type = effects<message, report>;

  // One for each place.
  static constexpr std::uint8_t timers = Capacity.calls;

  explicit call(core_id self) : self_{self.value} {}

  // Sequence 0: all places are taken, or there is no such core, or it is this one. `deadline` is in ticks from now.
  call_id begin(core_id callee, const payload& asked, tick deadline, effects_type& out);
  // By the callee's host, in any order, once a call. False: nobody waits for it, in this life.
  bool answer(const call_id& id, const payload& with, effects_type& out);

  void receive(core_id from, const message& m, effects_type& out);
  void expired(std::uint8_t timer, effects_type& out);
  void restarted(effects_type& out);

  // Whether no call of this core is under way.
  bool idle() const;
  // How many calls this core has begun, in all its lives.
  std::uint32_t begun() const { return last_sequence_; }

  static std::string words_of(const message& m);
  static std::string words_of(const report& r);

 private:
  // A call of this core.
  struct under_way {
    call_id id;
    payload asked{};
    tick interval = 0;
    std::uint16_t callee = 0;
    std::uint8_t retries_left = 0;
    std::array<std::uint8_t, 5> unused{};
  };
  enum class progress : std::uint8_t { lost, executing, answered };
  // The last call that this core executed for one place of one caller.
  struct kept {
    payload answer{};
    std::uint32_t sequence = 0;  // durable
    progress at = progress::lost;
    std::array<std::uint8_t, 3> unused{};
  };

  void on_request(core_id from, const message& m, effects_type& out);
  void on_answer(core_id from, const message& m, effects_type& out);

  void say_request(const under_way& c, effects_type& out);
  kept& kept_for(const call_id& id) { return kept_[std::size_t{id.caller} * Capacity.calls + id.place]; }

  std::uint16_t self_;
  std::uint16_t unused_ = 0;
  std::uint32_t last_sequence_ = 0;  // durable
  std::array<under_way, Capacity.calls> calls_{};
  std::array<kept, Capacity.cores * Capacity.calls> kept_{};
};

// As monitors have it.
using hosted_call = call<call_capacity{}>;

}  // namespace cooper::protocols
