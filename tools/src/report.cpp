// SPDX-License-Identifier: BSD-3-Clause
// `cooper report`: measures everything on this machine, and writes one page and its data.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "bench_session.hpp"
#include "commands.hpp"
#include "options.hpp"
#include "report_doctor.hpp"
#include "report_model.hpp"
#include "report_page.hpp"
#include "sim_figures.hpp"
#include "support/published.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace fs = std::filesystem;
namespace {

// So that all contenders together stay well below three minutes on two cores.
constexpr double seconds_default = 2.0, seconds_quick = 0.3;

struct report_options {
  std::string out = "report";
  std::optional<double> seconds;
  std::optional<std::string> cores, from, json;
  bool quick = false, smoke = false, no_claim = false;
};

struct destinations {
  output page, results;
  std::optional<output> json;
};

result<destinations> open_destinations(const report_options& options) {
  std::error_code failed;
  fs::create_directories(options.out, failed);
  if (failed) return error{errc::unwritable_output, "'" + options.out + "': " + failed.message()};
  auto page = open_output((fs::path{options.out} / "index.html").string());
  if (!page) return page.error();
  auto results = open_output((fs::path{options.out} / "results.json").string());
  if (!results) return results.error();
  auto json = open_output(options.json);
  if (!json) return json.error();
  return destinations{std::move(*page), std::move(*results), std::move(*json)};
}

result<boost::json::value> read_json(const std::string& path) {
  std::ifstream file{path};
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) return error{errc::unreadable_input, "'" + path + "'"};
  boost::json::error_code failed;
  boost::json::value parsed = boost::json::parse(text.str(), failed);
  if (failed) return error{errc::malformed_input, "'" + path + "': " + failed.message()};
  return parsed;
}

result<session_results> measure_all(const topology& where, const report_options& options, std::size_t core_count) {
  std::vector<bench::selection> everything;
  std::size_t contenders = 0;
  for (const bench::workload& w : bench::all_workloads()) {
    everything.push_back({&w, nullptr});
    contenders += w.contenders.size();
  }
  session_options session{.cores = options.cores,
                          .seconds = options.seconds.value_or(options.quick ? seconds_quick : seconds_default),
                          .smoke = options.smoke,
                          .claim = !options.no_claim};
  session.pairs = core_count > 2;
  if (!session.smoke) {
    std::fprintf(stderr, "Measuring %zu contenders of %zu workloads: about %.0f seconds. Leave the machine alone.\n",
                 contenders, everything.size(), static_cast<double>(contenders) * session.seconds * 1.1 + 5);
  }
  return run_session(where, session, everything);
}

// The first screen in three lines.
void print_summary(const report_data& data, const std::string& page) {
  if (const report_row* r = data.find("line_rtt/cooper")) {
    fmt::print("One line to the other core and back: {}{}\n", with_unit(r->value, r->unit),
               r->ratio ? ", " + times(*r->ratio) + " x the floor" : "");
  }
  if (const report_row* r = data.find("line_stream/cooper")) {
    fmt::print("One way: {} messages/s{}\n", bench::human(r->value),
               r->ratio_to_peer ? ", " + times(*r->ratio_to_peer) + " x boost_spsc" : "");
  }
  fmt::print("The report: {}\n", page);
}

result<int> write_report(const destinations& to, const boost::json::value& results, const report_options& options) {
  auto data = read_results(results);
  if (!data) return data.error();
  const boost::json::value published = boost::json::parse(bench::published_json());
  const std::string text = bench::pretty(results);
  if (auto written = to.results.commit(text); !written) return written.error();
  if (auto written = to.page.commit(render_page(*data, published)); !written) return written.error();
  if (to.json) {
    if (auto written = to.json->commit(text); !written) return written.error();
  }
  if (!to.json || !to.json->is_stdout()) print_summary(*data, (fs::path{options.out} / "index.html").string());
  return int{data->interrupted ? exit_interrupted : exit_good};
}

result<int> run_report(const report_options& options) {
  // Read first: the data may lie where the output will.
  std::optional<boost::json::value> before;
  if (options.from) {
    auto parsed = read_json(*options.from);
    if (!parsed) return parsed.error();
    if (auto shape = read_results(*parsed); !shape) return shape.error();
    before = std::move(*parsed);
  }
  if (auto good = check_seconds(options.seconds.value_or(seconds_default)); !good) return good.error();
  auto to = open_destinations(options);
  if (!to) return to.error();
  if (before) {
    auto done = write_report(*to, *before, options);
    // Drawing an interrupted run again is no interruption.
    if (done && *done == exit_interrupted) return int{exit_good};
    return done;
  }
  auto where = topology::discover();
  if (!where) return where.error();
  auto cores = select_cores(*where, options.cores, false);
  if (!cores) return cores.error();
  boost::json::array findings;
  for (const std::string& f : ask_doctor(*where, *cores)) findings.emplace_back(f);
  auto results = measure_all(*where, options, cores->size());
  if (!results) return results.error();
  for (const std::string& w : results->warnings) std::fprintf(stderr, "warning: %s\n", w.c_str());
  if (results->interrupted)
    std::fprintf(stderr, "cooper: interrupted; the report holds what was measured until then\n");
  results->json["doctor"] = std::move(findings);
  results->json["topology_svg"] = where->to_svg();
  if (!results->interrupted) {
    auto simulated = simulate_figures(options.smoke);
    if (!simulated) return simulated.error();
    results->json["simulated"] = *std::move(simulated);
  }
  auto done = write_report(*to, std::move(results->json), options);
  if (!done || *done != exit_good) return done;
  for (const bench::row& r : results->rows) {
    if (r.error.empty() || r.skipped) continue;
    std::fprintf(stderr, "cooper: %s: %s\n", r.name().c_str(), r.error.c_str());
    return int{exit_check_failed};
  }
  return done;
}

}  // namespace

void add_report(CLI::App& app, int& exit) {
  auto options = std::make_shared<report_options>();
  CLI::App* command =
      app.add_subcommand("report", "Measure everything and write report/index.html and report/results.json");
  command->add_option("--out", options->out, "Folder to write to; made if it is missing (default: report)")
      ->type_name("DIR");
  command->add_option("--time", options->seconds, "Seconds for each contender (default 2; about two minutes in all)")
      ->type_name("SECONDS");
  command->add_flag("--quick", options->quick, "0.3 seconds for each contender: a first look");
  command->add_flag("--smoke", options->smoke, "The smallest sizes: does it run? The figures mean nothing");
  command->add_option("--from", options->from, "Draw an earlier results.json again instead of measuring")
      ->type_name("FILE");
  command->add_flag("--no-claim", options->no_claim, "Do not claim the cores; another process may be using them");
  add_cores_option(*command, options->cores);
  add_json_option(*command, options->json);
  command->footer(
      "The page needs no other file and no network. Close other programs while it measures.\n"
      "Examples:\n"
      "  cooper report\n"
      "  cooper report --out /tmp/two-cores --cores 0,1 --time 5\n"
      "  cooper report --from report/results.json --out again");
  command->callback([options, &exit] {
    const result<int> done = run_report(*options);
    exit = done ? *done : report(done.error());
  });
}

}  // namespace cooper::tools
