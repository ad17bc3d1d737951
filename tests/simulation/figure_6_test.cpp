// SPDX-License-Identifier: BSD-3-Clause
// The simulated machine predicts: Figure 6 of The Multikernel comes out of the profile amd_8x4, its two trees without
// anything having been taken from their curves.
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include "simulated/simulation.hpp"
#include "support/published.hpp"

using namespace cooper;
using namespace cooper::bench::simulated;

namespace {

// Thousands of cycles, by curve and number of cores.
using curves = std::map<std::string, std::map<std::int64_t, double>>;

const boost::json::object& figure() {
  static const boost::json::value all = boost::json::parse(bench::published_json());
  for (const auto& one : all.at("curves").as_array()) {
    if (one.at("name") == "figure_6") return one.as_object();
  }
  throw std::runtime_error{"published.json has no figure_6"};
}

curves published() {
  curves all;
  const auto& x = figure().at("x").as_array();
  for (const auto& [name, values] : figure().at("series").as_object()) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      all[std::string{name}][x[i].as_int64()] = values.as_array().at(i).to_number<double>();
    }
  }
  return all;
}

curves simulated_with(const profile& costs) {
  auto where = topology::from_synthetic(costs.topology);
  REQUIRE(where);
  const auto cores = select_cores(*where, std::nullopt, false);
  REQUIRE(cores);
  const program* what = find_program("shootdown_messages");
  REQUIRE(what != nullptr);
  simulation_plan plan{.where = *where, .costs = costs, .cores = *cores};
  for (const load_key& k : what->about.load) plan.load.emplace_back(k.key, k.otherwise);
  for (auto& [key, value] : plan.load) {
    if (key == "core_counts") value = std::string{"2,4,8,12,16,20,24,28,32"};
    if (key == "rounds") value = std::int64_t{20};
  }
  simulation on{std::move(plan)};
  const auto ended = what->run(on);
  REQUIRE_MESSAGE(ended, ended.error().message());
  const double cycles_in_ns = figure().at("ghz").to_number<double>();
  curves all;
  for (const measurement& m : on.rows()) all[m.name][m.at.front().second] = m.value * cycles_in_ns / 1000;
  return all;
}

profile amd_8x4() {
  const auto p = profile::named("amd_8x4");
  REQUIRE(p);
  return *p;
}

// What is farther than a fifth from the figure, in words.
std::vector<std::string> far_off(const curves& ours, const curves& theirs) {
  std::vector<std::string> found;
  for (const auto& [name, points] : theirs) {
    for (const std::int64_t cores : {8, 16, 24, 32}) {
      const double here = ours.at(name).at(cores), there = points.at(cores);
      if (std::abs(here / there - 1) > 0.2) {
        found.push_back(
            fmt::format("{} at {} cores: {:.2f} thousand cycles, {:.2f} in the figure", name, cores, here, there));
      }
    }
  }
  return found;
}

std::string best_at(const curves& all, std::int64_t cores) {
  std::string best;
  for (const auto& [name, points] : all) {
    if (best.empty() || points.at(cores) < all.at(best).at(cores)) best = name;
  }
  return best;
}

}  // namespace

TEST_CASE("all four curves of Figure 6 come out within a fifth") {
  const curves ours = simulated_with(amd_8x4()), theirs = published();
  for (const auto& [name, points] : theirs) {
    for (const auto& [cores, value] : points) {
      std::printf("%-15s %2d cores  %6.2f  published %6.2f  %+3.0f %%\n", name.c_str(), static_cast<int>(cores),
                  ours.at(name).at(cores), value, 100 * (ours.at(name).at(cores) / value - 1));
    }
  }
  for (const std::string& wrong : far_off(ours, theirs)) FAIL_CHECK(wrong);
  // What the paper concludes from the figure.
  for (const std::int64_t cores : {4, 8, 12}) {
    // At four cores, all in one package, the three are the same.
    CHECK(ours.at("unicast").at(cores) <= ours.at(best_at(ours, cores)).at(cores));
  }
  for (const std::int64_t cores : {16, 20, 24, 28, 32}) CHECK(best_at(ours, cores) == "numa_multicast");
}

TEST_CASE("canary: with twice the transit it does not") {
  profile wrong = amd_8x4();
  for (link_costs& l : wrong.links) l.transit *= 2;
  CHECK(!far_off(simulated_with(wrong), published()).empty());
}
