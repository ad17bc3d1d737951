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

// Caller(finish_line&, core_ref<Server>) on core 0 speaks to a server on core 1, or both are on core 0; Caller is told
// a count by CAF message.
template <class Caller, class Server, class... Ts>
actor_conversation pair_of(bool same_core, Ts... more) {
  return {.cores = same_core ? 1u : 2u,
          .spawn =
              [same_core, more...](caf::actor_system& system, finish_line& line) {
                auto called = actors::spawn_on<Server>(system, core_number(same_core ? 0 : 1));
                auto caller = actors::spawn_on<Caller>(system, core_id{0}, line, *called, more...);
                return actor_pair{caller->handle(), called->handle()};
              },
          .start = [](const caf::actor& caller, std::uint64_t count) { caf::anon_send(caller, count); }};
}

inline void measure_pair(run& r, const contender& self, const std::string& parameters, const actor_conversation& what) {
  row out = r.new_row(self, what.cores);
  out.parameters = parameters;
  r.add(measure_on_drivers(r, std::move(out), what));
}

}  // namespace cooper::bench::call_rtt
