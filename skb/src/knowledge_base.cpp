// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/skb/knowledge_base.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <cooper/skb/facts.hpp>
#include "engine_thread.hpp"

namespace cooper::skb {
namespace {

term members_term(std::span<const core_id> members) {
  std::vector<term> all;
  for (const core_id m : members) all.emplace_back(m.value);
  return list(std::move(all));
}

}  // namespace

// A plain thread with a queue: it waits for questions of people and of monitors, which are seldom.
class knowledge_base::body {
 public:
  ~body() {
    std::deque<std::function<void(engine&)>> dropped;
    {
      const std::lock_guard lock{mutex_};
      ending_ = true;
      // What nobody has begun, nobody waits for.
      dropped.swap(waiting_);
    }
    wake_.notify_one();
    thread_.join();
  }

  // The engine is made, used and ended on that thread.
  result<void> start(const topology& machine, std::span<const core_id> keep_off) {
    const auto begun = std::make_shared<std::promise<result<void>>>();
    auto coming = begun->get_future();
    const auto work = [this, &machine, begun] {
      auto made = engine::start();
      if (!made) return begun->set_value(made.error());
      const std::vector<term> facts = facts_of(machine);
      if (const auto told = (*made)->change({}, facts); !told) return begun->set_value(told.error());
      has_engine_ = true;
      begun->set_value({});
      serve(**made);
    };
    if (const auto started = thread_.start(machine, keep_off, work); !started) return started;
    return coming.get();
  }

  bool has_engine() const { return has_engine_; }

  result<void> post(std::function<void(engine&)> work) {
    if (!has_engine_) return error{errc::engine_unavailable};
    {
      const std::lock_guard lock{mutex_};
      if (waiting_.size() >= queue_max) {
        return error{errc::queue_full, fmt::format("{} questions wait for the knowledge base", queue_max)};
      }
      waiting_.push_back(std::move(work));
    }
    wake_.notify_one();
    return {};
  }

  watch on_change(std::function<void(std::uint64_t)> changed) {
    auto made = std::make_shared<const std::function<void(std::uint64_t)>>(std::move(changed));
    const std::lock_guard lock{mutex_};
    watches_.push_back(made);
    return made;
  }

 private:
  void serve(engine& e) {
    std::uint64_t told = e.facts_version();
    std::unique_lock lock{mutex_};
    for (;;) {
      wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const auto work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work(e);
      if (std::exchange(told, e.facts_version()) != told) tell(told);
      lock.lock();
    }
  }

  void tell(std::uint64_t version) {
    std::vector<watch> alive;
    {
      const std::lock_guard lock{mutex_};
      std::erase_if(watches_, [](const auto& w) { return w.expired(); });
      for (const auto& w : watches_) alive.push_back(w.lock());
    }
    for (const watch& w : alive) {
      if (w) (*w)(version);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void(engine&)>> waiting_;
  std::vector<std::weak_ptr<const std::function<void(std::uint64_t)>>> watches_;
  bool ending_ = false;
  bool has_engine_ = false;
  engine_thread thread_;
};

knowledge_base::knowledge_base(std::unique_ptr<body> made) : body_{std::move(made)} {}
knowledge_base::~knowledge_base() = default;

result<std::unique_ptr<knowledge_base>> knowledge_base::open(const topology& machine,
                                                             std::span<const core_id> keep_off) {
  auto made = std::make_unique<body>();
  if (const auto started = made->start(machine, keep_off); !started) return started.error();
  return std::unique_ptr<knowledge_base>{new knowledge_base{std::move(made)}};
}

std::unique_ptr<knowledge_base> knowledge_base::without_engine() {
  return std::unique_ptr<knowledge_base>{new knowledge_base{std::make_unique<body>()}};
}

bool knowledge_base::has_engine() const noexcept { return body_->has_engine(); }

result<void> knowledge_base::post(std::function<void(engine&)> work) { return body_->post(std::move(work)); }

knowledge_base::watch knowledge_base::on_change(std::function<void(std::uint64_t)> changed) {
  return body_->on_change(std::move(changed));
}

bool worth_changing(engine& e, const multicast_tree& used, const multicast_tree& best) {
  constexpr double enough = 0.95;
  std::vector<core_id> cores;
  for (const auto& node : best.nodes) cores.push_back(node.core);
  if (!validate(used, best.nodes.front().core, cores)) return true;
  const auto asked = e.ask(compound("completion", {term_of(used), variable{"Ns"}}));
  const term* ns = asked && !asked->rows.empty() ? asked->find(0, "Ns") : nullptr;
  if (ns == nullptr || ns->integer() == nullptr) return true;
  return static_cast<double>(best.predicted.count()) < enough * static_cast<double>(*ns->integer());
}

// tree_choice(Root, Members, choice(Policy, Tree, Ns, Cross, Estimated, Others)), and reach_times(Tree, Times).
result<multicast_tree> plan_tree(engine& e, core_id root, std::span<const core_id> members, const limits& within) {
  const term goal = compound(
      ",",
      {compound("tree_choice", {root.value, members_term(members),
                                compound("choice", {variable{"Policy"}, variable{"Tree"}, variable{"Ns"},
                                                    variable{"Cross"}, variable{"Estimated"}, variable{"Others"}})}),
       compound("reach_times", {variable{"Tree"}, variable{"Times"}})});
  const auto asked = e.ask(goal, within);
  if (!asked) return asked.error();
  if (asked->rows.empty()) return error{errc::query_failed, "there is no tree to these cores"};
  auto tree = tree_of(*asked->find(0, "Tree"));
  if (!tree) return tree.error();
  std::vector<core_id> up;
  for (const core_id m : members) {
    const std::int64_t number = m.value;
    if (!e.find("down", {&number, 1}, {})) up.push_back(m);
  }
  if (const auto good = validate(*tree, root, up); !good) return good.error();
  if (const auto* ns = asked->find(0, "Ns")->integer()) tree->predicted = duration{*ns};
  if (const auto* policy = asked->find(0, "Policy")->as<atom>()) tree->policy = policy->name;
  tree->estimated = *asked->find(0, "Estimated") != term{"false"};
  std::vector<duration> times(tree->nodes.size(), duration{0});
  if (const list_term* all = asked->find(0, "Times")->list()) {
    for (const term& one : all->elements) {
      const auto* pair = one.arguments_of("-", 2);
      if (pair == nullptr || pair->front().integer() == nullptr || pair->back().integer() == nullptr) continue;
      for (std::size_t i = 0; i < tree->nodes.size(); ++i) {
        if (tree->nodes[i].core.value == *pair->front().integer()) times[i] = duration{*pair->back().integer()};
      }
    }
  }
  tree->reached = std::move(times);
  return tree;
}

result<multicast_tree> knowledge_base::tree(core_id root, std::vector<core_id> members, const limits& within) {
  if (!has_engine()) return direct_tree(root, members);
  return run([=](engine& e) -> result<multicast_tree> { return plan_tree(e, root, members, within); });
}

result<std::string> knowledge_base::why(core_id root, std::vector<core_id> members, const limits& within) {
  if (!has_engine()) return std::string{"direct: there is no logic engine, so nothing is known of the machine"};
  return run([=](engine& e) -> result<std::string> {
    const auto asked = e.ask(compound("why", {root.value, members_term(members), variable{"Because"}}), within);
    if (!asked) return asked.error();
    if (asked->rows.empty()) return error{errc::query_failed, "there is no tree to these cores"};
    const term* said = asked->find(0, "Because");
    const auto* words = said->as<atom>();
    return words != nullptr ? words->name : said->to_text();
  });
}

}  // namespace cooper::skb
