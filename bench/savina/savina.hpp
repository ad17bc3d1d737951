// SPDX-License-Identifier: BSD-3-Clause
// savina: six programs of the Savina suite (Imam and Sarkar, AGERE 2014), written anew from their definitions, with
// their default parameters. Each runs on stock CAF, whose workers are pinned to the same cores, and in turn with that
// on the drivers: the same code as drop-in and as core actors, and rewritten for line messages.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "support/actor_rig.hpp"
#include "support/run.hpp"

namespace cooper::bench::savina {

// The suite's defaults, or a fraction of the counts where there is no time for them (`scale` of a row's parameters).
struct sizes {
  std::uint64_t ping_pong_pings = 40'000;
  std::uint64_t counting_messages = 1'000'000;
  std::uint64_t ring_actors = 100, ring_hops = 100'000;
  std::uint64_t chameneos = 100, meetings = 200'000;
  std::uint64_t big_actors = 120, big_pings = 20'000;
  std::uint64_t fork_join_actors = 60, fork_join_messages = 10'000;

  static sizes divided_by(std::uint64_t n);
};

enum class program : std::uint8_t { ping_pong, counting, thread_ring, chameneos, big, fork_join, count };
const char* name_of(program p);
// How many messages a run of it sends.
std::uint64_t messages_of(program p, const sizes& s);

// One run on a system, from the first spawn to the end of the conversation; nanoseconds. The actors have ended when it
// returns.
double run_stock(caf::actor_system& on, program p, const sizes& s);  // also drop-in: it is the same code
double run_core_actors(caf::actor_system& on, program p, const sizes& s);
double run_lines(caf::actor_system& on, program p, const sizes& s);

// What fork-join's messages compute.
double computation();

void measure_drop_in(run& r, const contender& self);
void measure_core_actor(run& r, const contender& self);
void measure_line(run& r, const contender& self);

extern const workload table;

}  // namespace cooper::bench::savina
