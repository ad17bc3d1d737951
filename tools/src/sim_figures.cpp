// SPDX-License-Identifier: BSD-3-Clause
#include "sim_figures.hpp"

#include <string>
#include <vector>

#include "running.hpp"
#include "sim_report.hpp"

namespace cooper::tools {
namespace {

struct figure {
  const char* name;
  const char* program;
  const char* profile;
  std::vector<std::string> told;
};

std::vector<figure> figures(bool smoke) {
  const std::string rounds = smoke ? "rounds=5" : "rounds=20", warm_up = smoke ? "warm_up=2" : "warm_up=5";
  const std::string pair = "contenders=shared,message";
  const auto figure_3 = [&](const char* profile, const std::string& counts) {
    return figure{"figure_3", "shared_vs_message", profile, {pair, "core_counts=" + counts}};
  };
  // Where each core looks at every ring, 1,024 cores would take minutes: they ask for hints, as they do by default.
  const auto trees = [&](const char* profile, const std::string& counts) {
    return figure{
        "trees",
        "shootdown_messages",
        profile,
        {"contenders=unicast,multicast,numa_multicast", "core_counts=" + counts, "hint_threshold=8", rounds, warm_up}};
  };
  return {{"figure_6",
           "shootdown_messages",
           "amd_8x4",
           {smoke ? "core_counts=8,16,32" : "core_counts=2,4,8,12,16,20,24,28,32", rounds, warm_up}},
          figure_3("intel_2x4", "2,3,4,5,6,7,8"),
          figure_3("amd_2x2", "2,3,4"),
          figure_3("amd_4x4", "2,4,6,8,10,12,14,16"),
          figure_3("amd_8x4", smoke ? "2,8,32" : "2,4,8,12,16,20,24,28,32"),
          trees("large_8x16", "128"),
          trees("large_16x64", "1024")};
}

}  // namespace

result<boost::json::array> simulate_figures(bool smoke) {
  boost::json::array all;
  const interruptible running;
  for (const figure& f : figures(smoke)) {
    scenario_changes asked;
    asked.program = f.program;
    asked.profile = f.profile;
    asked.set = f.told;
    const auto of = parse_scenario("cooper_scenario = 1\n", "", bench::simulated::descriptions(), asked);
    if (!of) return of.error();
    run_limits limits;
    limits.interrupted = [] { return was_interrupted(); };
    const auto run = simulate(*of, limits);
    if (!run) return run.error();
    // What was measured is worth more than the rest of these.
    if (run->interrupted) break;
    boost::json::object one = json_of(*run);
    one["figure"] = f.name;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace cooper::tools
