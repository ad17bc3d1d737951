// SPDX-License-Identifier: BSD-3-Clause
// The server that is called, and the row that a caller's conversation fills.
#pragma once

#include <string>

#include "support/actor_rig.hpp"
#include "support/measure.hpp"

namespace cooper::bench::call_rtt {

struct question {
  std::uint64_t sequence;
};
struct answer {
  std::uint64_t sequence;
};

struct server : actors::core_actor<server, actors::protocol<actors::request<question, answer>>> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  answer handle(const question& q) { return {q.sequence}; }
};

// Measures Caller(finish_line&, core_ref<server>) on core 0 against a server on core 1, or both on core 0; Caller is
// told a count by CAF message.
template <class Caller, class Server, class... Ts>
void measure_pair(run& r, const contender& self, const std::string& parameters, bool same_core, Ts... more) {
  row out = r.new_row(self, same_core ? 1 : 2);
  out.parameters = parameters;
  auto rig = actor_rig::boot(r, same_core ? 1 : 2);
  if (!rig) {
    explain_failure(out, rig.error());
    return r.add(std::move(out));
  }
  {
    finish_line line;
    caf::actor_system& system = (*rig)->system();
    auto called = actors::spawn_on<Server>(system, core_number(same_core ? 0 : 1));
    auto caller = actors::spawn_on<Caller>(system, core_id{0}, line, *called, more...);
    const caf::actor handle = caller->handle();
    sample_conversation(
        r, **rig, [&](std::uint64_t count) { caf::anon_send(handle, count); }, line, out);
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(called->handle(), caf::exit_reason::user_shutdown);
    system.await_all_actors_done();
  }
  r.add(std::move(out));
}

}  // namespace cooper::bench::call_rtt
