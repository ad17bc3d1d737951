// SPDX-License-Identifier: BSD-3-Clause
// The actor of the knowledge base: questions split-phase, their errors, and trees that follow the cores.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/skb.hpp>
#include <cooper/skb/costs.hpp>
#include <cooper/skb/facts.hpp>
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

// A system with a knowledge base whose links have assumed costs.
class known_machine {
 public:
  explicit known_machine(bool with_engine = true)
      : base_{with_engine ? opened() : std::shared_ptr{cooper::skb::knowledge_base::without_engine()}} {
    auto made = spawn_skb(rig_.system(), base_);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
    skb = *made;
    if (!with_engine) return;
    const change_facts costs{{}, cooper::skb::assumed_costs(rig_.on().where())};
    CHECK(ask<std::uint64_t>(self(), skb, costs) > 0);
  }
  ~known_machine() {
    me_.reset();
    caf::anon_send_exit(skb, caf::exit_reason::user_shutdown);
    skb = nullptr;
  }
  caf::actor_system& system() { return rig_.system(); }
  cooper::skb::knowledge_base& base() { return *base_; }
  caf::scoped_actor& self() {
    if (!me_) me_ = std::make_unique<caf::scoped_actor>(rig_.system());
    return *me_;
  }

  caf::actor skb;

 private:
  std::shared_ptr<cooper::skb::knowledge_base> opened() {
    auto made = cooper::skb::knowledge_base::open(rig_.on().where());
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
    return std::move(*made);
  }

  actor_rig rig_;
  std::shared_ptr<cooper::skb::knowledge_base> base_;
  std::unique_ptr<caf::scoped_actor> me_;
};

// The error that a request is answered with.
template <class Reply, class... Ts>
errc refusal(known_machine& m, const Ts&... xs) {
  errc code = errc::nothing;
  m.self()
      ->request(m.skb, caf::infinite, xs...)
      .receive([](const Reply&) { FAIL("it was answered"); },
               [&](caf::error& e) {
                 REQUIRE(e.category() == error_category);
                 code = static_cast<errc>(e.code());
               });
  return code;
}

std::vector<core_id> reached(const planned_tree& p) {
  std::vector<core_id> all;
  for (const auto& node : p.tree->nodes) all.push_back(node.core);
  std::sort(all.begin(), all.end());
  return all;
}

const std::vector<core_id> both{here, there};

}  // namespace

TEST_CASE("an actor asks in terms and in text") {
  known_machine m;
  const auto running = ask<skb_answer>(
      m.self(), m.skb,
      ask_skb{cooper::skb::compound("running", {cooper::skb::variable("Thread"), cooper::skb::variable("Core")})});
  REQUIRE(running.got);
  CHECK(running.got->rows.size() == 2);
  const auto text = ask<skb_answer>(m.self(), m.skb, ask_skb_text{"running(T, 0), pu(T, Os, _)"});
  REQUIRE(text.got->rows.size() == 1);
  CHECK(text.got->find(0, "Os") != nullptr);
}

TEST_CASE("what goes wrong is an error of its own kind") {
  known_machine m;
  CHECK(refusal<skb_answer>(m, ask_skb_text{"halt"}) == errc::query_forbidden);
  CHECK(refusal<skb_answer>(m, ask_skb_text{"pu(X"}) == errc::query_malformed);
  CHECK(refusal<skb_answer>(m, ask_skb_text{"repeat, fail"}) == errc::query_exhausted);
  cooper::skb::limits late;
  late.time = duration{-1};
  CHECK(refusal<skb_answer>(m, ask_skb_text{"true", late}) == errc::deadline_passed);
  CHECK(refusal<std::uint64_t>(m, change_facts{{}, {cooper::skb::compound("pu", {1})}}) == errc::facts_rejected);
  CHECK(refusal<planned_tree>(m, plan_tree{here, {core_id{77}}}) == errc::no_such_core);
  CHECK(ask<skb_answer>(m.self(), m.skb, ask_skb_text{"X = 1"}).got->rows.size() == 1);
}

TEST_CASE("a question does not keep the actor from others, and each is answered once") {
  known_machine m;
  struct asker : caf::event_based_actor {
    asker(caf::actor_config& cfg, caf::actor skb) : event_based_actor{cfg}, skb_{std::move(skb)} {}
    caf::behavior make_behavior() override {
      return {[this](go_atom) {
        auto promise = make_response_promise<int>();
        for (int i = 0; i < 100; ++i) {
          request(skb_, caf::infinite, ask_skb_text{"X = " + std::to_string(i)})
              .then([this, promise, i](const skb_answer& a) mutable {
                const auto* n = a.got->find(0, "X")->integer();
                right_ += n != nullptr && *n == i ? 1 : 0;
                if (++answered_ == 100) promise.deliver(right_);
              });
        }
        return promise;
      }};
    }
    caf::actor skb_;
    int answered_ = 0, right_ = 0;
  };
  const auto one = m.system().spawn<asker>(m.skb);
  CHECK(ask<int>(m.self(), one, go_atom::value) == 100);
}

TEST_CASE("a subscriber is sent another tree when a core goes down and when it comes back") {
  known_machine m;
  const auto tree = ask<planned_tree>(m.self(), m.skb, plan_tree{here, both});
  CHECK(reached(tree) == both);
  CHECK(cooper::skb::validate(*tree.tree, here, both));
  m.self()->send(m.skb, subscribe_tree{here, both});
  const auto next = [&](const std::vector<core_id>& cores) {
    m.self()->receive([&](const planned_tree& p) { CHECK(reached(p) == cores); });
  };
  next(both);
  auto& scheduler = *core_scheduler::of(m.system());
  REQUIRE(scheduler.down(there));
  next({here});
  REQUIRE(scheduler.up(there));
  next(both);
}

