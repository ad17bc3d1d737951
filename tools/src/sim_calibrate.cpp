// SPDX-License-Identifier: BSD-3-Clause
#include "sim_calibrate.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <cooper/runtime/topology.hpp>

#include "commands.hpp"
#include "options.hpp"
#include "running.hpp"
#include "simulated/calibrate.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

bool holds(const bench::prediction& p) { return std::abs(p.off()) <= bench::prediction_bound; }

std::string text_of(const bench::calibration& c) {
  std::string all = fmt::format("Calibrated at a floor of {:.0f} ns a round trip.\n\n{:<42}{:>14}{:>14}{:>9}\n",
                                c.floor_ns, "", "measured", "predicted", "off");
  for (const bench::prediction& p : c.predictions) {
    all += fmt::format("{:<42}{:>14}{:>14}{:>8.1f}%{}  {}\n", p.name, bench::human(p.measured),
                       bench::human(p.predicted), 100 * p.off(), holds(p) ? ' ' : '!', p.unit);
  }
  for (const std::string& w : c.warnings) all += "warning: " + w + "\n";
  return all;
}

boost::json::value json_of(const bench::calibration& c) {
  boost::json::array rows;
  for (const bench::prediction& p : c.predictions) {
    rows.push_back({{"name", p.name},
                    {"unit", p.unit},
                    {"measured", p.measured},
                    {"ratio_mad", p.spread},
                    {"windows", p.windows},
                    {"simulated", p.predicted},
                    {"off", p.off()}});
  }
  boost::json::array warnings;
  for (const std::string& w : c.warnings) warnings.emplace_back(w);
  return {{"floor", c.floor_ns},  {"bound", bench::prediction_bound},  {"predictions", rows},
          {"warnings", warnings}, {"handling_ps", c.handling.count()}, {"profile", c.costs.to_toml()}};
}

}  // namespace

result<int> run_calibration(const calibrate_options& options) {
  const auto profile_to = open_output(options.file);
  if (!profile_to) return profile_to.error();
  const auto json_to = open_output(options.json);
  if (!json_to) return json_to.error();
  if (profile_to->is_stdout() && options.json == "-") {
    return error{errc::bad_option, "of --calibrate and --json only one can go to standard output"};
  }
  const auto here = topology::discover();
  if (!here) return here.error();
  auto cores = select_cores(*here, options.cores, false);
  if (!cores) return cores.error();
  if (cores->size() < 2) return error{errc::no_cores, "calibrating takes two cores"};
  cores->resize(2);

  const interruptible running;
  bench::run_options how;
  how.where = &*here;
  how.cores = *cores;
  how.seconds = options.seconds;
  bench::run r{how};
  const auto done = bench::calibrate(r);
  if (was_interrupted()) return int{exit_interrupted};
  if (!done) return done.error();
  const bool to_stdout = profile_to->is_stdout() || options.json == "-";
  fmt::print(to_stdout ? stderr : stdout, "{}", text_of(*done));
  if (const auto written = profile_to->commit(done->costs.to_toml()); !written) return written.error();
  if (*json_to) {
    const std::string text = boost::json::serialize(json_of(*done)) + "\n";
    if (const auto written = (*json_to)->commit(text); !written) return written.error();
  }
  if (const auto flushed = finish_stdout(); !flushed) return flushed.error();
  const bool all = std::all_of(done->predictions.begin(), done->predictions.end(), holds);
  return all ? int{exit_good} : int{exit_check_failed};
}

}  // namespace cooper::tools
