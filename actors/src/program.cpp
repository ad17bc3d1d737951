// SPDX-License-Identifier: BSD-3-Clause
// What COOPER_MAIN runs: a machine, an actor system on it, its first actor, and the end.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/core_scheduler.hpp>
#include <cooper/actors/main.hpp>
#include <cooper/actors/spawn.hpp>
#include "core_unit.hpp"
#include "only_real.hpp"
#include "program_options.hpp"

namespace cooper::actors {

struct detail::program_end {
  std::promise<int> code;
  std::atomic<bool> reached{false};
};

// -- the first actor --------------------------------------------------------------------------------------------------

main_actor::main_actor(caf::actor_config& cfg, std::vector<std::string> args, detail::program_body body,
                       detail::program_end& end)
    : core_actor{cfg}, args_{std::move(args)}, body_{std::move(body)}, end_{end} {
  set_exception_handler([](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      fmt::print(stderr, "cooper: the first actor threw: {}\n", e.what());
    } catch (...) {
      fmt::print(stderr, "cooper: the first actor threw\n");
    }
    return caf::exit_reason::unhandled_exception;
  });
}

caf::behavior main_actor::make_behavior() {
  body_(*this);
  return {};
}

void main_actor::exit_with(int code) {
  code_ = code;
  quit();
}

void main_actor::begin(task<int> body) {
  // It is there until the coroutine says otherwise.
  become([](caf::unit_t) {});
  start(run(std::move(body)));
}

task<void> main_actor::run(task<int> body) { exit_with(co_await std::move(body)); }

bool main_actor::cleanup(caf::error&& reason, caf::execution_unit* host) {
  if (reason && reason != caf::exit_reason::normal) {
    if (code_ == 0) code_ = 1;
    if (reason != caf::exit_reason::unhandled_exception) {
      fmt::print(stderr, "cooper: the first actor ended: {}\n", message_of(reason));
    }
  }
  const int code = code_;
  detail::program_end& end = end_;
  const bool first = core_actor::cleanup(std::move(reason), host);
  // sync(program.reached) release <-> program.reached: the actor is done.
  if (!end.reached.exchange(true, std::memory_order_release)) end.code.set_value(code);
  return first;
}

// -- the machine ------------------------------------------------------------------------------------------------------

