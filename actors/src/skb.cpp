// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/actors/skb.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/send.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/monitor.hpp>
#include <cooper/runtime/machine.hpp>
#include <cooper/skb/facts.hpp>
#include <cooper/skb/measure.hpp>

namespace cooper::actors {
namespace {

// From the engine's thread: what becomes of question `number`. A promise is its actor's only, so it stays there.
struct skb_done {
  std::uint64_t number;
  std::shared_ptr<std::function<void(caf::response_promise&)>> deliver;
};
struct skb_planned {
  std::size_t subscription;
  std::shared_ptr<const skb::multicast_tree> tree;  // of hardware threads
};
using replan_atom = caf::atom_constant<caf::atom("replan")>;

}  // namespace
}  // namespace cooper::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::skb_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cooper::actors::skb_planned)

namespace cooper::actors {
namespace {

// Cores of the machine, and hardware threads of its topology.
class numbering {
 public:
  explicit numbering(const machine& m) {
    const std::vector<core_status> cores = m.status();
    for (const core_status& core : cores) {
      const auto thread = m.where().find_pu(core.pu_index);
      threads_.push_back(thread.value_or(core.id));
    }
  }
  const std::vector<core_id>& threads() const { return threads_; }
  // Nothing if the machine has no such core.
  std::optional<core_id> thread_of(core_id core) const {
    if (core.value >= threads_.size()) return {};
    return threads_[core.value];
  }
  core_id core_of(core_id thread) const {
    const auto at = std::find(threads_.begin(), threads_.end(), thread);
    return core_number(static_cast<std::size_t>(at - threads_.begin()));
  }

 private:
  std::vector<core_id> threads_;
};

// Who stands in which group, and so which cores do.
class memberships {
 public:
  void join(const caf::actor_addr& who, const std::string& group, core_id core) { all_[{who, group}] = core; }
  void leave(const caf::actor_addr& who, const std::string& group) { all_.erase({who, group}); }
  std::vector<std::string> of(const caf::actor_addr& who) const {
    std::vector<std::string> groups;
    for (const auto& [key, core] : all_) {
      if (key.first == who) groups.push_back(key.second);
    }
    return groups;
  }
  std::vector<core_id> cores_of(const std::string& group) const {
    std::set<core_id> cores;
    for (const auto& [key, core] : all_) {
      if (key.second == group) cores.insert(core);
    }
    return {cores.begin(), cores.end()};
  }

 private:
  std::map<std::pair<caf::actor_addr, std::string>, core_id> all_;
};

class skb_actor final : public caf::event_based_actor {
 public:
  skb_actor(caf::actor_config& cfg, std::shared_ptr<skb::knowledge_base> base, machine& on)
      : event_based_actor{cfg}, base_{std::move(base)}, machine_{on}, cores_{on} {}

  caf::behavior make_behavior() override {
    // Without this scheduler spawn_skb has refused.
    static_cast<void>(watch_cores(system(), this));
    set_down_handler([this](const caf::down_msg& gone) { forget(gone.source); });
    changes_ = base_->on_change([self = address()](std::uint64_t version) {
      if (const auto to = caf::actor_cast<caf::actor>(self)) caf::anon_send(to, facts_changed{version});
    });
    return {
        [this](const ask_skb& q) {
          return put<skb_answer>(q.within, [goal = q.goal](skb::engine& e, const skb::limits& left) {
            return shared<skb_answer>(e.ask(goal, left));
          });
        },
        [this](const ask_skb_text& q) {
          return put<skb_answer>(q.within, [goal = q.goal](skb::engine& e, const skb::limits& left) {
            return shared<skb_answer>(e.ask_text(goal, left));
          });
        },
        [this](const plan_tree& q) { return plan(q); },
        [this](const change_facts& c) {
          return put<std::uint64_t>({}, [c](skb::engine& e, const skb::limits&) -> result<std::uint64_t> {
            if (const auto changed = e.change(c.patterns, c.facts); !changed) return changed.error();
            return e.facts_version();
          });
        },
        [this](const subscribe_tree& s) { return subscribe(s); },
        [this](const subscribe_facts&) {
          if (const caf::actor who = watched_sender()) fact_subscribers_.push_back(who);
        },
        [this](const join_group& g) { return join(g); },
        [this](const leave_group& g) {
          const auto who = caf::actor_cast<caf::actor_addr>(current_sender());
          change_group(g.group, [&] { groups_.leave(who, g.group); });
        },
        [this](const measure_links& m) { return measure(m); },
        [this](const core_event& e) { core_changed(e); },
        [this](const facts_changed& c) {
          for (const caf::actor& who : fact_subscribers_) send(who, c);
          replan_soon();
        },
        [this](replan_atom) { replan(); },
        [this](const skb_planned& p) { tell(p); },
        [this](const skb_done& d) {
          const auto waits = waiting_.find(d.number);
          if (waits == waiting_.end()) return;
          (*d.deliver)(waits->second);
          waiting_.erase(waits);
        },
    };
  }

