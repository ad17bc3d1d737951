// SPDX-License-Identifier: BSD-3-Clause
// `cooper trace`: what a running machine's cores did in the last moments, as a file for Perfetto.
#include <cstdio>
#include <future>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cooper/runtime/control.hpp>
#include <cooper/runtime/machine.hpp>
#include <cooper/runtime/trace.hpp>

#include "commands.hpp"
#include "options.hpp"
#include "running.hpp"

namespace cooper::tools {
namespace {

struct trace_options {
  std::string whom;  // pid, pid-index or path; empty: the only one
  double seconds = 1;
  std::string path = "cooper-trace.json";
  bool demo = false;
  bool list = false;
};

// -- a running machine -----------------------------------------------------------------------------------------------

result<std::string> fetch(const std::string& whom, double seconds) {
  if (auto on = ask(whom, "trace on"); !on) return on.error();
  {
    const interruptible wait;
    wait_seconds(seconds);
  }
  // Off first: what is read then stands still. A machine that stopped meanwhile is the next request's error.
  const auto off = ask(whom, "trace off");
  auto trace = ask(whom, "trace", std::chrono::seconds{60});
  if (trace && !off) return off.error();
  return trace;
}

// -- the demonstration -----------------------------------------------------------------------------------------------

// Two endpoints that play ping-pong in three bursts with pauses, long enough for both cores to fall asleep.
class ping_pong {
 public:
  static constexpr message_type ping = 1, pong = 2;
  static constexpr unsigned bursts = 3, rounds_per_burst = 300;

  // On core 1, then on core 0.
  result<address> open_ponger(core& here) {
    auto opened = here.open(&ping_pong::on_ping, this);
    if (opened) {
      ponger_ = *opened;
      name_endpoint(here.id(), opened->slot, "ponger");
    }
    return opened;
  }
  result<address> open_pinger(core& here) {
    auto opened = here.open(&ping_pong::on_pong, this);
    if (opened) {
      pinger_ = *opened;
      name_endpoint(here.id(), opened->slot, "pinger");
    }
    return opened;
  }
  void begin_burst(core& here) {
    left_ = rounds_per_burst;
    serve(here);
  }
  std::future<void> finished() { return finished_.get_future(); }

 private:
  struct ball {
    address back;
  };

  // One ball is in the air at a time, so the lanes are never full, and only the core that has the ball is at work.
  void serve(core& here) { static_cast<void>(here.post(ponger_, ping, ball{pinger_})); }

  static void on_ping(void*, core& here, const line_view& line) {
    static_cast<void>(here.post(line.as<ball>().back, pong, ball{}, lane::reply));
  }

  static void on_pong(void* self, core& here, const line_view&) {
    auto& game = *static_cast<ping_pong*>(self);
    if (--game.left_ != 0) return game.serve(here);
    if (++game.played_ == bursts) return game.finished_.set_value();
    here.after(std::chrono::milliseconds{2}, [&game, &here] { game.begin_burst(here); });
  }

