// SPDX-License-Identifier: BSD-3-Clause
#include "support/conversation.hpp"

#include <cooper/actors/core_scheduler.hpp>

namespace cooper::bench {
namespace {

constexpr double not_yet = -1;

// The machine makes turns until the line is crossed; on this thread, so that nothing needs to be waited for.
result<double> time_of(machine& m, finish_line& line, std::uint64_t count) {
  while (line.ns == not_yet) {
    if (!m.step()) return error{errc::stopped, "the conversation on the simulated machine did not come to its end"};
  }
  line.reached.acquire();
  return line.ns / static_cast<double>(count);
}

}  // namespace

result<address> open_on(machine& on, std::size_t core, line_handler handler, void* self) {
  result<address> at = error{errc::stopped};
  const auto called = on.call(core_number(core), [&](cooper::core& here) { at = here.open(handler, self); });
  if (!called) return called.error();
  return at;
}

result<double> simulate(const conversation_maker& make, const topology& where, simulation_options options,
                        std::uint64_t count) {
  auto made = machine::simulate(where, std::move(options));
  if (!made) return made.error();
  machine& m = **made;
  auto talk = make(m);
  if (!talk) return talk.error();
  (*talk)->line.ns = not_yet;
  (*talk)->begin(count);
  result<double> spent = time_of(m, (*talk)->line, count);
  if (spent && !(*talk)->intact()) spent = error{errc::stopped, "a message arrived damaged"};
  static_cast<void>(m.stop());
  made = error{errc::stopped};  // the machine goes before the objects that its handlers use
  return spent;
}

result<double> simulate(const actor_conversation& what, const topology& where, simulation_options options,
                        std::uint64_t count) {
  auto made = machine::simulate(where, std::move(options));
  if (!made) return made.error();
  machine& m = **made;
  caf::actor_system_config config;
  caf::put(config.content, "cooper.placement", what.placement);
  actors::run_on(config, m);
  result<double> spent = 0.0;
  {
    caf::actor_system system{config};
    // At the end nobody turns the cores while the system waits.
    system.await_actors_before_shutdown(false);
    finish_line line;
    const actor_pair two = what.spawn(system, line);
    line.ns = not_yet;
    what.start(two.one, count);
    spent = time_of(m, line, count);
    caf::anon_send_exit(two.one, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(two.other, caf::exit_reason::user_shutdown);
    for (std::size_t turns = 0; turns < 10'000 && m.step(m.now() + std::chrono::microseconds{100}); ++turns) {}
  }
  static_cast<void>(m.stop());
  return spent;
}

}  // namespace cooper::bench
