// SPDX-License-Identifier: BSD-3-Clause
// `cooper ps` and `cooper top`: the cores of running machines, their actors, and what they do.
#include "ps.hpp"

#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cooper/runtime/control.hpp>

#include "commands.hpp"
#include "json_fields.hpp"
#include "options.hpp"
#include "running.hpp"

namespace cooper::tools {
namespace {

struct ps_options {
  std::string whom;  // pid, pid-index or path; empty: all there are
  double seconds = 1;
  unsigned times = 0;  // 0: until interrupted
  std::optional<std::string> json;
};

// Who keeps the core, if its handler runs for long: an actor, if it is known.
std::string busy_with(const boost::json::object& core) {
  if (const std::uint64_t actor = count_of(core, "running_actor"); actor != 0) return fmt::format("actor {}", actor);
  const auto* busy = core.if_contains("busy");
  if (busy == nullptr) return "-";
  return busy->is_string() ? std::string{busy->get_string()} : fmt::format("endpoint {}", count_of(core, "busy"));
}

std::string head_of(const boost::json::object& status) {
  return fmt::format("process {}{}\n", count_of(status, "pid"), flag_of(status, "simulated") ? " (simulated)" : "");
}

std::string rate(std::uint64_t before, std::uint64_t now, double seconds) {
  const double each = now < before ? 0 : static_cast<double>(now - before) / seconds;
  if (each >= 1e6) return fmt::format("{:.2f}M", each / 1e6);
  if (each >= 1e4) return fmt::format("{:.1f}k", each / 1e3);
  return fmt::format("{:.0f}", each);
}

constexpr const char* none_runs = "no machine of yours is running";

// The one that is named, or all there are.
result<std::vector<std::string>> machines(const std::string& given) {
  if (!given.empty()) return std::vector{given};
  std::vector<std::string> all;
  for (const running_machine& one : list_running()) all.push_back(one.path);
  if (all.empty()) return error{errc::socket_unavailable, none_runs};
  return all;
}

result<boost::json::object> look_at(const std::string& whom) {
  const auto told = ask(whom, "status");
  if (!told) return told.error();
  return parse_status(*told);
}

int run_ps(const ps_options& options) {
  const auto destination = open_output(options.json);
  if (!destination) return report(destination.error());
  const auto all = machines(options.whom);
  if (!all) return report(all.error());
  boost::json::array json;
  std::string table;
  for (const std::string& one : *all) {
    const auto status = look_at(one);
    // One that has just ended is no fault, unless it was asked for by name.
    if (!status && options.whom.empty()) continue;
    if (!status) return report(status.error());
    table += ps_table(*status);
    json.push_back(*status);
  }
  if (*destination) {
    if (const auto written = (*destination)->commit(boost::json::serialize(json) + "\n"); !written) {
      return report(written.error());
    }
    if ((*destination)->is_stdout()) return exit_good;
  }
  fmt::print("{}", table);
  if (const auto done = finish_stdout(); !done) return report(done.error());
  return exit_good;
}

int run_top(const ps_options& options) {
  const auto whom = choose_machine(options.whom, none_runs);
  if (!whom) return report(whom.error());
  auto before = look_at(*whom);
  if (!before) return report(before.error());
  const interruptible wait;
  for (unsigned n = 0; options.times == 0 || n < options.times; ++n) {
    wait_seconds(options.seconds);
    if (was_interrupted()) break;
    auto now = look_at(*whom);
    if (!now) return report(now.error());
    // A terminal is drawn anew; a file gets one table after the other.
    if (wants_colour(stdout)) fmt::print("\x1b[H\x1b[2J");
    fmt::print("{}", top_table(*before, *now, options.seconds));
    if (const auto done = finish_stdout(); !done) return report(done.error());
    before = std::move(now);
  }
  return was_interrupted() ? exit_interrupted : exit_good;
}

}  // namespace

result<boost::json::object> parse_status(const std::string& text) {
  boost::system::error_code failed;
  const boost::json::value parsed = boost::json::parse(text, failed);
  if (failed || !parsed.is_object() || !parsed.as_object().contains("cores") ||
      !parsed.as_object().at("cores").is_array()) {
    return error{errc::malformed_input, "the machine's answer is not a status; is it of another version?"};
  }
  for (const auto& core : parsed.as_object().at("cores").as_array()) {
    if (!core.is_object()) return error{errc::malformed_input, "the machine's answer is not a status"};
  }
  return parsed.as_object();
}

std::string ps_table(const boost::json::object& status) {
  std::string out = head_of(status);
  out += fmt::format("{:>4} {:>4} {:<8} {:>11} {:>7} {:>12} {:>12} {:>12} {:>8}  {}\n", "core", "pu", "state",
                     "core actors", "waiting", "runs", "parcels", "calls", "refused", "busy with");
  for (const auto& value : status.at("cores").as_array()) {
    const auto& core = value.as_object();
    out += fmt::format("{:>4} {:>4} {:<8} {:>11} {:>7} {:>12} {:>12} {:>12} {:>8}  {}\n", count_of(core, "core"),
                       count_of(core, "pu"), text_of(core, "state", "?"), count_of(core, "core_actors"),
                       count_of(core, "waiting"), count_of(core, "runs"), count_of(core, "parcels_sent"),
                       count_of(core, "calls"), count_of(core, "parcels_refused") + count_of(core, "lines_refused"),
                       busy_with(core));
  }
  return out;
}

std::string top_table(const boost::json::object& before, const boost::json::object& now, double seconds) {
  std::string out = head_of(now);
  out += fmt::format("{:>4} {:>4} {:<8} {:>11} {:>7} {:>9} {:>9} {:>9} {:>9}  {}\n", "core", "pu", "state",
                     "core actors", "waiting", "runs/s", "parcels/s", "calls/s", "turns/s", "busy with");
  const auto& earlier = before.at("cores").as_array();
  const auto& later = now.at("cores").as_array();
  for (std::size_t i = 0; i < later.size() && i < earlier.size(); ++i) {
    const auto& was = earlier[i].as_object();
    const auto& is = later[i].as_object();
    const auto per_second = [&](std::string_view name) {
      return rate(count_of(was, name), count_of(is, name), seconds);
    };
    out += fmt::format("{:>4} {:>4} {:<8} {:>11} {:>7} {:>9} {:>9} {:>9} {:>9}  {}\n", count_of(is, "core"),
                       count_of(is, "pu"), text_of(is, "state", "?"), count_of(is, "core_actors"),
                       count_of(is, "waiting"), per_second("runs"), per_second("parcels_sent"), per_second("calls"),
                       per_second("turns"), busy_with(is));
  }
  return out;
}

void add_ps(CLI::App& app, int& exit) {
  auto* ps = app.add_subcommand("ps", "List running machines: their cores, actors, and who keeps a core busy");
  auto options = std::make_shared<ps_options>();
  ps->add_option("machine", options->whom, "Process, or path of its socket (default: all of yours)")->type_name("PID");
  add_json_option(*ps, options->json);
  ps->footer(
      "Examples:\n"
      "  cooper ps                 every machine of yours\n"
      "  cooper ps 4711 --json -   one of them, as JSON");
  ps->callback([options, &exit] { exit = run_ps(*options); });
}

void add_top(CLI::App& app, int& exit) {
  auto* top = app.add_subcommand("top", "Watch a running machine: what each core does, a second");
  auto options = std::make_shared<ps_options>();
  top->add_option("machine", options->whom, "Process, or path of its socket (default: the only one running)")
      ->type_name("PID");
  top->add_option("--seconds", options->seconds, "Between two looks")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  top->add_option("--times", options->times, "How many looks; 0 goes on until interrupted")->capture_default_str();
  top->footer(
      "Examples:\n"
      "  cooper top                          the only machine there is\n"
      "  cooper top 4711 --times 3 > load    three tables, into a file");
  top->callback([options, &exit] { exit = run_top(*options); });
}

}  // namespace cooper::tools
