// SPDX-License-Identifier: BSD-3-Clause
#include "support/row.hpp"

#include <algorithm>
#include <map>

#include "support/statistics.hpp"

namespace cooper::bench {
namespace {

// Fewer windows than this make no headline while another level has more.
constexpr std::size_t windows_enough = 5;

double in_unit(const row& r, double ns) { return r.rate ? (ns > 0 ? 1e9 / ns : 0) : ns; }
double floor_of(const window& w) { return (w.floor_before + w.floor_after) / 2; }

void summarise_values(row& r, const std::vector<double>& values) {
  r.samples = values.size();
  r.median = median(values);
  r.value = r.median;
  r.mad = median_absolute_deviation(values);
  r.min = values.empty() ? 0 : *std::min_element(values.begin(), values.end());
  r.p10 = quantile(values, 0.1);
  r.p90 = quantile(values, 0.9);
  // The bad end: the slow one in a hundred, which for a rate is the low one.
  r.p99 = quantile(values, r.rate ? 0.01 : 0.99);
}

struct of_level {
  std::vector<double> values, floors, ratios, peer_ratios;
};

level headline_of(const std::array<of_level, level_count>& sorted) {
  std::optional<level> most;
  for (const level l : {level::near, level::mid, level::far, level::sibling}) {
    const std::size_t n = sorted[static_cast<std::size_t>(l)].values.size();
    if (n >= windows_enough) return l;
    if (n > 0 && (!most || n > sorted[static_cast<std::size_t>(*most)].values.size())) most = l;
  }
  return most.value_or(level::near);
}

}  // namespace

std::string row::name() const { return workload + '/' + contender + (parameters.empty() ? "" : '/' + parameters); }

void summarise(row& r, const level_scale& scale) {
  if (!r.error.empty()) return;
  if (r.windows.empty()) {
    summarise_values(r, r.values);
    return;
  }
  r.discarded = 0;
  std::array<of_level, level_count> sorted;
  for (const window& w : r.windows) {
    if (w.floor_before > 0 && !r.keep_all && !same_level(w.floor_before, w.floor_after)) {
      ++r.discarded;
      continue;
    }
    of_level& at = sorted[static_cast<std::size_t>(scale.of(floor_of(w)))];
    at.values.push_back(in_unit(r, w.contender));
    if (w.floor_before > 0) {
      at.floors.push_back(floor_of(w));
      at.ratios.push_back(w.contender / floor_of(w));
    }
    // A rate's ratio says how many times the peer's rate; a duration's how many times the peer's duration.
    if (w.peer > 0) at.peer_ratios.push_back(r.rate ? w.peer / w.contender : w.contender / w.peer);
  }
  for (const level l : all_levels) {
    const of_level& at = sorted[static_cast<std::size_t>(l)];
    r.levels[static_cast<std::size_t>(l)] = {.windows = at.values.size(),
                                             .floor = median(at.floors),
                                             .median = median(at.values),
                                             .ratio = median(at.ratios),
                                             .ratio_mad = median_absolute_deviation(at.ratios)};
  }
  const level chosen = headline_of(sorted);
  const of_level& best = sorted[static_cast<std::size_t>(chosen)];
  if (best.values.empty()) {
    r.skipped = true;
    r.error =
        "the floor changed around every window: the host moved the cores, or others used them; measure again (--time)";
    return;
  }
  summarise_values(r, best.values);
  if (!best.ratios.empty()) {
    r.headline = chosen;
    r.floor = median(best.floors);
    if (!r.rate) {
      r.ratio_to_floor = median(best.ratios);
      r.ratio_mad = median_absolute_deviation(best.ratios);
      r.ratio_p10 = quantile(best.ratios, 0.1);
      r.ratio_p90 = quantile(best.ratios, 0.9);
    }
  }
  if (!best.peer_ratios.empty()) {
    r.ratio_to_peer = median(best.peer_ratios);
    r.ratio_to_peer_mad = median_absolute_deviation(best.peer_ratios);
  }
}

void summarise_all(std::vector<row>& rows) {
  using pair = std::pair<unsigned, unsigned>;
  const auto pair_of = [](const row& r) { return r.cores.size() < 2 ? pair{0, 0} : pair{r.cores[0], r.cores[1]}; };
  std::map<pair, std::vector<double>> floors;
  for (const row& r : rows) {
    for (const window& w : r.windows) {
      if (w.floor_before > 0) floors[pair_of(r)].push_back(w.floor_before);
    }
  }
  std::map<pair, level_scale> scales;
  for (row& r : rows) {
    const auto [at, fresh] = scales.try_emplace(pair_of(r), std::span<const double>{floors[pair_of(r)]});
    summarise(r, at->second);
  }
}

}  // namespace cooper::bench
