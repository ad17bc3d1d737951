// SPDX-License-Identifier: BSD-3-Clause
// Barrier: nobody goes on before all have come. Gathered up a tree, released down it; with multicast's routes.
//
//   arrive     by each core; once it and all below it have, it says so to its parent
//   arrival    a child and all below it have arrived
//   release    all have: from the root down
//   ask        a core in a new life asks its children whether they have arrived
//
// Episodes follow each other: a core may arrive for the next one as soon as it is released from this one. One node is
// one barrier; a host has as many as it likes.
//
// Without faults, n cores: 2(n - 1) lines. Critical path, from the last arrival to the last release, with s to send, r
// to receive and l on the way: from who came last up to the root, sum(s + l + r) over its edges; then down to who hears
// last, sum(i s + l + r), where an edge leads to its parent's i-th child.
//
// There is no deadline: who does not arrive holds up all, and so does a core that has stopped, until its new life. That
// a core has arrived is kept, so its new life does not arrive again; what its children had said is not, so it asks
// them. A new life under which all have arrived says so again, and who says so for what is past is released once more:
// that is how a release that was lost is heard. A core that never comes back holds up everybody; a new tree without it
// is for the host to make.
//
//   I1  nobody is released from an episode before all cores have arrived in it
//   I2  each core is released from each episode once, in order
//   I3  when all have arrived in an episode, and cores that stopped have begun new lives, all are released from it
//   enforced by the explorer: tests/unit/protocols/barrier
//
// Durable: the route, the last episode that this core was released from, and whether it has arrived in the next.
//
// Counterparts: Barrelfish's OpenMP barrier (lib/bomp), which spins on shared words; combining trees: Yew, Tzeng,
// Lawrie, IEEE Transactions on Computers 1987; Mellor-Crummey, Scott, TOCS 1991.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <cooper/protocols/core_set.hpp>
#include <cooper/protocols/protocol.hpp>
#include <cooper/protocols/tree_route.hpp>

namespace cooper::protocols {

// Bugs that the explorer's tests plant; each must be found. The product has none.
enum class barrier_bug : std::uint8_t {
  none,
  release_early,   // one child's arrival is taken for that of all
  forget_arrival,  // a child that arrives before its parent is forgotten
  stale_arrival,   // an arrival in an episode that is past counts for the next
  silent_life,     // a new life does not ask
};

struct barrier_capacity {
  std::size_t cores = 1024;
  barrier_bug planted = barrier_bug::none;
};

// Small enough that all that can happen to it can be tried.
constexpr barrier_capacity explored_barrier(barrier_bug planted) { return {.cores = 4, .planted = planted}; }

template <barrier_capacity Capacity>
class barrier {
 public:
  using route = tree_route<Capacity.cores>;

  enum class kind : std::uint8_t { arrival, release, ask };
  struct message {
    std::uint32_t episode = 0;
    kind what = kind::arrival;
    std::array<std::uint8_t, 3> unused{};
  };
  enum class event : std::uint8_t { arrived, released };
  struct report {
    std::uint32_t episode = 0;
    event what = event::arrived;
    std::array<std::uint8_t, 3> unused{};
  };
  using effects_type = effects<message, report>;

  explicit barrier(core_id self) : self_{self.value} {}

  // False: the route does not fit this core, or somebody has arrived.
  bool install(const route& r);
  // The episode from which this core is to be released. 0: it has no route, or it has arrived already.
  std::uint32_t arrive(effects_type& out);

  void receive(core_id from, const message& m, effects_type& out);
  // A barrier sets no timers.
  void expired(std::uint8_t, effects_type&) {}
  void restarted(effects_type& out);

  // Whether this core has arrived and was not released yet.
  bool waits() const { return arrived_; }

  static std::string words_of(const message& m);
  static std::string words_of(const report& r);

 private:
  void on_arrival(core_id from, std::uint32_t episode, effects_type& out);
  void on_release(core_id from, std::uint32_t episode, effects_type& out);
  void on_ask(core_id from, effects_type& out);

  // Whether this core and all below it have arrived.
  bool gathered() const { return arrived_ && awaited_.empty(); }
  // Tells the parent; the root releases.
  void pass_on(effects_type& out);
  void release(effects_type& out);
  void await_children();
  std::uint32_t next_episode() const { return episode_ + 1; }

  std::uint16_t self_;
  bool arrived_ = false;  // in the next episode; durable
  std::uint8_t unused_ = 0;
  std::uint32_t episode_ = 0;  // the last that this core was released from; durable
  core_set<Capacity.cores> children_{}, awaited_{};
  route way_;  // durable
};

// As monitors have it.
using hosted_barrier = barrier<barrier_capacity{}>;

}  // namespace cooper::protocols