  // Questions under way still hold this actor, not the knowledge base: it may not end on the engine's thread.
  void on_exit() override {
    for (auto& [number, promise] : std::exchange(waiting_, {})) promise.deliver(make_error(errc::cancelled));
    subscriptions_.clear();
    fact_subscribers_.clear();
    changes_.reset();
    base_.reset();
  }

  const char* name() const override { return "skb"; }

 private:
  struct subscription {
    std::size_t number;
    caf::actor who;
    subscribe_tree what;
    std::shared_ptr<const skb::multicast_tree> last;
  };
  static constexpr std::size_t group_bytes_max = 255;
  // Facts seldom change one at a time.
  static constexpr auto gather = std::chrono::milliseconds{5};

  template <class Reply>
  static result<Reply> shared(result<skb::answer> got) {
    if (!got) return got.error();
    return Reply{std::make_shared<const skb::answer>(std::move(*got))};
  }

  // Has `work` done on the engine's thread, within what is left of the limits when its turn comes.
  template <class Reply, class Work>
  caf::response_promise put(const skb::limits& within, Work work) {
    const std::uint64_t number = begin();
    caf::response_promise promise = waiting_.at(number);
    const caf::actor self = this;
    const auto begun = std::chrono::steady_clock::now();
    const auto posted = base_->post([=](skb::engine& e) {
      skb::limits left = within;
      left.time -= std::chrono::duration_cast<duration>(std::chrono::steady_clock::now() - begun);
      result<Reply> got = error{errc::deadline_passed};
      if (left.time > duration::zero()) got = work(e, left);
      end(self, number, std::move(got));
    });
    if (!posted) {
      waiting_.erase(number);
      promise.deliver(make_error(posted.error().code()));
    }
    return promise;
  }

  // A question that somebody waits for, until end() is called with its number, by any thread.
  std::uint64_t begin() {
    waiting_.emplace(++last_number_, make_response_promise());
    return last_number_;
  }
  template <class Reply>
  static void end(const caf::actor& self, std::uint64_t number, result<Reply> got) {
    auto deliver = [got = std::move(got)](caf::response_promise& to) {
      if (got) {
        to.deliver(*got);
      } else {
        to.deliver(make_error(got.error().code()));
      }
    };
    caf::anon_send(self,
                   skb_done{number, std::make_shared<std::function<void(caf::response_promise&)>>(std::move(deliver))});
  }

  // The members of a tree as hardware threads; nothing if one is not of this machine.
  std::optional<std::vector<core_id>> threads_of(const std::vector<core_id>& members, const std::string& group) const {
    const std::vector<core_id> cores = group.empty() ? members : groups_.cores_of(group);
    std::vector<core_id> threads;
    for (const core_id c : cores) {
      const auto thread = cores_.thread_of(c);
      if (!thread) return {};
      threads.push_back(*thread);
    }
    return threads;
  }

