// SPDX-License-Identifier: BSD-3-Clause
// The actor of the knowledge base: questions from any actor, split-phase. The engine works on a thread of its own; this
// actor only carries questions there and answers back.
//
//   std::shared_ptr base = *skb::knowledge_base::open(machine.where());
//   auto skb = *spawn_skb(system, base);
//   self->request(skb, 100ms, plan_tree{core_id{0}, members}).then([](const planned_tree& p) { use(*p.tree); }, ...);
//
//   ask_skb, ask_skb_text   answered by skb_answer
//   plan_tree               answered by planned_tree
//   change_facts            answered by the new version of the facts, std::uint64_t
//   subscribe_tree          answered by nothing; planned_tree now, and whenever another tree is better by a twentieth,
//                           because costs, a core or a group changed, until its sender ends
//   subscribe_facts         answered by nothing; facts_changed for each new version of the facts, until its sender ends
//   join_group, leave_group answered by nothing; the sender stands in a group, with its core, until it leaves or ends.
//                           A tree may go to a group instead of to members. Facts: group(Group, Thread)
//   measure_links           answered by the new version: what links cost is measured again, one pair after the other
//
// Errors are CAF errors of Cooper's category (caf_error.hpp): those of skb::engine; queue_full; deadline_passed for a
// question that waited longer for the engine than its limits give it. Without an engine trees are direct, and all else
// is answered with engine_unavailable. Cores are numbered as the machine numbers them, core::id(); facts number
// hardware threads as the topology does, and running(Thread, Core) has both.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <cooper/skb/knowledge_base.hpp>

namespace cooper::actors {

struct ask_skb {
  skb::term goal;
  skb::limits within = {};
};
struct ask_skb_text {
  std::string goal;
  skb::limits within = skb::limits::for_text();
};
struct skb_answer {
  std::shared_ptr<const skb::answer> got;
};

struct plan_tree {
  core_id root;
  std::vector<core_id> members;
  skb::limits within = {};
  std::string group = {};  // in place of members; one that nobody is in gives a tree of the root alone
};
struct planned_tree {
  std::shared_ptr<const skb::multicast_tree> tree;
};
struct subscribe_tree {
  core_id root;
  std::vector<core_id> members;
  std::string group = {};
};

struct join_group {
  std::string group;  // 1 to 255 bytes of UTF-8
  core_id core;       // that its sender runs on
};
struct leave_group {
  std::string group;
};

struct change_facts {
  std::vector<skb::term> patterns;
  std::vector<skb::term> facts;
};
struct subscribe_facts {};
struct facts_changed {
  std::uint64_t version;
};
// By a thread of its own; the cores are busy with it 2 * time_per_pair for each pair. An unreliable measurement changes
// nothing. Errors: unreliable_measurement, those of skb::measure_costs.
struct measure_links {
  duration time_per_pair = std::chrono::milliseconds{5};
};

// Tells the knowledge base which cores run, and starts its actor. Errors: not_supported_here (the system runs on
// another scheduler), those of skb::engine::change. Waits for the engine, so not on a core; and so does the knowledge
// base's end: keep `base` until the actor has ended.
result<caf::actor> spawn_skb(caf::actor_system& system, std::shared_ptr<skb::knowledge_base> base);

}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::ask_skb)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::ask_skb_text)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::skb_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::plan_tree)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::planned_tree)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::subscribe_tree)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::join_group)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::leave_group)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::change_facts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::subscribe_facts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::facts_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::measure_links)
