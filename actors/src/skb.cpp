// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/actors/skb.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/send.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/monitor.hpp>
#include <cooper/runtime/machine.hpp>

namespace cooper::actors {
namespace {

// From the engine's thread: what becomes of question `number`. A promise is its actor's only, so it stays there.
struct skb_done {
  std::uint64_t number;
  std::shared_ptr<std::function<void(caf::response_promise&)>> deliver;
};
struct skb_planned {
  std::size_t subscription;
  std::shared_ptr<const skb::multicast_tree> tree;
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

class skb_actor final : public caf::event_based_actor {
 public:
  skb_actor(caf::actor_config& cfg, std::shared_ptr<skb::knowledge_base> base, numbering cores)
      : event_based_actor{cfg}, base_{std::move(base)}, cores_{std::move(cores)} {}

  caf::behavior make_behavior() override {
    // Without this scheduler spawn_skb has refused.
    static_cast<void>(watch_cores(system(), this));
    set_down_handler([this](const caf::down_msg& gone) {
      std::erase_if(subscriptions_, [&](const subscription& s) { return s.who.address() == gone.source; });
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
          replan_soon();
          return put<std::uint64_t>({}, [c](skb::engine& e, const skb::limits&) -> result<std::uint64_t> {
            if (const auto changed = e.change(c.patterns, c.facts); !changed) return changed.error();
            return e.facts_version();
          });
        },
        [this](const subscribe_tree& s) { subscribe(s); },
        [this](const core_event& e) { core_changed(e); },
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
    base_.reset();
  }

  const char* name() const override { return "skb"; }

 private:
  struct subscription {
    std::size_t number;
    caf::actor who;
    core_id root;  // hardware threads
    std::vector<core_id> members;
    std::shared_ptr<const skb::multicast_tree> last;
  };
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
    caf::response_promise promise = make_response_promise();
    const std::uint64_t number = ++last_number_;
    const caf::actor self = this;
    const auto begun = std::chrono::steady_clock::now();
    const auto posted = base_->post([=](skb::engine& e) {
      skb::limits left = within;
      left.time -= std::chrono::duration_cast<duration>(std::chrono::steady_clock::now() - begun);
      result<Reply> got = error{errc::deadline_passed};
      if (left.time > duration::zero()) got = work(e, left);
      auto deliver = std::make_shared<std::function<void(caf::response_promise&)>>([got](caf::response_promise& to) {
        if (got) {
          to.deliver(*got);
        } else {
          to.deliver(make_error(got.error().code()));
        }
      });
      caf::anon_send(self, skb_done{number, std::move(deliver)});
    });
    if (posted) {
      waiting_.emplace(number, promise);
    } else {
      promise.deliver(make_error(posted.error().code()));
    }
    return promise;
  }

  // As hardware threads; nothing if one is not of this machine.
  std::optional<std::vector<core_id>> threads_of(const std::vector<core_id>& cores) const {
    std::vector<core_id> threads;
    for (const core_id c : cores) {
      const auto thread = cores_.thread_of(c);
      if (!thread) return {};
      threads.push_back(*thread);
    }
    return threads;
  }

  static result<skb::multicast_tree> renumbered(result<skb::multicast_tree> tree, const numbering& cores) {
    if (tree) {
      for (auto& node : tree->nodes) node.core = cores.core_of(node.core);
    }
    return tree;
  }

  caf::response_promise plan(const plan_tree& q) {
    const auto root = cores_.thread_of(q.root);
    const auto members = threads_of(q.members);
    if (!root || !members) return refuse(errc::no_such_core);
    if (!base_->has_engine()) {
      caf::response_promise promise = make_response_promise();
      promise.deliver(planned_tree{std::make_shared<const skb::multicast_tree>(skb::direct_tree(q.root, q.members))});
      return promise;
    }
    return put<planned_tree>(q.within,
                             [=, cores = cores_](skb::engine& e, const skb::limits& left) -> result<planned_tree> {
                               auto tree = renumbered(skb::plan_tree(e, *root, *members, left), cores);
                               if (!tree) return tree.error();
                               return planned_tree{std::make_shared<const skb::multicast_tree>(std::move(*tree))};
                             });
  }

  caf::response_promise refuse(errc why) {
    caf::response_promise promise = make_response_promise();
    promise.deliver(make_error(why));
    return promise;
  }

  // -- subscriptions --------------------------------------------------------------------------------------------------

  void subscribe(const subscribe_tree& s) {
    const auto root = cores_.thread_of(s.root);
    const auto members = threads_of(s.members);
    const auto who = caf::actor_cast<caf::actor>(current_sender());
    if (!root || !members || !who) return;
    monitor(who);
    subscriptions_.push_back({++last_number_, who, *root, *members, nullptr});
    plan_for(subscriptions_.back());
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
    replan_soon();
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
    const caf::actor self = this;
    if (!base_->has_engine()) {
      auto tree = renumbered(skb::direct_tree(s.root, s.members), cores_);
      return tell({s.number, std::make_shared<const skb::multicast_tree>(std::move(*tree))});
    }
    // One that finds the queue full is planned with the next change; so is one that cannot be planned now.
    static_cast<void>(
        base_->post([self, number = s.number, root = s.root, members = s.members, cores = cores_](skb::engine& e) {
          auto tree = renumbered(skb::plan_tree(e, root, members, {}), cores);
          if (!tree) return;
          caf::anon_send(self, skb_planned{number, std::make_shared<const skb::multicast_tree>(std::move(*tree))});
        }));
  }

  void tell(const skb_planned& p) {
    const auto s = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                [&](const subscription& one) { return one.number == p.subscription; });
    if (s == subscriptions_.end() || (s->last && same(*s->last, *p.tree))) return;
    s->last = p.tree;
    send(s->who, planned_tree{p.tree});
  }

  static bool same(const skb::multicast_tree& a, const skb::multicast_tree& b) {
    return std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
                      [](const auto& x, const auto& y) { return x.core == y.core && x.children == y.children; });
  }

  std::shared_ptr<skb::knowledge_base> base_;
  numbering cores_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, caf::response_promise> waiting_;
  std::vector<subscription> subscriptions_;
  bool replanning_ = false;
};

}  // namespace

result<caf::actor> spawn_skb(caf::actor_system& system, std::shared_ptr<skb::knowledge_base> base) {
  const core_scheduler* scheduler = core_scheduler::of(system);
  if (scheduler == nullptr) return error{errc::not_supported_here, "this actor system runs on CAF's own scheduler"};
  numbering cores{scheduler->on()};
  if (base->has_engine()) {
    std::vector<skb::term> running;
    for (std::size_t i = 0; i < cores.threads().size(); ++i) {
      running.push_back(skb::compound("running", {cores.threads()[i].value, i}));
    }
    const auto told = base->run([&](skb::engine& e) { return e.change({}, running); });
    if (!told) return told.error();
  }
  return system.spawn<skb_actor>(std::move(base), std::move(cores));
}

}  // namespace cooper::actors