  // Of hardware threads.
  static result<skb::multicast_tree> planned(skb::engine& e, core_id root, const std::vector<core_id>& members,
                                             const skb::limits& within) {
    if (members.empty()) return skb::direct_tree(root, members);
    return skb::plan_tree(e, root, members, within);
  }
  // For others, who have the machine's numbers of cores.
  static planned_tree renumbered(skb::multicast_tree tree, const numbering& cores) {
    for (auto& node : tree.nodes) node.core = cores.core_of(node.core);
    return {std::make_shared<const skb::multicast_tree>(std::move(tree))};
  }

  caf::response_promise plan(const plan_tree& q) {
    const auto root = cores_.thread_of(q.root);
    const auto members = threads_of(q.members, q.group);
    if (!root || !members) return at_once(make_error(errc::no_such_core));
    if (!base_->has_engine()) return at_once(renumbered(skb::direct_tree(*root, *members), cores_));
    return put<planned_tree>(q.within,
                             [=, cores = cores_](skb::engine& e, const skb::limits& left) -> result<planned_tree> {
                               auto tree = planned(e, *root, *members, left);
                               if (!tree) return tree.error();
                               return renumbered(std::move(*tree), cores);
                             });
  }
  template <class Answer>
  caf::response_promise at_once(Answer answer) {
    caf::response_promise promise = make_response_promise();
    promise.deliver(std::move(answer));
    return promise;
  }

  caf::response_promise measure(const measure_links& m) {
    const std::uint64_t number = begin();
    caf::response_promise promise = waiting_.at(number);
    // It waits, so it has a thread of its own; the system's end waits for it.
    system().spawn<caf::detached>([self = caf::actor{this}, number, base = base_, on = &machine_, m] {
      skb::measure_options how;
      how.time_per_pair = m.time_per_pair;
      auto costs = skb::measure_costs(*on, how);
      if (costs && !costs->reliable) costs = error{errc::unreliable_measurement, costs->why_not};
      if (!costs) return end(self, number, result<std::uint64_t>{costs.error()});
      const auto posted = base->post([self, number, costs = std::move(*costs)](skb::engine& e) {
        const auto told = e.change(skb::replaced_by_costs(), facts_of(costs));
        end(self, number, told ? result<std::uint64_t>{e.facts_version()} : told.error());
      });
      if (!posted) end(self, number, result<std::uint64_t>{posted.error()});
    });
    return promise;
  }

  // -- groups ---------------------------------------------------------------------------------------------------------

  caf::result<void> join(const join_group& g) {
    if (!cores_.thread_of(g.core)) return make_error(errc::no_such_core);
    const skb::term fact = skb::compound("group", {skb::atom{g.group}, 0});
    if (g.group.empty() || g.group.size() > group_bytes_max || !skb::check_fact(fact)) {
      return make_error(errc::bad_option);
    }
    if (const caf::actor who = watched_sender()) {
      change_group(g.group, [&] { groups_.join(who.address(), g.group, g.core); });
    }
    return caf::unit;
  }

  template <class Change>
  void change_group(const std::string& group, Change change) {
    const std::vector<core_id> before = groups_.cores_of(group);
    change();
    const std::vector<core_id> now = groups_.cores_of(group);
    if (now == before) return;
    const auto facts_of = [&](const std::vector<core_id>& cores) {
      std::vector<skb::term> facts;
      for (const core_id c : cores)
        facts.push_back(skb::compound("group", {skb::atom{group}, cores_.thread_of(c)->value}));
      return facts;
    };
    static_cast<void>(base_->post(
        [was = facts_of(before), is = facts_of(now)](skb::engine& e) { static_cast<void>(e.change(was, is)); }));
    replan_soon();
  }

  // Who says this, if anybody; forget() follows when it ends.
  caf::actor watched_sender() {
    const auto who = caf::actor_cast<caf::actor>(current_sender());
    if (who) monitor(who);
    return who;
  }
  // An actor has ended.
  void forget(const caf::actor_addr& who) {
    std::erase_if(subscriptions_, [&](const subscription& s) { return s.who.address() == who; });
    std::erase_if(fact_subscribers_, [&](const caf::actor& one) { return one.address() == who; });
    for (const std::string& group : groups_.of(who)) {
      change_group(group, [&] { groups_.leave(who, group); });
    }
  }

