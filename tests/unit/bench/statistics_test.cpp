// SPDX-License-Identifier: BSD-3-Clause
// Order statistics, levels of the floor, and what rows make of their windows.
#include <doctest/doctest.h>

#include "support/levels.hpp"
#include "support/row.hpp"
#include "support/statistics.hpp"

using namespace cooper::bench;

namespace {

std::vector<double> repeat(double value, int n) { return std::vector<double>(static_cast<std::size_t>(n), value); }

void append(std::vector<double>& to, const std::vector<double>& more) { to.insert(to.end(), more.begin(), more.end()); }

// A row with n windows of one ratio to one floor.
void add_windows(row& r, int n, double floor, double ratio, double peer = 0) {
  for (int i = 0; i < n; ++i) r.windows.push_back({floor, floor, floor * ratio, peer});
}

}  // namespace

TEST_CASE("quantiles lie between neighbours, and an empty sample is zero") {
  CHECK(quantile({}, 0.5) == 0);
  const std::vector<double> one{7};
  CHECK(quantile(one, 0.99) == 7);
  const std::vector<double> four{4, 1, 3, 2};
  CHECK(median(four) == doctest::Approx(2.5));
  CHECK(quantile(four, 0) == 1);
  CHECK(quantile(four, 1) == 4);
  CHECK(quantile(four, 0.25) == doctest::Approx(1.75));
}

TEST_CASE("the median absolute deviation does not move for one bad sample") {
  const std::vector<double> calm{10, 11, 9, 10, 10.5, 9.5, 1000};
  CHECK(median_absolute_deviation(calm) == doctest::Approx(0.5));
}

TEST_CASE("levels are told apart by their ratio to the lowest common one, whatever the machine") {
  for (const double unit : {1.0, 0.3, 20.0}) {
    CAPTURE(unit);
    std::vector<double> floors = repeat(112 * unit, 80);
    append(floors, repeat(44 * unit, 2));  // single windows on one physical core: too rare to be the base
    append(floors, repeat(500 * unit, 30));
    append(floors, repeat(1300 * unit, 10));
    const level_scale scale{floors};
    CHECK(scale.near() == doctest::Approx(112 * unit));
    CHECK(scale.of(44 * unit) == level::sibling);
    CHECK(scale.of(125 * unit) == level::near);
    CHECK(scale.of(560 * unit) == level::mid);
    CHECK(scale.of(1300 * unit) == level::far);
  }
}

TEST_CASE("a run that is at one level only is near, and so is one without a floor") {
  const std::vector<double> mid_all_along = repeat(500, 40);
  CHECK(level_scale{mid_all_along}.of(510) == level::near);
  CHECK(level_scale{std::vector<double>{}}.of(0) == level::near);
}

TEST_CASE("a window whose floor changed around it is discarded") {
  row r;
  add_windows(r, 10, 100, 1.1);
  r.windows.push_back({100, 500, 900, 0});
  r.windows.push_back({500, 100, 50, 0});
  summarise(r, level_scale{repeat(100, 10)});
  CHECK(r.discarded == 2);
  CHECK(r.samples == 10);
  CHECK(r.ratio_to_floor.value() == doctest::Approx(1.1));
}

TEST_CASE("the headline is the near level's, and every level keeps its own ratio") {
  row r;
  add_windows(r, 20, 100, 1.2);
  add_windows(r, 60, 480, 1.7);
  std::vector<double> floors = repeat(100, 20);
  append(floors, repeat(480, 60));
  summarise(r, level_scale{floors});
  CHECK(r.headline == level::near);
  CHECK(r.ratio_to_floor.value() == doctest::Approx(1.2));
  CHECK(r.floor.value() == doctest::Approx(100));
  CHECK(r.value == doctest::Approx(120));
  const level_summary& mid = r.levels[static_cast<std::size_t>(level::mid)];
  CHECK(mid.windows == 60);
  CHECK(mid.ratio == doctest::Approx(1.7));
}

TEST_CASE("a row with too few near windows takes its headline from the lowest level that has enough, and says so") {
  row r;
  add_windows(r, 2, 100, 1.2);
  add_windows(r, 9, 480, 1.7);
  summarise(r, level_scale{repeat(100, 50)});
  CHECK(r.headline == level::mid);
  CHECK(r.ratio_to_floor.value() == doctest::Approx(1.7));
}

TEST_CASE("a row of which nothing is left says what to do") {
  row r;
  r.windows.push_back({100, 500, 900, 0});
  summarise(r, level_scale{repeat(100, 10)});
  CHECK(r.error.find("--time") != std::string::npos);
}

TEST_CASE("a rate is operations a second, and its multiple of the peer is larger when it is faster") {
  row r;
  r.rate = true;
  for (int i = 0; i < 10; ++i) r.windows.push_back({100, 100, 5, 10});
  summarise(r, level_scale{repeat(100, 10)});
  CHECK(r.value == doctest::Approx(200e6));
  CHECK(r.ratio_to_peer.value() == doctest::Approx(2));
  CHECK_FALSE(r.ratio_to_floor);
}

TEST_CASE("each pair of cores has its own scale") {
  row close, distant;
  close.cores = {0, 1};
  distant.cores = {0, 9};
  add_windows(close, 20, 50, 1.1);
  add_windows(distant, 20, 400, 1.1);
  std::vector<row> rows{close, distant};
  summarise_all(rows);
  CHECK(rows[0].headline == level::near);
  CHECK(rows[1].headline == level::near);
}
