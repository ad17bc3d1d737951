// SPDX-License-Identifier: BSD-3-Clause
// Multicast along a tree, with combining on the way back: the root tells all cores something, and gets one answer that
// stands for all of theirs. Broadcast is the same with a route that is published: the root's one line reaches all.
//
//   begin     by the root: a round, with a payload and how answers combine; its children are told, in their order
//   tell      the payload is delivered, and told on to this core's children
//   answer    once all children have answered, one line to the parent: their values and this core's, combined
//
// Rounds of a tree are numbered, and a few may be under way at a time; those that are late may end after later ones.
// A core's host hears of the delivery before the answer leaves (protocol.hpp, I1): what it does there is done when the
// root hears that all have answered. A core contributes what its host last set, to all rounds.
//
// Without faults, n cores: 2(n - 1) lines; published, n - 1 and one publication. Critical path, with s to send, r to
// receive and l(a, b) on the way: core a's part of the tree takes
//   T(a) = max over a's children c, the i-th of them, of i s + l(a, c) + r + T(c) + s + l(c, a) + r;   T(leaf) = 0
// and longer where answers meet: from the first one's arrival on, k children cost at least k r. Published, s in place
// of i s.
//
// A child that has not answered in time, levels x patience, is missing with all below it: a core answers with what it
// has and how many are missing, and what comes later is ignored. So no round hangs; one during which a core stops may
// lack its answers and those from below it. A core that begins a new life forgets its rounds: those that it is the
// root of end unreported.
//
//   I1  a core delivers a round of a tree at most once, rounds in rising order, each with the payload that was begun
//   I2  a round completes at most once, with the value of all cores of the tree but the missing ones; those that are
//       not missing have delivered it
//   I3  on each edge a round is told at most once, and answered at most once; without faults, exactly once
//   I4  a round ends: completed, or with its root's life. Without faults, nobody is missing
//   enforced by the explorer, I3 by what it would do to I1 and I2: tests/unit/protocols/multicast
//
// Durable: routes, contributions, and the number of the last round that this core began. A place in the table of trees
// gets another route when no round of the former is under way; else lines of the former may be taken for the new one's.
//
// Counterpart: the Multikernel paper's unicast, broadcast and multicast for unmapping pages (section 5.1).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <cooper/protocols/core_set.hpp>
#include <cooper/protocols/protocol.hpp>
#include <cooper/protocols/tree_route.hpp>

namespace cooper::protocols {

// Bugs that the explorer's tests plant; each must be found. The product has none.
enum class multicast_bug : std::uint8_t {
  none,
  answer_early,     // one child's answer is taken for that of all
  double_delivery,  // a copy is delivered again
  lost_child,       // the last child is forgotten
  stale_round,      // an answer that comes late is taken for one of the round that has its place
};

struct multicast_capacity {
  std::size_t cores = 1024;
  std::uint8_t trees = 8;
  std::uint8_t rounds = 4;  // of one tree, under way at a time
  multicast_bug planted = multicast_bug::none;
};

// Small enough that all that can happen to it can be tried.
constexpr multicast_capacity explored_multicast(multicast_bug planted) {
  return {.cores = 4, .trees = 1, .rounds = 2, .planted = planted};
}

// How values of two cores become one: in any order and grouping, the same.
enum class combining : std::uint8_t { and_, or_, sum, min, max, count };

constexpr std::uint64_t combined(combining how, std::uint64_t a, std::uint64_t b) {
  switch (how) {
    case combining::and_:
      return a & b;
    case combining::or_:
      return a | b;
    case combining::sum:
    case combining::count:
      return a + b;
    case combining::min:
      return std::min(a, b);
    case combining::max:
      return std::max(a, b);
  }
  return a;
}

template <multicast_capacity Capacity>
class multicast {
 public:
  using route = tree_route<Capacity.cores>;
  using payload = std::array<std::uint64_t, 4>;

  enum class kind : std::uint8_t { tell, answer };
  struct message {
    payload told{};           // if it tells
    std::uint64_t value = 0;  // if it answers
    std::uint32_t round = 0;
    std::uint16_t missing = 0;  // cores that the value does not stand for
    std::uint8_t tree = 0;
    kind what = kind::tell;
    combining how = combining::and_;
    std::array<std::uint8_t, 7> unused{};
  };
  enum class event : std::uint8_t {
    delivered,  // by every core but the root
    completed,  // by the root
  };
  struct report {
    payload told{};           // of a delivery
    std::uint64_t value = 0;  // of a completion
    std::uint32_t round = 0;
    std::uint16_t missing = 0;
    std::uint8_t tree = 0;
    event what = event::delivered;
  };
  using effects_type = effects<message, report>;

  // The ticks after which a core gives up waiting for its children's answers, for each level below it.
  static constexpr tick patience = 100;
  // One for each place of a round.
  static constexpr std::uint8_t timers = Capacity.trees * Capacity.rounds;
  static_assert(Capacity.trees * Capacity.rounds < 256);

  explicit multicast(core_id self) : self_{self.value} {}

  // False: there is no such place for a tree, or the route does not fit this core. Rounds of the former are forgotten.
  bool install(std::uint8_t tree, const route& r);
  // What this core answers with in the rounds to come; 0 before.
  void contribute(std::uint8_t tree, std::uint64_t value);
  // The round's number. 0: this core is not the tree's root, or as many rounds are under way as may be.
  std::uint32_t begin(std::uint8_t tree, const payload& told, combining how, effects_type& out);

  void receive(core_id from, const message& m, effects_type& out);
  void expired(std::uint8_t timer, effects_type& out);
  void restarted(effects_type& out);

  // Whether this core waits for no answer.
  bool idle() const;
  // As many rounds has this core begun.
  std::uint32_t begun(std::uint8_t tree) const { return tree < Capacity.trees ? trees_[tree].begun : 0; }

  static std::string words_of(const message& m);
  static std::string words_of(const report& r);

 private:
  struct under_way {
    core_set<Capacity.cores> awaited{};  // children
    std::uint64_t value = 0;
    std::uint32_t round = 0;  // 0: the place is free
    std::uint16_t missing = 0;
    combining how = combining::and_;
    std::uint8_t unused = 0;
  };
  struct tree_place {
    route way;                       // durable
    std::uint64_t contribution = 0;  // durable
    std::uint32_t begun = 0;         // the last round, by this core as the root; durable
    std::uint32_t delivered = 0;     // the last round
    std::array<under_way, Capacity.rounds> rounds{};
  };

  void on_tell(core_id from, const message& m, effects_type& out);
  void on_answer(core_id from, const message& m, effects_type& out);

  void tell_on(std::uint8_t tree, const message& m, effects_type& out);
  void finish(std::uint8_t tree, under_way& r, effects_type& out);
  under_way& place_of(std::uint8_t tree, std::uint32_t round) { return trees_[tree].rounds[round % Capacity.rounds]; }
  static std::uint8_t timer_of(std::uint8_t tree, std::uint32_t round) {
    return static_cast<std::uint8_t>(tree * Capacity.rounds + round % Capacity.rounds);
  }

  std::uint16_t self_;
  std::array<std::uint16_t, 3> unused_{};
  std::array<tree_place, Capacity.trees> trees_{};
};

// As monitors have it.
using hosted_multicast = multicast<multicast_capacity{}>;

}  // namespace cooper::protocols