  // -- subscriptions --------------------------------------------------------------------------------------------------

  caf::result<void> subscribe(const subscribe_tree& s) {
    if (!cores_.thread_of(s.root) || !threads_of(s.members, s.group)) return make_error(errc::no_such_core);
    if (const caf::actor who = watched_sender()) {
      subscriptions_.push_back({++last_number_, who, s, nullptr});
      plan_for(subscriptions_.back());
    }
    return caf::unit;
  }

  void core_changed(const core_event& e) {
    const auto thread = cores_.thread_of(e.core);
    if (!thread || (e.what != core_event::kind::down && e.what != core_event::kind::up)) return;
    const skb::term down = skb::compound("down", {thread->value});
    const bool is_down = e.what == core_event::kind::down;
    // Without an engine everybody is sent to, and finds out.
    static_cast<void>(base_->post([down, is_down](skb::engine& engine) {
      const std::vector<skb::term> one{down}, none;
      static_cast<void>(is_down ? engine.change(none, one) : engine.change(one, none));
    }));
  }

  void replan_soon() {
    if (std::exchange(replanning_, true)) return;
    delayed_send(this, gather, replan_atom::value);
  }
  void replan() {
    replanning_ = false;
    for (subscription& s : subscriptions_) plan_for(s);
  }

  void plan_for(const subscription& s) {
    const core_id root = *cores_.thread_of(s.what.root);
    const std::vector<core_id> members = *threads_of(s.what.members, s.what.group);
    const auto made = [](skb::multicast_tree tree) {
      return std::make_shared<const skb::multicast_tree>(std::move(tree));
    };
    if (!base_->has_engine()) return tell({s.number, made(skb::direct_tree(root, members))});
    // One that finds the queue full is planned with the next change; so is one that cannot be planned now.
    static_cast<void>(
        base_->post([self = caf::actor{this}, number = s.number, root, members, last = s.last, made](skb::engine& e) {
          auto tree = planned(e, root, members, {});
          if (tree && (!last || skb::worth_changing(e, *last, *tree))) {
            caf::anon_send(self, skb_planned{number, made(std::move(*tree))});
          }
        }));
  }

  void tell(const skb_planned& p) {
    const auto s = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                [&](const subscription& one) { return one.number == p.subscription; });
    if (s == subscriptions_.end() || (s->last && same(*s->last, *p.tree))) return;
    s->last = p.tree;
    send(s->who, renumbered(*p.tree, cores_));
  }

  static bool same(const skb::multicast_tree& a, const skb::multicast_tree& b) {
    return std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
                      [](const auto& x, const auto& y) { return x.core == y.core && x.children == y.children; });
  }

  std::shared_ptr<skb::knowledge_base> base_;
  machine& machine_;
  numbering cores_;
  memberships groups_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, caf::response_promise> waiting_;
  std::vector<subscription> subscriptions_;
  std::vector<caf::actor> fact_subscribers_;
  skb::knowledge_base::watch changes_;
  bool replanning_ = false;
};

}  // namespace

result<caf::actor> spawn_skb(caf::actor_system& system, std::shared_ptr<skb::knowledge_base> base) {
  const core_scheduler* scheduler = core_scheduler::of(system);
  if (scheduler == nullptr) return error{errc::not_supported_here, "this actor system runs on CAF's own scheduler"};
  if (base->has_engine()) {
    const numbering cores{scheduler->on()};
    std::vector<skb::term> running;
    for (std::size_t i = 0; i < cores.threads().size(); ++i) {
      running.push_back(skb::compound("running", {cores.threads()[i].value, i}));
    }
    const auto told = base->run([&](skb::engine& e) { return e.change({}, running); });
    if (!told) return told.error();
  }
  return system.spawn<skb_actor>(std::move(base), std::ref(scheduler->on()));
}

}  // namespace cooper::actors
