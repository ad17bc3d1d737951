// SPDX-License-Identifier: BSD-3-Clause
// Tries every order and every readable value of a small concurrent program under C++20's weak memory.
//
//   const model::report r = model::explore({}, [](model::program& p) {
//     auto shared = std::make_shared<state>();
//     p.name(shared->flag, "flag");
//     p.thread("sender", [=](model_environment env) { ... env.store(...); });
//     p.thread("receiver", [=](model_environment env) { ... model::check(x == 1, "the line arrived"); });
//     p.finally([=](model_environment env) { ... });
//   });
//   INFO(r.summary());
//   CHECK(r.passed());
//
// The setup runs once an execution: it must build everything anew and decide nothing by chance, time or address. It and
// finally() see all stores. Between threads only words, sleepers, queues and the clock may carry a decision: a thread
// that branches on plain memory another one writes does what no step shows, and the search would take two different
// executions for one. Results may go to plain memory, and payload that is announced to the environment.
//
// Executions are cut short by an exception in their threads. So functions that reach the environment must not be
// noexcept, and what the setup builds must not own itself by way of a callback that is still to run: it would leak.
//
// The search is depth first, without stored states, with sleep sets. What it does not cover stands in memory.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include <cooper/runtime/native_environment.hpp>

#include "model_environment.hpp"

namespace cooper::model {

struct options {
  mutation planted = mutation::none;
  std::optional<std::size_t> weakened_site = {};  // executes as if its order were relaxed
  barrier_mode barriers = barrier_mode::membarrier;

  // How many stores of one thread may be delayed at a time (at most 8).
  std::size_t delayed_stores = 4;
  // How often in a row a paused thread gets another turn though nothing changed, before that is a deadlock.
  std::size_t quiet_rounds = 1;
  // An execution of more steps than this is cut and counted as truncated.
  std::size_t steps_max = 2000;

  // The search ends, incomplete, at either of these.
  std::uint64_t executions_max = std::numeric_limits<std::uint64_t>::max();
  std::chrono::milliseconds host_time_max = std::chrono::hours{24};

  // Sleep sets; off only to test them.
  bool reduction = true;
  // Explores only schedules with at most so many switches away from a thread that could go on. Switches the reduction
  // off, with which it does not agree.
  std::optional<std::size_t> preemptions_max = {};
  // Instead of all executions, executions_max random ones.
  std::optional<std::uint64_t> random_seed = {};
  // Instead of all executions, the one whose choices a report printed.
  std::optional<std::string> replay = {};
};

enum class violation_kind : std::uint8_t { check_failed, data_race, deadlock, exception, misuse };

struct violation {
  violation_kind kind = violation_kind::check_failed;
  std::string message;
  std::string transcript;  // a line for each step
  std::string choices;     // for options::replay
};

struct report {
  std::uint64_t executions = 0;  // ran to their end, or to the violation
  std::uint64_t pruned = 0;      // cut because an equivalent execution is explored elsewhere
  std::uint64_t truncated = 0;   // cut at steps_max
  std::uint64_t operations = 0;  // steps performed, those of repeated prefixes too
  std::size_t depth_max = 0;
  bool complete = false;  // nothing within the bounds was left out
  std::optional<std::uint64_t> seed;
  std::optional<model::violation> violation;

  // Complete, nothing truncated, no violation.
  bool passed() const { return complete && !violation; }
  bool found(violation_kind kind) const { return violation && violation->kind == kind; }
  // All of it for a person, with the transcript and how to replay it.
  std::string summary() const;
};

std::string_view name_of(violation_kind) noexcept;

using setup_function = std::function<void(program&)>;
report explore(const options& how, const setup_function& setup);

}  // namespace cooper::model
