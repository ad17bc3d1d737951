// SPDX-License-Identifier: BSD-3-Clause
// A CAF program of somebody else's on Cooper's cores: what it needs of CAF comes with cooper::actors.
#include <cstdio>

#include <caf/all.hpp>

#include <cooper/actors/core_scheduler.hpp>
#include <cooper/runtime/core.hpp>

namespace {

caf::behavior adder() {
  return {[](int a, int b) { return cooper::core::current() != nullptr ? a + b : -1; }};
}

}  // namespace

int main() {
  caf::actor_system_config cfg;
  cfg.load<cooper::actors::core_scheduler>();
  caf::actor_system system{cfg};
  caf::scoped_actor self{system};
  int sum = 0;
  self->request(system.spawn(adder), caf::infinite, 40, 2)
      .receive([&](int answer) { sum = answer; },
               [&](const caf::error& e) { std::fprintf(stderr, "%s\n", system.render(e).c_str()); });
  std::printf("consumer: an actor on a core answered %d\n", sum);
  return sum == 42 ? 0 : 1;
}
