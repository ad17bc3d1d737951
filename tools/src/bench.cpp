// SPDX-License-Identifier: BSD-3-Clause
// `cooper bench`: lists or runs the benchmarks, as a table or as Google-Benchmark-shaped JSON.
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench_session.hpp"
#include "commands.hpp"
#include "options.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

struct bench_options {
  std::vector<std::string> names;
  session_options session;
  std::optional<std::string> json;
  bool list = false;
  bool no_claim = false;
};

void list_all() {
  for (const bench::workload& w : bench::all_workloads()) {
    fmt::print("{:<18} {}\n", w.name, w.summary);
    for (const bench::contender& c : w.contenders) fmt::print("  {:<16} {}\n", c.name, c.summary);
  }
}

int exit_of(const session_results& results) {
  if (results.interrupted) return exit_interrupted;
  const auto failed = [](const bench::row& r) { return !r.error.empty() && !r.skipped; };
  if (std::any_of(results.rows.begin(), results.rows.end(), failed)) return exit_check_failed;
  const auto skipped = [](const bench::row& r) { return r.skipped; };
  if (std::all_of(results.rows.begin(), results.rows.end(), skipped)) {
    std::fprintf(stderr, "cooper: nothing could be measured on these cores; the reasons stand above\n");
    return exit_failed;
  }
  return exit_good;
}

result<int> run_bench(bench_options options) {
  if (options.list || options.names.empty()) {
    list_all();
    return int{exit_good};
  }
  auto chosen = select_benchmarks(options.names);
  if (!chosen) return chosen.error();
  if (auto good = check_seconds(options.session.seconds); !good) return good.error();
  auto destination = open_output(options.json);
  if (!destination) return destination.error();
  auto where = topology::discover();
  if (!where) return where.error();
  options.session.claim = !options.no_claim;
  auto results = run_session(*where, options.session, *chosen);
  if (!results) return results.error();
  const bool json_on_stdout = *destination && (*destination)->is_stdout();
  std::FILE* const text = json_on_stdout ? stderr : stdout;
  std::fputs(bench::results_text(results->rows).c_str(), text);
  for (const std::string& w : results->warnings) std::fprintf(stderr, "warning: %s\n", w.c_str());
  if (results->interrupted) std::fprintf(stderr, "cooper: interrupted; these are the results until then\n");
  if (*destination) {
    if (auto written = (*destination)->commit(bench::pretty(results->json)); !written) return written.error();
  }
  return exit_of(*results);
}

}  // namespace

void add_bench(CLI::App& app, int& exit) {
  auto options = std::make_shared<bench_options>();
  CLI::App* bench = app.add_subcommand("bench", "Measure how this machine's cores talk, against the floor and peers");
  bench->add_option("NAME", options->names, "A workload, or workload/contender; none: list them");
  add_cores_option(*bench, options->session.cores);
  add_json_option(*bench, options->json);
  bench->add_option("--time", options->session.seconds, "Seconds for each contender (default 1)")->type_name("SECONDS");
  bench->add_flag("--smoke", options->session.smoke, "The smallest sizes: does it run? The figures mean nothing");
  bench->add_flag("--pairs", options->session.pairs, "line_rtt/cooper between all pairs of the chosen cores as well");
  bench->add_flag("--no-claim", options->no_claim, "Do not claim the cores; another process may be using them");
  bench->add_flag("--list", options->list, "List the benchmarks");
  bench->footer(
      "The first two chosen cores are the pair that is measured. Ratios are to the floor: what the two cores\n"
      "need to move one line there and one back.\n"
      "Examples:\n"
      "  cooper bench line_rtt\n"
      "  cooper bench line_rtt/cooper line_rtt/boost_spsc --cores 0,1 --time 5 --json results.json");
  bench->callback([options, &exit] {
    const result<int> done = run_bench(*options);
    exit = done ? *done : report(done.error());
  });
}

}  // namespace cooper::tools