  // Written before the first ball is served; the rest is core 0's alone.
  address pinger_, ponger_;
  unsigned left_ = 0, played_ = 0;
  std::promise<void> finished_;
};

result<std::unique_ptr<machine>> boot_two_cores() {
  auto here = topology::discover();
  if (!here) return here.error();
  std::vector<core_id> cores = here->allowed_cores();
  if (cores.empty()) return error{errc::no_cores};
  // On a machine with one core both drivers share it: slower, and just as instructive.
  cores.resize(2, cores.front());
  cooper::machine_options options;
  options.allow_oversubscription = cores[0] == cores[1];
  options.cores = cores;
  options.claim = false;
  options.control_socket = false;
  options.trace = true;
  return machine::boot(*here, options);
}

result<std::string> play_demo() {
  name_message_type(ping_pong::ping, "ping");
  name_message_type(ping_pong::pong, "pong");
  ping_pong game;  // outlives the machine, whose handlers play it
  auto booted = boot_two_cores();
  if (!booted) return booted.error();
  machine& cores = **booted;
  std::optional<error> failed;
  const auto open = [&](core_id where, result<address> (ping_pong::*opener)(core&)) {
    auto called = cores.call(where, [&](core& here) {
      if (auto opened = (game.*opener)(here); !opened) failed = opened.error();
    });
    if (!called) failed = called.error();
  };
  open(core_id{1}, &ping_pong::open_ponger);
  if (!failed) open(core_id{0}, &ping_pong::open_pinger);
  if (failed) return *failed;
  auto finished = game.finished();
  if (auto posted = cores.post(core_id{0}, [&](core& here) { game.begin_burst(here); }); !posted) return posted.error();
  const interruptible wait;
  while (finished.wait_for(std::chrono::milliseconds{20}) != std::future_status::ready) {
    if (was_interrupted()) break;
  }
  cores.set_tracing(false);
  std::string trace = cores.chrome_trace();
  if (auto stopped = cores.stop(); !stopped) return stopped.error();
  return trace;
}

// -- the command -----------------------------------------------------------------------------------------------------

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void say_what_was_written(const std::string& trace, const std::string& path) {
  const std::size_t cores = count_of(trace, "\"name\":\"thread_name\"");
  const std::size_t handlers = count_of(trace, "\"cat\":\"handler\"");
  const std::size_t arrows = count_of(trace, "{\"ph\":\"f\"");
  // Standard output may be the trace itself.
  std::FILE* const to = path == "-" ? stderr : stdout;
  fmt::print(to, "{} cores, {} handlers, {} lines between cores\n", cores, handlers, arrows);
  if (handlers == 0) fmt::print(to, "no handler ran in that time; a longer one may help: --seconds\n");
  if (path != "-") fmt::print(to, "wrote {}; open it at https://ui.perfetto.dev or chrome://tracing\n", path);
}

int list_machines() {
  const std::vector<running_machine> all = list_running();
  for (const running_machine& one : all) fmt::print("{:<12} {}\n", name_of_machine(one), one.path);
  if (all.empty()) fmt::print(stderr, "no machine of yours is running\n");
  return exit_good;
}

int run_trace(const trace_options& options) {
  if (options.list) return list_machines();
  const auto destination = open_output(options.path);
  if (!destination) return report(destination.error());
  result<std::string> trace = error{errc::bad_option, "--demo brings its own machine; name no other"};
  if (!options.demo) {
    const auto whom =
        choose_machine(options.whom, "no machine of yours is running; 'cooper trace --demo' brings its own");
    if (!whom) return report(whom.error());
    trace = fetch(*whom, options.seconds);
  } else if (options.whom.empty()) {
    trace = play_demo();
  }
  if (!trace) return report(trace.error());
  if (const auto written = destination->commit(*trace); !written) return report(written.error());
  say_what_was_written(*trace, options.path);
  return was_interrupted() ? exit_interrupted : exit_good;
}

}  // namespace

void add_trace(CLI::App& app, int& exit) {
  auto* trace = app.add_subcommand("trace", "Record what a running machine's cores do, for Perfetto");
  auto options = std::make_shared<trace_options>();
  trace->add_option("machine", options->whom, "Process, or path of its socket (default: the only one running)")
      ->type_name("PID");
  trace->add_option("--seconds", options->seconds, "How long to record")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  trace->add_option("--output,--json", options->path, "The trace file; '-' is standard output")
      ->type_name("FILE")
      ->capture_default_str();
  trace->add_flag("--demo", options->demo, "Record two cores of this process that play ping-pong");
  trace->add_flag("--list", options->list, "Only list the machines that could be asked");
  trace->footer(
      "Examples:\n"
      "  cooper trace --demo                             see at once what a trace looks like\n"
      "  cooper trace 4711 --seconds 0.2 --output t.json   a running process\n"
      "Open the file at https://ui.perfetto.dev: a track per core, a slice per handler, an arrow per line.");
  trace->callback([options, &exit] { exit = run_trace(*options); });
}

}  // namespace cooper::tools
