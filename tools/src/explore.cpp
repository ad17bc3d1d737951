// SPDX-License-Identifier: BSD-3-Clause
// `cooper explore`: everything that can happen to a few cores that run a protocol, in every order.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "commands.hpp"
#include "explore_report.hpp"
#include "options.hpp"
#include "running.hpp"

namespace cooper::tools {
namespace {

namespace fs = std::filesystem;
using namespace cooper::protocols;
using std::chrono::steady_clock;

struct explore_options {
  std::string protocol;
  subject_options what;
  bool no_stops_in_steps = false;
  bool no_reduction = false;
  std::size_t memory_mib = 2048;
  std::optional<std::size_t> states_max;
  std::optional<double> seconds;
  std::string save, resume, replay;
  std::optional<std::string> write_replay, json, trace, plot;
  bool list = false;
};

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

// As a shell takes it.
std::string quoted(const std::string& word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+,:@%";
  if (!word.empty() && word.find_first_not_of(plain) == word.npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

std::string command_of(const subject& of, const subject_options& o, bool reduction) {
  std::string out = fmt::format("cooper explore {} --cores {} --operations {}", of.name, o.cores, o.operations);
  if (o.allowed.stops != 0) out += fmt::format(" --stops {}", o.allowed.stops);
  if (o.allowed.expirations != 0) out += fmt::format(" --expirations {}", o.allowed.expirations);
  if (o.allowed.duplicates != 0) out += fmt::format(" --duplicates {}", o.allowed.duplicates);
  if (!o.allowed.stops_in_steps) out += " --no-stops-in-steps";
  if (!o.planted.empty()) out += " --plant " + o.planted;
  return out + (reduction ? "" : " --no-reduction");
}

result<const subject*> subject_of(const std::string& name) {
  if (const subject* found = find_subject(name)) return found;
  std::vector<std::string> names;
  for (const subject& s : subjects()) names.emplace_back(s.name);
  std::string detail = "no protocol '" + name.substr(0, 80) + "'.";
  if (const auto meant = nearest_name(name, names)) detail += " Did you mean '" + *meant + "'?";
  return error{errc::unknown_name, detail + " 'cooper explore --list' lists all"};
}

// One line on a terminal that is overwritten by the next and leaves nothing behind.
class progress_line {
 public:
  ~progress_line() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void show(const exploration_progress& now) {
    constexpr std::chrono::milliseconds between{200};
    const auto at = steady_clock::now();
    if (!terminal_ || at - last_ < between) return;
    const double seconds = std::chrono::duration<double>(at - last_).count();
    const double rate = shown_ ? static_cast<double>(now.states - states_) / seconds : 0;
    last_ = at;
    states_ = now.states;
    shown_ = true;
    fmt::print(stderr, "\r\033[K{} states, {} waiting, {:.0f} states/s, depth {}, {} MiB", now.states, now.waiting,
               rate, now.depth, now.bytes >> 20);
    std::fflush(stderr);
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool shown_ = false;
  steady_clock::time_point last_ = steady_clock::now();
  std::uint64_t states_ = 0;
};

// -- a replay ---------------------------------------------------------------------------------------------------------

constexpr std::size_t replay_bytes_max = std::size_t{1} << 20;

result<explored> play(const explore_options& options) {
  const auto text = read_input(options.replay, replay_bytes_max);
  if (!text) return text.error();
  const auto in_file = [&](const error& e) { return error{e.code(), options.replay + ": " + e.detail()}; };
  auto given = parse_replay(*text);
  if (!given) return in_file(given.error());
  if (!options.protocol.empty() && options.protocol != given->protocol) {
    return error{errc::bad_option, fmt::format("{} is a replay of {}, not of {}; name no protocol with --replay",
                                               options.replay, given->protocol.substr(0, 80), options.protocol)};
  }
  const auto of = subject_of(given->protocol);
  if (!of) return in_file(of.error());
  exploration_options how;
  how.replay = &given->actions;
  auto report = (*of)->explore(given->options, how);
  if (!report) return in_file(report.error());
  if (report->not_possible) {
    const std::size_t which = *report->not_possible;
    return in_file({errc::malformed_input,
                    fmt::format("line {}: '{}' cannot happen there, after {} actions. Take it out, or correct what is "
                                "before it; if steps of the protocol have changed since, explore again",
                                given->lines[which], text_of_action(given->actions[which]), which)});
  }
  explored done{.of = *of, .options = given->options, .report = std::move(*report)};
  done.report.complete = false;
  if (done.report.ended_by.empty()) done.report.ended_by = replay_end;
  done.replayed = std::move(*given);
  return done;
}

// -- a search ---------------------------------------------------------------------------------------------------------

result<explored> search(const explore_options& options) {
  const auto of = subject_of(options.protocol);
  if (!of) return of.error();
  explored done{.of = *of, .options = options.what};
  done.options.allowed.stops_in_steps = !options.no_stops_in_steps;
  done.command = command_of(**of, done.options, !options.no_reduction);
  done.save_to = quoted(options.save);
  done.memory_mib = options.memory_mib;

  exploration_options how;
  how.reduction = !options.no_reduction;
  how.bytes_max = options.memory_mib << 20;
  if (options.states_max) how.states_max = *options.states_max;
  how.save_to = options.save;
  how.resume_from = options.resume;
  const auto begin = steady_clock::now();
  {
    const interruptible search;
    progress_line line;
    how.progress = [&](const exploration_progress& now) -> std::string {
      if (was_interrupted()) return "interrupt";
      if (options.seconds && seconds_since(begin) >= *options.seconds)
        return fmt::format("time: {} s", *options.seconds);
      line.show(now);
      return {};
    };
    auto report = protocols::explore(**of, done.options, how);
    if (!report) return report.error();
    done.report = std::move(*report);
  }
  done.seconds = seconds_since(begin);
  return done;
}

// What was found is worth more than a file: that one cannot be written is told at the end.
int exit_of(const explored& done) {
  if (done.report.not_saved) return report(*done.report.not_saved);
  if (!done.report.violation.empty()) return exit_check_failed;
  if (!done.replayed && !done.report.transcript.empty()) {
    std::fprintf(stderr, "cooper: the search cannot go on: %s\n", done.report.ended_by.c_str());
    return exit_failed;
  }
  return done.report.ended_by == "interrupt" ? exit_interrupted : exit_good;
}

result<int> list_all(const std::optional<output>& json) {
  if (json) {
    if (auto written = json->commit(boost::json::serialize(json_of_subjects()) + "\n"); !written)
      return written.error();
    if (json->is_stdout()) return int{exit_good};
  }
  fmt::print("{}", list_of_subjects());
  if (auto done = finish_stdout(); !done) return done.error();
  return int{exit_good};
}

result<int> run_explore(const explore_options& options) {
  const auto json = open_output(options.json);
  if (!json) return json.error();
  if (options.list) return list_all(*json);
  if (options.protocol.empty() && options.replay.empty()) {
    return error{errc::bad_option, "name a protocol; 'cooper explore --list' lists all"};
  }
  // A range lets through what is no number at all.
  if (options.seconds && std::isnan(*options.seconds)) return error{errc::bad_option, "--seconds is no number"};
  std::size_t to_stdout = 0;
  for (const auto* path : {&options.json, &options.write_replay, &options.trace, &options.plot}) {
    to_stdout += *path == "-";
  }
  if (to_stdout > 1) {
    return error{errc::bad_option, "of --json, --write-replay, --trace and --plot only one can go to standard output"};
  }
  const auto trace_file = open_output(options.trace);
  if (!trace_file) return trace_file.error();
  const auto plot_file = open_output(options.plot);
  if (!plot_file) return plot_file.error();
  const auto replay_file = open_output(options.write_replay);
  if (!replay_file) return replay_file.error();
  if (!options.save.empty()) {
    // Found out now rather than after hours.
    std::error_code failed;
    if (fs::exists(options.save, failed) && !fs::is_regular_file(options.save, failed)) {
      return error{errc::unwritable_output, "'" + options.save + "' is no regular file"};
    }
    if (const auto probe = open_output((fs::path{"."} / options.save).string()); !probe) return probe.error();
  }

  auto done = options.replay.empty() ? search(options) : play(options);
  if (!done) return done.error();
  const exploration_report& r = done->report;
  if (*replay_file && !r.violation.empty()) {
    const replay found{
        std::string{done->of->name}, done->options, std::string{build_version()}, r.violation, r.actions, {}};
    if (auto written = (*replay_file)->commit(to_text(found, r.transcript)); !written) return written.error();
    if (!(*replay_file)->is_stdout()) done->written_replay = quoted(*options.write_replay);
  }
  if (*trace_file && !r.actions.empty()) {
    if (auto written = (*trace_file)->commit(chrome_trace(*done)); !written) return written.error();
  }
  if (*plot_file && !r.levels.empty()) {
    if (auto written = (*plot_file)->commit(to_svg(chart_of(*done))); !written) return written.error();
  }
  if (*json) {
    if (auto written = (*json)->commit(boost::json::serialize(json_of(*done)) + "\n"); !written) return written.error();
  }
  const bool way_to_stdout =
      (options.write_replay == "-" && !r.violation.empty()) || (options.trace == "-" && !r.actions.empty());
  if (options.json != "-" && options.plot != "-" && !way_to_stdout) {
    fmt::print("{}", text_of(*done, wants_colour(stdout)));
    if (auto flushed = finish_stdout(); !flushed) return flushed.error();
  }
  return exit_of(*done);
}

}  // namespace

void add_explore(CLI::App& app, int& exit) {
  auto* explore = app.add_subcommand("explore", "Try a protocol in every order of messages, with faults");
  auto options = std::make_shared<explore_options>();
  const auto count = [&](const char* name, auto& to, const char* words) {
    return explore->add_option(name, to, words)->type_name("N")->capture_default_str();
  };
  const auto few = [&](const char* name, std::uint8_t& to, const char* words) {
    // CLI11 would read a byte as a letter.
    return explore
        ->add_option_function<unsigned>(
            name, [&to](const unsigned& n) { to = static_cast<std::uint8_t>(n); }, words)
        ->check(CLI::Range(0u, 255u))
        ->type_name("N");
  };
  explore->add_option("PROTOCOL", options->protocol, "Which one; --list lists them");
  explore->add_flag("--list", options->list, "List the protocols, their limits, and the bugs that can be planted");
  std::vector<CLI::Option*> searches{
      count("--cores", options->what.cores, "Cores that take part"),
      count("--operations", options->what.operations, "Operations, each begun by another core"),
      few("--stops", options->what.allowed.stops, "How often a core may stop, in all (default 0)"),
      few("--expirations", options->what.allowed.expirations, "How often a timer may run out, in all (default 0)"),
      few("--duplicates", options->what.allowed.duplicates, "How many lines may come twice, in all (default 0)"),
      explore->add_flag("--no-stops-in-steps", options->no_stops_in_steps, "Cores stop between two steps only"),
      explore->add_option("--plant", options->what.planted, "Plant this bug, which is to be found")->type_name("BUG"),
      explore->add_flag("--no-reduction", options->no_reduction, "Try also the orders that make no difference"),
      explore->add_option("--memory", options->memory_mib, "Memory for states; it is not exceeded")
          ->type_name("MiB")
          ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 24))
          ->capture_default_str(),
      explore->add_option("--states", options->states_max, "End after so many states")->type_name("N"),
      explore->add_option("--seconds", options->seconds, "End after so long")
          ->type_name("S")
          ->check(CLI::Range(0.0, 1e7)),
      explore->add_option("--save", options->save, "If a bound or an interrupt ends the search, keep it in this file")
          ->type_name("FILE"),
      explore->add_option("--resume", options->resume, "Go on with a search that was saved, of the same options")
          ->type_name("FILE"),
  };
  auto* replay = explore->add_option("--replay", options->replay, "Do once more what a replay file says, and only that")
                     ->type_name("FILE");
  searches.push_back(explore->add_option("--plot", options->plot, "Draw how many states take how many actions, as SVG")
                         ->type_name("FILE"));
  // The file says of what it is.
  for (CLI::Option* each : searches) replay->excludes(each);
  explore->add_option("--write-replay", options->write_replay, "Write a violation that is found as a replay file")
      ->type_name("FILE");
  explore->add_option("--trace", options->trace, "Write the way to a violation, or of a replay, for Perfetto")
      ->type_name("FILE");
  add_json_option(*explore, options->json);
  explore->footer(
      "Exits with 1 if a violation was found, and with 0 if none was: also if a bound ended the search before "
      "everything\n"
      "was tried, which the output says ('complete' in JSON).\n"
      "Examples:\n"
      "  cooper explore --list\n"
      "  cooper explore two_phase_commit --cores 3 --stops 1\n"
      "  cooper explore two_phase_commit --operations 2 --plant lost_vote --write-replay lost_vote.txt\n"
      "  cooper explore --replay lost_vote.txt --trace lost_vote.json\n"
      "  cooper explore two_phase_commit --cores 4 --stops 2 --memory 8192 --save search --json result.json");
  explore->callback([options, &exit] {
    const result<int> done = run_explore(*options);
    exit = done ? *done : report(done.error());
  });
}

}  // namespace cooper::tools
