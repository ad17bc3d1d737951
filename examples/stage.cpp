// SPDX-License-Identifier: BSD-3-Clause
// A test of an actor, without threads, sleeps or chance: on a stage that the test turns by hand.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <caf/all.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/testing/stage.hpp>

using namespace cooper::actors;
using namespace std::chrono_literals;

struct remind {
  std::int64_t after_ms;
};
struct reminded {};

// What is tested: tells somebody when the time has come.
struct reminder : core_actor<reminder, protocol<request<remind, reminded>>> {
  reminder(caf::actor_config& cfg, caf::actor whom) : core_actor{cfg}, whom_{std::move(whom)} {}
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  task<reminded> handle(remind r) {
    co_await sleep(std::chrono::milliseconds{r.after_ms});
    send(whom_, std::string{"it is time"});
    co_return reminded{};
  }
  caf::actor whom_;
};

static void expect(bool what, const char* text) {
  std::printf("%s: %s\n", what ? "yes" : "NO", text);
  if (!what) std::exit(1);
}

int main() {
  cooper::testing::stage stage{{.cores = 2, .seed = 7}};
  auto whom = stage.probe();
  auto clock = stage.spawn<reminder>(cooper::core_id{1}, whom.handle());

  const auto answer = stage.call(clock, remind{500});
  stage.advance(499ms);
  expect(whom.empty() && !answer.arrived(), "nobody is reminded too early");
  stage.advance(1ms);
  expect(whom.next<std::string>() == "it is time", "the message is there when it is time");
  expect(answer.arrived() && answer.get(), "and the call is answered");
}
