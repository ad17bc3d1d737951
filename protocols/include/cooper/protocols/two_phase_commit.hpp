// SPDX-License-Identifier: BSD-3-Clause
// Two-phase commit: cores agree that a change to the state that each of them has happens on all, or on none.
//
// Any core coordinates; the participants each hold a lock on the operation's key from their vote until they have heard
// the decision. Of two operations on one key at most one is voted for by a core; who is refused is aborted, and whoever
// began it may try again. Aborts are presumed: a coordinator keeps only commits, until all have acknowledged.
//
//   begin          prepare to all participants
//   prepare        vote: yes, with the lock, or no
//   vote           all yes: commit; one no, or too late: abort. The decision goes to all participants
//   decide         the change happens, or not; the lock is free; acknowledge
//   acknowledge    all have: finished
//   inquire        a participant that has voted yes and waits asks for the decision
//
// Without faults, n participants beside the coordinator: 4n lines, 2 round trips to the farthest. A core that stops
// while it coordinates blocks its participants' locks until it is back; one that stops as a participant aborts what has
// not been decided, and holds up what has.
//
//   I1  no core makes a change that another participant drops
//   I2  a change is made only if all participants voted for it
//   I3  changes to one key are made in one order on all cores
//   I4  when an operation is finished, all participants have made or dropped it
//   enforced by the explorer: tests/unit/protocols/two_phase_commit
//
// Durable: what a core voted for, what it decided to commit, and its number for operations.
//
// Counterparts: the Multikernel paper's two-phase commit for retyping capabilities (section 4.7); Barrelfish's
// rcap_db_twopc.c, which had neither timeouts nor recovery. Presumed abort: Mohan, Lindsay, Obermarck, TODS 1986.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <cooper/protocols/core_set.hpp>
#include <cooper/protocols/protocol.hpp>

namespace cooper::protocols {

// Bugs that the explorer's tests plant; each must be found. The product has none.
enum class two_phase_bug : std::uint8_t {
  none,
  lost_vote,                // a refusal is taken for a vote
  early_release,            // the lock is free when the vote is cast
  missing_acknowledgement,  // a decision that was heard before is not acknowledged again
  wrong_recovery,           // what was voted for is forgotten with a core's life
};

struct two_phase_capacity {
  std::size_t cores = 1024;
  std::uint8_t operations = 32;  // that one core coordinates at a time
  std::uint8_t locks = 64;       // that one core holds at a time
  two_phase_bug planted = two_phase_bug::none;
};

// Small enough that all that can happen to it can be tried.
constexpr two_phase_capacity explored_two_phase(two_phase_bug planted) {
  return {.cores = 4, .operations = 2, .locks = 2, .planted = planted};
}

// Who began it, and how many that core had begun then; sequence 0 is no operation.
struct operation_id {
  std::uint16_t coordinator = 0;
  std::uint16_t unused = 0;
  std::uint32_t sequence = 0;
  friend bool operator==(const operation_id&, const operation_id&) = default;
};

template <two_phase_capacity Capacity>
class two_phase_commit {
 public:
  using participants = core_set<Capacity.cores>;

  enum class kind : std::uint8_t { prepare, vote, decide, acknowledge, inquire };
  struct message {
    operation_id op;
    std::uint64_t key = 0;
    kind what = kind::prepare;
    bool yes = false;  // of a vote and of a decision
    std::array<std::uint8_t, 6> unused{};
  };
  enum class event : std::uint8_t {
    committed,  // by its coordinator: it will be made
    aborted,
    finished,  // by its coordinator: all have made or dropped it
    made,      // by a participant
    dropped,   // by a participant that had voted for it
  };
  struct report {
    operation_id op;
    std::uint64_t key = 0;
    event what = event::committed;
    std::array<std::uint8_t, 7> unused{};
  };
  using effects_type = effects<message, report>;

  // The ticks after which a coordinator gives up waiting for votes or says its decision again, and a participant asks.
  static constexpr tick patience = 100;
  // One timer for each operation that is coordinated, then one for each lock.
  static constexpr std::uint8_t timers = Capacity.operations + Capacity.locks;

  explicit two_phase_commit(core_id self) : self_{self.value} {}

  // False: this core coordinates as many as it can. What becomes of it is reported. The participants may include self.
  bool begin(std::uint64_t key, const participants& among, effects_type& out);
  // Before a node's first event: this core votes against changes to that key. For hosts that must look first.
  void refuse(std::uint64_t key) { refused_ = key; }

  void receive(core_id from, const message& m, effects_type& out);
  void expired(std::uint8_t timer, effects_type& out);
  void restarted(effects_type& out);

  bool idle() const;

  static std::string words_of(const message& m);
  static std::string words_of(const report& r);

 private:
  enum class phase : std::uint8_t { none, preparing, committing, aborting };
  struct coordinated {
    operation_id op;
    std::uint64_t key = 0;
    participants among, awaited;
    phase at = phase::none;
    std::array<std::uint8_t, 7> unused{};
  };
  // A vote for an operation, and the lock that goes with it.
  struct vote_cast {
    operation_id op;
    std::uint64_t key = 0;
  };

  void on_prepare(core_id from, const message& m, effects_type& out);
  void on_vote(core_id from, const message& m, effects_type& out);
  void on_decision(core_id from, const message& m, effects_type& out);
  void on_acknowledgement(core_id from, const message& m, effects_type& out);
  void on_inquiry(core_id from, const message& m, effects_type& out);

  // To another core, or to oneself at once.
  void say(core_id to, const message& m, effects_type& out);
  void decide(coordinated& c, bool commit, effects_type& out);
  void ask_for_decision(const vote_cast& v, effects_type& out);
  coordinated* find_coordinated(const operation_id& op);
  vote_cast* find_vote(const operation_id& op);
  vote_cast* find_lock(std::uint64_t key);
  std::uint8_t timer_of(const coordinated& c) const { return static_cast<std::uint8_t>(&c - coordinated_.data()); }
  std::uint8_t timer_of(const vote_cast& v) const {
    return static_cast<std::uint8_t>(Capacity.operations + (&v - votes_.data()));
  }

  std::uint16_t self_;
  std::uint16_t unused_ = 0;
  std::uint32_t last_sequence_ = 0;  // durable
  std::uint64_t refused_ = ~std::uint64_t{0};
  std::array<coordinated, Capacity.operations> coordinated_{};  // durable: those that are committing
  std::array<vote_cast, Capacity.locks> votes_{};               // durable
  // The last operation of each coordinator that this core has seen: an older prepare is a copy. Durable.
  std::array<std::uint32_t, Capacity.cores + Capacity.cores % 2> seen_{};
};

// As monitors have it.
using hosted_two_phase_commit = two_phase_commit<two_phase_capacity{}>;

}  // namespace cooper::protocols
