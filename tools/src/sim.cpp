// SPDX-License-Identifier: BSD-3-Clause
// `cooper sim`: a program on a simulated machine, in virtual time.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "options.hpp"
#include "running.hpp"
#include "sim_calibrate.hpp"
#include "sim_report.hpp"

namespace cooper::tools {
namespace {

using bench::simulated::descriptions;

struct sim_options {
  std::string file, replay;
  scenario_changes changes;
  std::uint64_t turns_max = 1'000'000'000;
  std::optional<std::string> json, trace, plot;
  bool list = false;
  std::string calibrate;
  double seconds = 20;
};

struct destinations {
  std::optional<output> json, trace, plot;
};

result<destinations> open_destinations(const sim_options& options) {
  int to_stdout = 0;
  for (const auto* path : {&options.json, &options.trace, &options.plot}) to_stdout += *path == "-";
  if (to_stdout > 1) {
    return error{errc::bad_option, "of --json, --trace and --plot only one can go to standard output"};
  }
  auto json = open_output(options.json);
  if (!json) return json.error();
  auto trace = open_output(options.trace);
  if (!trace) return trace.error();
  auto plot = open_output(options.plot);
  if (!plot) return plot.error();
  return destinations{*std::move(json), *std::move(trace), *std::move(plot)};
}

constexpr std::size_t result_bytes_max = std::size_t{64} << 20;

result<boost::json::value> parsed(const std::string& text, const std::string& path) {
  boost::json::error_code wrong;
  auto value = boost::json::parse(text, wrong);
  if (wrong) return error{errc::malformed_input, path + ": " + wrong.message()};
  return value;
}

result<scenario> scenario_asked_for(const sim_options& options) {
  if (!options.file.empty()) return read_scenario(options.file, descriptions(), options.changes);
  if (!options.changes.program) {
    return error{errc::bad_option,
                 "name a scenario file, or a program with --program; 'cooper sim --list' lists the programs"};
  }
  return parse_scenario("cooper_scenario = 1\n", "", descriptions(), options.changes);
}

result<int> list_all(const destinations& to) {
  if (to.json) {
    if (auto written = to.json->commit(boost::json::serialize(json_of_programs()) + "\n"); !written) {
      return written.error();
    }
    if (to.json->is_stdout()) return int{exit_good};
  }
  fmt::print("{}", list_of_programs());
  if (auto done = finish_stdout(); !done) return done.error();
  return int{exit_good};
}

// Whether a run was the one that a result tells of, as it was written: reading a number may change its last bit.
int compared(const std::string& before, const simulated_run& now) {
  const std::string again = boost::json::serialize(json_of(now));
  const auto without_host = [](const std::string& text) { return text.substr(0, text.rfind(",\"host\":")); };
  if (without_host(before) == without_host(again)) {
    std::fputs("replayed: the same result, to the byte\n", stderr);
    return exit_good;
  }
  const std::string differs = difference(boost::json::parse(before).as_object(), boost::json::parse(again).as_object());
  if (differs.empty()) {
    std::fputs("replayed: the same result, in a file that another program has written\n", stderr);
    return exit_good;
  }
  fmt::print(stderr, "cooper: the replay differs: {}\n", differs);
  return exit_check_failed;
}

result<int> run_sim(const sim_options& options) {
  if (!options.calibrate.empty()) {
    return run_calibration(
        {.file = options.calibrate, .cores = options.changes.cores, .seconds = options.seconds, .json = options.json});
  }
  const auto to = open_destinations(options);
  if (!to) return to.error();
  if (options.list) return list_all(*to);

  std::string before;
  boost::json::value before_json;
  if (!options.replay.empty()) {
    auto text = read_input(options.replay, result_bytes_max);
    if (!text) return text.error();
    auto value = parsed(*text, options.replay);
    if (!value) return value.error();
    before = *std::move(text);
    before_json = *std::move(value);
  }
  const auto asked = before.empty() ? scenario_asked_for(options) : scenario_of(before_json, options.replay);
  if (!asked) return asked.error();
  const auto* program = bench::simulated::find_program(asked->program);
  if (to->plot && program != nullptr && program->plot_over.empty()) {
    return error{errc::bad_option, "--plot: " + asked->program + " has no curves"};
  }
  const auto faults = faults_of(*asked, asked->seed);
  if (!faults) return faults.error();

  // Told first: whoever sees a run hang, or fail, knows of what.
  const bool result_to_stdout = options.json == "-" || options.trace == "-" || options.plot == "-";
  std::FILE* people = result_to_stdout ? stderr : stdout;
  fmt::print(people, "{}", scenario_text(*asked, *faults, wants_colour(people)));
  std::fflush(people);

  const auto done = [&] {
    const interruptible running;
    return simulate(*asked, {.turns_max = options.turns_max, .trace = options.trace.has_value(), .interrupted = [] {
                               return was_interrupted();
                             }});
  }();
  if (!done) return done.error();
  fmt::print(people, "{}", result_text(*done, wants_colour(people)));
  if (to->json) {
    const std::string text = boost::json::serialize(json_of(*done)) + "\n";
    if (auto written = to->json->commit(text); !written) return written.error();
  }
  if (to->trace) {
    if (auto written = to->trace->commit(done->trace); !written) return written.error();
  }
  if (to->plot) {
    if (auto written = to->plot->commit(to_svg(chart_of(*done))); !written) return written.error();
  }
  if (auto flushed = finish_stdout(); !flushed) return flushed.error();
  if (done->interrupted) return int{exit_interrupted};
  if (!before.empty()) return compared(before, *done);
  if (!done->ended_by.empty()) return error{errc::deadline_passed, done->ended_by};
  return int{exit_good};
}

}  // namespace

void add_sim(CLI::App& app, int& exit) {
  auto* sim = app.add_subcommand("sim", "Run a program on a simulated machine, in virtual time");
  auto options = std::make_shared<sim_options>();
  scenario_changes& changes = options->changes;
  auto* file =
      sim->add_option("SCENARIO", options->file, "A scenario file (docs/profiles.md); options below change it");
  std::vector<CLI::Option*> asks{
      file,
      sim->add_option("--program", changes.program, "Which program; --list lists them")->type_name("NAME"),
      sim->add_option("--profile", changes.profile, "What things cost: a name of --list, or a file")
          ->type_name("NAME|FILE"),
      sim->add_option("--topology", changes.synthetic,
                      "The machine, e.g. 'package:4 l3:1 core:4 pu:1' (default: the "
                      "profile's)")
          ->type_name("STRING"),
      sim->add_option("--xml", changes.xml, "The machine: a file written by 'lstopo FILE.xml'")->type_name("FILE"),
      sim->add_option("--cores", changes.cores, "Cores by PU number, e.g. 0,2-3 (default: all)")->type_name("LIST"),
      sim->add_option("--seed", changes.seed, "Seed of everything random (default: 1, or the file's)")->type_name("N"),
      sim->add_option("--until", changes.until_ms, "Virtual time at most")->type_name("MS"),
      sim->add_option("--set", changes.set, "Tell the program something; may be given more than once")
          ->type_name("KEY=VALUE")
          ->expected(1)
          ->take_all(),
      sim->add_option("--faults", changes.faults,
                      "So many faults that the seed draws, in the first millisecond; in "
                      "place of the file's swarm")
          ->type_name("N")};
  sim->add_flag("--list", options->list, "List the programs, what they can be told, and the profiles");
  auto* replay = sim->add_option("--replay", options->replay,
                                 "Run once more what a result of --json tells of; exits with 1 if the result differs")
                     ->type_name("FILE");
  // The result says of what it is.
  for (CLI::Option* each : asks) replay->excludes(each);
  auto* calibrate =
      sim->add_option(
             "--calibrate", options->calibrate,
             "Measure two real cores (--cores) and write what things cost there as a profile; says how well it "
             "predicts the same cores, and exits with 1 if anything is off by more than 15 %")
          ->type_name("FILE");
  sim->add_option("--time", options->seconds, "How long --calibrate measures")
      ->type_name("SECONDS")
      ->needs(calibrate)
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  for (CLI::Option* each : asks) {
    if (each->get_name() != "--cores") calibrate->excludes(each);
  }
  calibrate->excludes(replay);
  sim->add_option("--turns", options->turns_max, "End after so many turns of cores, which take the host's time")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62))
      ->capture_default_str();
  sim->add_option("--trace", options->trace,
                  "Write what the first machine's cores did, for Perfetto and "
                  "chrome://tracing")
      ->type_name("FILE");
  sim->add_option("--plot", options->plot, "Draw the result's curves as an SVG picture")->type_name("FILE");
  add_json_option(*sim, options->json);
  sim->footer(
      "The same scenario, seed and version give the same result to the byte. A program that cannot come to its end, by "
      "faults\nor by a bound, is an operating failure (3); what there was by then is kept.\n"
      "Examples:\n"
      "  cooper sim --list\n"
      "  cooper sim --program ping_pong --profile amd_8x4\n"
      "  cooper sim examples/scenarios/figure_6_amd_8x4.toml --plot figure_6.svg --json figure_6.json\n"
      "  cooper sim --replay figure_6.json\n"
      "  cooper sim --calibrate here.toml\n"
      "  cooper sim --program ring --profile large_16x64 --faults 20 --seed 7 --trace ring.json");
  sim->callback([options, &exit] {
    const result<int> done = run_sim(*options);
    exit = done ? *done : report(done.error());
  });
}

}  // namespace cooper::tools
