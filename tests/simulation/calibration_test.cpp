// SPDX-License-Identifier: BSD-3-Clause
// The simulated machine predicts: what a run of `cooper sim --calibrate` measured comes out of its profile again. The
// run was recorded on two cores of a rented Xeon at 2.5 GHz, so nothing here depends on how fast this computer is.
#include <cmath>
#include <filesystem>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include "scratch.hpp"
#include "simulated/calibrate.hpp"

using namespace cooper;
using namespace cooper::bench;

namespace {

struct recorded {
  profile costs;
  cost handling{};
  std::vector<prediction> predictions;
};

recorded read_record() {
  const boost::json::value all =
      boost::json::parse(test::content_of(std::string{COOPER_SOURCE_DIR} + "/tests/data/simulation/calibration.json"));
  const auto costs = profile::parse(std::string{all.at("profile").as_string()}, "calibration.json");
  REQUIRE_MESSAGE(costs, costs.error().message());
  recorded out{.costs = *costs, .handling = cost{all.at("handling_ps").as_int64()}, .predictions = {}};
  for (const auto& one : all.at("predictions").as_array()) {
    prediction& p = out.predictions.emplace_back();
    p.name = one.at("name").as_string();
    p.unit = one.at("unit").as_string();
    p.measured = one.at("measured").to_number<double>();
  }
  return out;
}

}  // namespace

TEST_CASE("what two cores do is predicted within the bound from what they cost") {
  recorded r = read_record();
  REQUIRE(r.predictions.size() == 11);
  REQUIRE(predict(r.costs, r.handling, r.predictions));
  for (const prediction& p : r.predictions) {
    fmt::print("{:<42} {:>8.1f} %\n", p.name, 100 * p.off());
    CHECK_MESSAGE(std::abs(p.off()) <= prediction_bound, p.name);
  }
}

TEST_CASE("canary: with twice the transit, whatever waits for an answer is predicted wrong") {
  recorded r = read_record();
  for (link_costs& l : r.costs.links) l.transit *= 2;
  REQUIRE(predict(r.costs, r.handling, r.predictions));
  std::size_t wrong = 0;
  for (const prediction& p : r.predictions) {
    if (!p.name.starts_with("line_rtt/") && !p.name.starts_with("call_rtt/") && !p.name.ends_with("/message/k=1"))
      continue;
    ++wrong;
    CHECK_MESSAGE(p.off() > prediction_bound, p.name);
  }
  CHECK(wrong == 5);
}
