// SPDX-License-Identifier: BSD-3-Clause
// skb: what the knowledge base's engine costs: its start, look-ups, trees, facts. One core, which no driver runs on.
//
// An engine is of the thread that started it, so each is made, asked and ended within one session of a team of one,
// whose stack has the usual 8 MiB. Machines are descriptions: what is measured is the engine, not where it runs.
#pragma once

#include <functional>
#include <vector>

#include <cooper/skb/engine.hpp>

#include "support/run.hpp"

namespace cooper::bench::skb {

void measure_start(run& r, const contender& self);
void measure_lookup(run& r, const contender& self);
void measure_tree(run& r, const contender& self);
void measure_change(run& r, const contender& self);

// Runs body on a thread that is pinned to the first of the run's cores. Without an engine in this build it does not
// run, and `into` says why.
void on_engine_thread(run& r, row& into, const std::function<void(session&)>& body);
// The same, with an engine that knows `facts`.
void with_engine(run& r, row& into, const std::vector<cooper::skb::term>& facts,
                 const std::function<void(session&, cooper::skb::engine&)>& body);

// Whether an engine was on such a thread of this process before.
bool engine_ran();

// One operation after the other until the plan's time is used up; each says its own nanoseconds.
void sample_singles(const sampling_plan& plan, row& into, const std::function<result<double>()>& operation);

// Adds the row, unless an interrupt came before there was anything in it.
void add_measured(run& r, row out);

topology described(const char* synthetic);
// link/5 for all pairs, as if measured: one cost within a package, another between packages.
std::vector<cooper::skb::term> links_of(const topology& machine);

extern const workload table;

}  // namespace cooper::bench::skb
