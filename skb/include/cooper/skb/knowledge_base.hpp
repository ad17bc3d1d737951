// SPDX-License-Identifier: BSD-3-Clause
// The knowledge base: the engine on a thread of its own, the facts of one machine, and the questions Cooper has.
//
//   auto made = knowledge_base::open(machine);                     // result<std::unique_ptr<knowledge_base>>
//   auto tree = (*made)->tree(core_id{0}, members);                // waits; for tools and tests
//   (*made)->post([](engine& e) { ... });                          // split-phase: runs there, one after the other
//
// It may be opened without an engine (none was built in, or it failed): then there are no facts, every question is
// answered with engine_unavailable, and trees are direct.
//
// Any thread may call anything, but a core must not wait: what waits says so. At most `queue_max` questions wait.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/runtime/topology.hpp>
#include <cooper/skb/engine.hpp>
#include <cooper/skb/tree.hpp>

namespace cooper::skb {

// The best tree of the portfolio from `root` to all members that are up, validated. On the engine's thread.
// Errors: query_failed with the reason (an unknown core, a root that is down, no member, no cost), those of limits.
result<multicast_tree> plan_tree(engine& e, core_id root, std::span<const core_id> members, const limits& within);

// Whether `best` is to take the place of the tree that is used: that does not go to the same cores, or takes over a
// twentieth longer, as costs are now. Costs are measured and waver. On the engine's thread.
bool worth_changing(engine& e, const multicast_tree& used, const multicast_tree& best);

class knowledge_base {
 public:
  static constexpr std::size_t queue_max = 1024;

  // Starts the engine, and tells it of the machine. Its thread keeps off the cores of `keep_off`, which run drivers, if
  // the process may use others. Errors: facts_rejected, thread_failed; engine_unavailable, also if another is open.
  static result<std::unique_ptr<knowledge_base>> open(const topology& machine, std::span<const core_id> keep_off = {});
  // As open, without an engine: trees are direct.
  static std::unique_ptr<knowledge_base> without_engine();
  ~knowledge_base();
  knowledge_base(const knowledge_base&) = delete;
  knowledge_base& operator=(const knowledge_base&) = delete;

  bool has_engine() const noexcept;

  // Runs `work` on the engine's thread, after what was posted before. Errors: engine_unavailable, queue_full.
  result<void> post(std::function<void(engine&)> work);

  // From now on `changed` is told each new version of the facts, on the engine's thread, until what is returned is let
  // go of; a call that has begun goes on.
  using watch = std::shared_ptr<const std::function<void(std::uint64_t version)>>;
  watch on_change(std::function<void(std::uint64_t version)> changed);

  // The following wait for their answer; never on a core or inside `work`. -------------------------------------------

  // result<R> of f(engine&), which returns result<R>.
  template <class F>
  auto run(F f) -> std::invoke_result_t<F&, engine&> {
    using answer_type = std::invoke_result_t<F&, engine&>;
    auto promised = std::make_shared<std::promise<answer_type>>();
    auto coming = promised->get_future();
    const auto posted = post([promised, f = std::move(f)](engine& e) mutable { promised->set_value(f(e)); });
    if (!posted) return posted.error();
    return coming.get();
  }
  // As plan_tree; direct without an engine.
  result<multicast_tree> tree(core_id root, std::vector<core_id> members, const limits& within = {});
  // Why that tree: a sentence.
  result<std::string> why(core_id root, std::vector<core_id> members, const limits& within = {});

 private:
  class body;
  explicit knowledge_base(std::unique_ptr<body> made);
  std::unique_ptr<body> body_;
};

}  // namespace cooper::skb