TEST_CASE("a tree goes to a group, and follows who is in it") {
  known_machine m;
  m.self()->send(m.skb, subscribe_tree{here, {}, "workers"});
  const auto next = [&](const std::vector<core_id>& cores) {
    m.self()->receive([&](const planned_tree& p) { CHECK(reached(p) == cores); });
  };
  next({here});
  // Each is in the group until it ends, wherever it runs.
  const auto member = [&](const char* group) {
    return start(m.system(), there, [=, skb = m.skb](caf::event_based_actor* self) -> caf::behavior {
      self->send(skb, join_group{group, there});
      return {[=](stop_atom) { self->quit(); }, [=](go_atom) { self->send(skb, leave_group{group}); }};
    });
  };
  const auto first = member("workers"), second = member("workers"), other = member("others");
  next(both);
  CHECK(ask<skb_answer>(m.self(), m.skb, ask_skb_text{"group(workers, T), running(T, 1)"}).got->rows.size() == 1);
  CHECK(reached(ask<planned_tree>(m.self(), m.skb, plan_tree{there, {}, {}, "workers"})) == std::vector{there});
  CHECK(reached(ask<planned_tree>(m.self(), m.skb, plan_tree{here, {}, {}, "nobody"})) == std::vector{here});
  // One of two on a core leaves: the core stays.
  m.self()->send(first, go_atom::value);
  m.self()->send(first, stop_atom::value);
  m.self()->wait_for(first);
  CHECK(ask<skb_answer>(m.self(), m.skb, ask_skb_text{"group(workers, T)"}).got->rows.size() == 1);
  m.self()->send(second, stop_atom::value);
  next({here});
  CHECK(ask<skb_answer>(m.self(), m.skb, ask_skb_text{"group(workers, T)"}).got->rows.empty());
  CHECK(ask<skb_answer>(m.self(), m.skb, ask_skb_text{"group(others, T)"}).got->rows.size() == 1);
  m.self()->send(other, stop_atom::value);
}

TEST_CASE("a group's name and core are checked") {
  known_machine m;
  const auto joined = [&](std::string group, core_id core) {
    errc code = errc::nothing;
    m.self()
        ->request(m.skb, caf::infinite, join_group{std::move(group), core})
        .receive([] {}, [&](caf::error& e) { code = static_cast<errc>(e.code()); });
    return code;
  };
  CHECK(joined("workers", here) == errc::nothing);
  CHECK(joined("", here) == errc::bad_option);
  CHECK(joined(std::string(256, 'a'), here) == errc::bad_option);
  CHECK(joined("\xff", here) == errc::bad_option);
  CHECK(joined("workers", core_id{77}) == errc::no_such_core);
}

TEST_CASE("every new version of the facts is told, whoever changed them") {
  known_machine m;
  const auto version = ask<std::uint64_t>(m.self(), m.skb, change_facts{{}, {}});
  m.self()->send(m.skb, subscribe_facts{});
  const auto first = ask<std::uint64_t>(m.self(), m.skb, change_facts{{}, {}});
  CHECK(first == version + 1);
  CHECK(m.base().run([](cooper::skb::engine& e) { return e.change({}, {}); }));
  std::uint64_t told = 0;
  while (told < version + 2) {
    m.self()->receive([&](const facts_changed& c) {
      CHECK(c.version > told);
      told = c.version;
    });
  }
  CHECK(told == version + 2);
}

TEST_CASE("links are measured again, and what was known of them before is replaced") {
  known_machine m;
  ask<std::uint64_t>(m.self(), m.skb, change_facts{{}, {cooper::skb::compound("link", {0, 1, 77'777, 1, 1})}});
  errc code = errc::nothing;
  m.self()
      ->request(m.skb, caf::infinite, measure_links{1ms})
      .receive([](std::uint64_t version) { CHECK(version > 0); },
               [&](caf::error& e) { code = static_cast<errc>(e.code()); });
  // On a loaded machine it is unreliable, and nothing has changed.
  CHECK((code == errc::nothing || code == errc::unreliable_measurement));
  const auto before = ask<skb_answer>(m.self(), m.skb, ask_skb_text{"link(0, 1, 77777, _, _)"}).got->rows.size();
  CHECK(before == (code == errc::nothing ? 0 : 1));
  measure_links wrong{duration{-1}};
  CHECK(refusal<std::uint64_t>(m, wrong) == errc::bad_option);
}

TEST_CASE("without an engine trees are direct and questions are refused") {
  known_machine m{false};
  CHECK(ask<planned_tree>(m.self(), m.skb, plan_tree{there, both}).tree->policy == "direct");
  CHECK(refusal<skb_answer>(m, ask_skb_text{"true"}) == errc::engine_unavailable);
  m.self()->send(m.skb, subscribe_tree{here, both});
  m.self()->receive([&](const planned_tree& p) { CHECK(reached(p) == both); });
}

TEST_CASE("questions under way when the actor ends are answered with an error") {
  known_machine m;
  cooper::skb::limits slow;
  slow.time = 200ms;
  slow.inferences = 1'000'000'000'000;
  auto answer = m.self()->request(m.skb, caf::infinite, ask_skb_text{"repeat, fail", slow});
  m.self()->send_exit(m.skb, caf::exit_reason::user_shutdown);
  answer.receive([](const skb_answer&) { FAIL("it was answered"); }, [](caf::error& e) { CHECK(e); });
}
