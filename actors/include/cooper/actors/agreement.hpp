// SPDX-License-Identifier: BSD-3-Clause
// What cores agree on, asked of one's own core's monitor: multicast with combining, barriers, two-phase commit, calls
// from core to core. Split-phase: each is a CAF request, answered when it is over.
//
//   auto monitor = monitor_of(system(), home_core());
//   request(monitor, caf::infinite, install_tree{.tree = 0, .route = tree}).then([=](core_count) { ... });
//   request(monitor, caf::infinite, begin_multicast{0, {42}, combining::sum})
//       .then([=](const multicast_result& r) { ... });
//
// The protocols and what they promise under faults stand in protocols/ (multicast.hpp, barrier.hpp, call.hpp,
// two_phase_commit.hpp). A monitor makes its part of one at the first use. A tick is a millisecond, unless the setting
// cooper.tick says otherwise: a multicast waits 100 of them for each level of the tree.
//
// A function that is subscribed runs on its core, in the monitor: it must be short and must not throw. What it does is
// done when the protocol goes on, so that a multicast that has completed has run on all cores. An empty function: the
// sender gets messages instead. Either lasts until the sender ends; one that nobody sent, until its core goes down.
//
// Errors are CAF errors of Cooper's category: malformed_input (a route is none), no_such_core, core_down (also when the
// monitor's core goes down), bad_option (no such tree or barrier here, or this core is not the tree's root), queue_full
// (as many are under way as may be), deadline_passed. Nobody answers for a core that stopped without a word, except
// where a protocol has a deadline: give such requests one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>

#include <cooper/actors/monitor.hpp>
#include <cooper/protocols/multicast.hpp>
#include <cooper/skb/tree.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::actors {

using protocols::combining;

// How many cores have done it.
struct core_count {
  std::uint16_t cores = 0;
};

// -- multicast --------------------------------------------------------------------------------------------------------

inline constexpr std::uint8_t trees_max = 8;
using multicast_payload = protocols::hosted_multicast::payload;  // 4 words

// All cores of the route take it as tree number `tree`: answered by core_count. Any monitor; while no round of the
// former tree of that number is under way.
struct install_tree {
  std::uint8_t tree = 0;
  std::shared_ptr<const skb::multicast_tree> route;
  bool published = false;  // the root tells all other cores of the machine at once, and the tree serves the answers
};
// By the root: answered by multicast_result. At most four rounds of a tree are under way.
struct begin_multicast {
  std::uint8_t tree = 0;
  multicast_payload told{};
  combining how = combining::count;
};
struct multicast_result {
  std::uint64_t value = 0;  // of the root and all cores that answered, combined
  std::uint32_t round = 0;
  std::uint16_t missing = 0;  // cores that did not answer in time
};
// What this core answers with in the rounds to come; 0 before. Not answered.
struct contribute {
  std::uint8_t tree = 0;
  std::uint64_t value = 0;
};
struct multicast_delivery {
  multicast_payload told{};
  std::uint32_t round = 0;
  std::uint8_t tree = 0;
};
// Deliveries to this core, which are everybody's but the root's. Not answered.
struct subscribe_multicast {
  std::uint8_t tree = 0;
  std::function<void(const multicast_delivery&)> run = {};
};

// -- barriers ---------------------------------------------------------------------------------------------------------

inline constexpr std::uint8_t barriers_max = 128;

// Answered by core_count, as install_tree.
struct install_barrier {
  std::uint8_t barrier = 0;
  std::shared_ptr<const skb::multicast_tree> route;
};
// This core has come: answered by barrier_released when all have. One arrival a core and episode.
struct arrive {
  std::uint8_t barrier = 0;
};
struct barrier_released {
  std::uint32_t episode = 0;
};

// -- two-phase commit -------------------------------------------------------------------------------------------------

// A change that is known by a key happens on all these cores, or on none. Answered by change_decided when that is
// certain: a change that is committed may not have been made everywhere yet. Of two at a time of one key at most one is
// committed; who is refused may try again. At most 32 are under way.
struct commit_change {
  std::uint64_t key = 0;
  std::vector<core_id> among;
};
struct change_decided {
  std::uint64_t key = 0;
  bool committed = false;
};
struct change_made {
  std::uint64_t key = 0;
  core_id coordinator;
};
// The changes that are made on this core. Not answered.
struct subscribe_changes {
  std::function<void(const change_made&)> run = {};
};

// -- calls ------------------------------------------------------------------------------------------------------------

using call_words = std::array<std::uint64_t, 3>;

// Another core's monitor executes it once, or not at all: answered by call_answer, or deadline_passed. In between it is
// said again, so that it survives a callee's new life. At most four of a core are under way.
struct call_core {
  core_id callee;
  call_words asked{};
  duration deadline = std::chrono::seconds{1};
};
struct call_answer {
  call_words words{};
};
// What this core does when it is called; before, calls wait for their deadline. Not answered.
struct serve_calls {
  std::function<call_words(core_id caller, const call_words& asked)> run;
};

}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::core_count)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::install_tree)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::begin_multicast)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::multicast_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::contribute)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::multicast_delivery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::subscribe_multicast)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::install_barrier)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::arrive)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::barrier_released)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::commit_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::change_decided)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::change_made)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::subscribe_changes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::call_core)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::call_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::serve_calls)
