// SPDX-License-Identifier: BSD-3-Clause
// Actor systems on two cores for tests, and what test bodies need to wait for their actors.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <caf/all.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/spawn.hpp>
#include "machines.hpp"
#include "watchdog.hpp"

namespace cooper::test {

// An actor system on a machine of `cores` drivers; ends when its actors have ended.
class actor_rig {
 public:
  explicit actor_rig(std::size_t cores = 2, const std::string& placement = "adaptive",
                     std::chrono::seconds limit = std::chrono::seconds{60})
      : actor_rig{native_options(cores), placement, limit} {}
  explicit actor_rig(machine_options options, const std::string& placement = "adaptive",
                     std::chrono::seconds limit = std::chrono::seconds{60})
      : dog_{limit}, machine_{boot(std::move(options))} {
    if (!placement.empty()) caf::put(config_.content, "cooper.placement", placement);
    actors::run_on(config_, *machine_);
    system_ = std::make_unique<caf::actor_system>(config_);
  }
  ~actor_rig() {
    system_.reset();
    REQUIRE(machine_->stop());
  }
  actor_rig(const actor_rig&) = delete;
  actor_rig& operator=(const actor_rig&) = delete;

  caf::actor_system& system() { return *system_; }
  machine& on() { return *machine_; }

 private:
  const watchdog dog_;
  std::unique_ptr<machine> machine_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

// -- words that many test bodies use ---------------------------------------------------------------------------------

using add_atom = caf::atom_constant<caf::atom("add")>;
using get_atom = caf::atom_constant<caf::atom("get")>;
using go_atom = caf::atom_constant<caf::atom("go")>;
using stop_atom = caf::atom_constant<caf::atom("stop")>;

inline constexpr core_id here{0}, there{1};

// The two kinds of actor that one test body runs as: unmodified, and at home on a core.
struct drop_in {
  template <class Base = caf::event_based_actor>
  using actor = Base;
};
struct at_home {
  template <class Base = caf::event_based_actor>
  using actor = actors::basic_core_actor<Base>;
};
template <class Kind>
using self_of = typename Kind::template actor<>;

template <class F, class... Ts>
auto start(caf::actor_system& system, core_id where, F behavior, const Ts&... xs) {
  auto made = actors::spawn_on(system, where, std::move(behavior), xs...);
  REQUIRE(made);
  return *made;
}

// The answer to a request from a thread; no answer fails the test.
template <class Answer, class To, class... Ts>
Answer ask(caf::scoped_actor& self, const To& to, const Ts&... xs) {
  Answer got{};
  self->request(to, caf::infinite, xs...)
      .receive([&](Answer& answer) { got = std::move(answer); },
               [&](caf::error& e) { FAIL(self->system().render(e)); });
  return got;
}

// The core that the calling thread is, or -1.
inline int core_now() { return core::current() != nullptr ? static_cast<int>(core::current()->id().value) : -1; }

// Adds up what it is given, and tells the sum.
template <class Self>
caf::behavior adder(Self*) {
  auto sum = std::make_shared<int>(0);
  return {[=](add_atom, int n) { *sum += n; }, [=](get_atom) { return *sum; }};
}

}  // namespace cooper::test

TYPE_TO_STRING(cooper::test::drop_in);
TYPE_TO_STRING(cooper::test::at_home);