namespace {

// Drawn faults begin within this: most programs last longer.
constexpr duration faults_within{std::chrono::milliseconds{1}};
constexpr duration dead_end_after{std::chrono::hours{1}};

result<profile> costs_named(const std::string& name) {
  const bool is_file = name.find('/') != std::string::npos || name.ends_with(".toml");
  return is_file ? profile::read(name) : profile::named(name);
}

result<std::unique_ptr<machine>> simulated(const program_options& options) {
  simulation_options how;
  auto costs = costs_named(*options.simulate);
  if (!costs) return costs.error();
  how.costs = std::move(*costs);
  const std::string synthetic = options.topology.value_or(how.costs.topology);
  if (synthetic.empty()) {
    return error{errc::bad_option, fmt::format("the profile '{}' names no machine: add --topology, as "
                                               "'package:2 core:4 pu:1'",
                                               *options.simulate)};
  }
  const auto where = topology::from_synthetic(synthetic);
  if (!where) return where.error();
  auto cores = select_cores(*where, options.cores, false);
  if (!cores) return cores.error();
  how.cores = std::move(*cores);
  how.seed = options.seed.value_or(1);
  if (how.costs.turn == cost{}) how.poll_budget = duration::zero();
  fmt::print(stderr, "cooper: simulating {} cores, costs of {}, seed {}\n", how.cores.size(), how.costs.name, how.seed);
  if (options.faults != 0) {
    auto drawn = draw_faults({.faults = options.faults, .within = faults_within}, how.cores.size(), how.seed);
    if (!drawn) return drawn.error();
    how.faults = std::move(*drawn);
    for (const cooper::fault& f : how.faults) fmt::print(stderr, "cooper: {}\n", words_of(f));
  }
  return machine::simulate(*where, std::move(how));
}

result<std::unique_ptr<machine>> real(const program_options& options) {
  const auto where = topology::discover();
  if (!where) return where.error();
  machine_options how;
  if (options.cores) {
    auto cores = select_cores(*where, options.cores, false);
    if (!cores) return cores.error();
    how.cores = std::move(*cores);
  }
  return machine::boot(*where, std::move(how));
}

std::uint64_t runs_of(const core_scheduler& scheduler) {
  std::uint64_t sum = 0;
  for (const auto& unit : scheduler.units()) sum += unit->seen_counters().runs.read();
  return sum;
}

// False: the actors have come to a dead end.
bool turn_until(const std::atomic<bool>& reached, machine& m, const core_scheduler& scheduler, bool clock_allowed) {
  const block_watch blocks;
  const call_watch calls{clock_allowed};
  instant since = m.now();
  std::uint64_t runs = 0;
  // sync(program.reached) relaxed: one thread.
  for (std::uint64_t turns = 0; !reached.load(std::memory_order_relaxed); ++turns) {
    if (!m.step()) return false;
    if (turns % 4096 != 0) continue;
    const std::uint64_t now = runs_of(scheduler);
    if (std::exchange(runs, now) != now) since = m.now();
    if (m.now() - since > dead_end_after) return false;
  }
  return true;
}

int complain_of_usage(const error& why, const char* program) {
  fmt::print(stderr, "cooper: {}: {}\n{}", text_of(why.code()), why.detail(), program_usage(program));
  return 2;
}

int complain(const error& why, int code) {
  fmt::print(stderr, "cooper: {}\n", why.message());
  return code;
}

int run_on_machine(machine& m, const program_options& options, detail::program_body body) {
  detail::program_end end;
  std::future<int> code = end.code.get_future();
  caf::actor_system_config cfg;
  run_on(cfg, m);
  caf::actor_system system{cfg};
  // Actors that are left end with the program.
  system.await_actors_before_shutdown(false);
  const auto first = spawn_on<main_actor>(system, core_id{0}, options.rest, std::move(body), std::ref(end));
  if (!first) return complain(first.error(), 3);
  if (m.simulated() && !turn_until(end.reached, m, *core_scheduler::of(system), options.clock_allowed)) {
    fmt::print(stderr, "cooper: a dead end: the first actor has not ended, and no actor has anything to do\n");
    return 3;
  }
  if (m.simulated()) fmt::print(stderr, "cooper: the first actor ended after {} ns of virtual time\n", m.now().ns);
  return code.get();
}

}  // namespace

int detail::run_program(int argc, const char* const* argv, program_body body) {
  const auto options = parse_program_options(argc, argv);
  const char* program = argc > 0 ? argv[0] : "program";
  if (!options) return complain_of_usage(options.error(), program);
  std::ofstream trace;
  if (options->trace) {
    trace.open(*options->trace);
    if (!trace) return complain({errc::unwritable_output, *options->trace}, 2);
  }
  auto made = options->simulate ? simulated(*options) : real(*options);
  if (!made) {
    const errc why = made.error().code();
    const bool usage = why == errc::bad_option || why == errc::unknown_name || why == errc::malformed_input ||
                       why == errc::unreadable_input || why == errc::no_such_core || why == errc::duplicate_core;
    return usage ? complain_of_usage(made.error(), program) : complain(made.error(), 3);
  }
  machine& m = **made;
  if (options->trace) m.set_tracing(true);
  int code = 3;
  try {
    code = run_on_machine(m, *options, std::move(body));
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
  }
  if (options->trace) {
    trace << m.chrome_trace();
    trace.close();
    if (!trace) code = complain({errc::unwritable_output, *options->trace}, 3);
  }
  if (const auto stopped = m.stop(); !stopped) return complain(stopped.error(), 3);
  return code;
}

}  // namespace cooper::actors
