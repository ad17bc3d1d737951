// SPDX-License-Identifier: BSD-3-Clause
#include "support/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "support/interrupt.hpp"

namespace cooper::bench {
namespace {

// Digits that a double of ours deserves: six significant ones survive every later division.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

void put(boost::json::object& into, const char* key, const std::optional<double>& value) {
  if (value) into[key] = rounded(*value);
}

boost::json::object levels_json(const row& r) {
  boost::json::object levels;
  for (const level l : all_levels) {
    const level_summary& at = r.levels[static_cast<std::size_t>(l)];
    if (at.windows == 0) continue;
    boost::json::object one{{"windows", at.windows}, {"median", rounded(at.median)}};
    if (at.floor > 0) one["floor"] = rounded(at.floor);
    if (at.floor > 0 && !r.rate) {
      one["ratio_to_floor"] = rounded(at.ratio);
      one["ratio_mad"] = rounded(at.ratio_mad);
    }
    levels[name_of(l)] = std::move(one);
  }
  return levels;
}

boost::json::object row_json(const row& r) {
  boost::json::object out;
  out["name"] = r.name();
  out["run_name"] = r.name();
  out["run_type"] = "iteration";
  out["kind"] = "measured";
  out["workload"] = r.workload;
  out["contender"] = r.contender;
  if (!r.parameters.empty()) out["parameters"] = r.parameters;
  out["label"] = r.label;
  boost::json::array cores;
  for (const unsigned c : r.cores) cores.push_back(c);
  out["cores"] = std::move(cores);
  if (!r.error.empty()) {
    out["error_occurred"] = true;
    out["error_message"] = r.error;
    out["skipped"] = r.skipped;
    return out;
  }
  // Google Benchmark's own fields are times of one operation; the unit of `value` need not be a time.
  const bool nanoseconds = r.unit == "ns";
  out["iterations"] = r.iterations;
  out["real_time"] = rounded(nanoseconds ? r.median : r.rate && r.median > 0 ? 1e9 / r.median : 0);
  out["cpu_time"] = rounded(r.cpu_time_ns);
  out["time_unit"] = "ns";
  out["value"] = rounded(r.value);
  out["unit"] = r.unit;
  out["higher_is_better"] = r.rate;
  out["median"] = rounded(r.median);
  out["mad"] = rounded(r.mad);
  out["min"] = rounded(r.min);
  out["p10"] = rounded(r.p10);
  out["p90"] = rounded(r.p90);
  out[r.singles_timed ? "p99" : "p99_of_windows"] = rounded(r.p99);
  out["samples"] = r.samples;
  put(out, "floor", r.floor);
  put(out, "ratio_to_floor", r.ratio_to_floor);
  put(out, "ratio_mad", r.ratio_mad);
  put(out, "ratio_p10", r.ratio_p10);
  put(out, "ratio_p90", r.ratio_p90);
  if (r.ratio_to_peer) {
    out["peer"] = r.peer;
    put(out, "ratio_to_peer", r.ratio_to_peer);
    put(out, "ratio_to_peer_mad", r.ratio_to_peer_mad);
  }
  if (r.headline) out["level"] = name_of(*r.headline);
  if (!r.windows.empty()) {
    out["levels"] = levels_json(r);
    out["discarded"] = r.discarded;
  }
  out["foreign_cpu"] = rounded(r.foreign);
  out["steal"] = rounded(r.steal);
  return out;
}

// The floor through the run, at most 2,000 points: its jumps are the host's.
boost::json::array floor_trace(const std::vector<row>& rows) {
  std::vector<double> all;
  for (const row& r : rows) {
    // A headline repeats the windows of one of its rows.
    if (!r.parameters.empty() && r.windows.size() > 0) {
      for (const window& w : r.windows) all.push_back(w.floor_before);
    } else if (r.workload == "line_rtt" || r.workload == "line_stream") {
      for (const window& w : r.windows) all.push_back(w.floor_before);
    }
  }
  std::erase_if(all, [](double f) { return f <= 0; });
  const std::size_t stride = all.size() / 2000 + 1;
  boost::json::array points;
  for (std::size_t i = 0; i < all.size(); i += stride) points.push_back(std::round(all[i] * 10) / 10);
  return points;
}

void write(std::string& out, const boost::json::value& value, std::size_t depth) {
  const std::string inner(2 * (depth + 1), ' '), outer(2 * depth, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    std::size_t left = value.get_object().size();
    for (const auto& [key, member] : value.get_object()) {
      out += inner + boost::json::serialize(boost::json::string(key)) + ": ";
      write(out, member, depth + 1);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += outer + '}';
    return;
  }
  const bool flat = !value.is_array() || value.get_array().empty() ||
                    std::none_of(value.get_array().begin(), value.get_array().end(), [](const boost::json::value& v) {
                      return v.is_object() || v.is_array() || v.is_string();
                    });
  if (flat) {
    if (value.is_double()) {
      const std::string digits = fmt::format("{}", value.get_double());
      // A whole number stays a floating-point one for whoever reads it.
      out += digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
    } else if (value.is_array()) {
      out += '[';
      std::size_t left = value.get_array().size();
      for (const auto& v : value.get_array()) {
        write(out, v, depth);
        if (--left > 0) out += ", ";
      }
      out += ']';
    } else {
      out += boost::json::serialize(value);
    }
    return;
  }
  out += "[\n";
  std::size_t left = value.get_array().size();
  for (const auto& v : value.get_array()) {
    out += inner;
    write(out, v, depth + 1);
    out += --left > 0 ? ",\n" : "\n";
  }
  out += outer + ']';
}

std::string percent(double fraction) { return fmt::format("{:.1f} %", 100 * fraction); }

}  // namespace

std::string human(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  const auto digits = [](double v) {
    const int before = v < 1 ? 0 : static_cast<int>(std::floor(std::log10(v))) + 1;
    const int leading_zeros = v < 1 ? static_cast<int>(-std::floor(std::log10(v))) - 1 : 0;
    return fmt::format("{:.{}f}", v, std::clamp(3 - before + leading_zeros, 0, 6));
  };
  const char* sign = value < 0 ? "-" : "";
  if (size >= 999.5e6) return fmt::format("{}{} billion", sign, digits(size / 1e9));
  if (size >= 999.5e3) return fmt::format("{}{} million", sign, digits(size / 1e6));
  if (size >= 9999.5)
    return fmt::format("{}{:.0f} {:03.0f}", sign, std::floor(size / 1000), std::fmod(std::floor(size), 1000));
  return sign + digits(size);
}

std::string pretty(const boost::json::value& value) {
  std::string out;
  write(out, value, 0);
  out += '\n';
  return out;
}

std::vector<std::string> warnings_of(const std::vector<row>& rows, bool pinned) {
  std::vector<std::string> warnings;
  double foreign = 0, steal = 0;
  std::string foreign_name, steal_name;
  std::size_t noisy = 0, discarded = 0, windows = 0, elsewhere = 0, with_level = 0;
  std::set<std::string_view> levels;
  for (const row& r : rows) {
    if (!r.error.empty()) continue;
    if (r.foreign > 0.01) ++noisy;
    if (r.foreign > foreign) foreign = r.foreign, foreign_name = r.name();
    if (r.steal > steal) steal = r.steal, steal_name = r.name();
    discarded += r.discarded;
    windows += r.windows.size();
    if (!r.headline) continue;
    ++with_level;
    if (*r.headline != level::near) ++elsewhere;
    for (const level l : all_levels) {
      if (r.levels[static_cast<std::size_t>(l)].windows > 0) levels.insert(name_of(l));
    }
  }
  if (!pinned) warnings.push_back("Threads could not be pinned: the system may have moved them between cores.");
  if (noisy > 0) {
    warnings.push_back(
        fmt::format("Other processes used the machine: more than 1 % of its CPU time during {} of {} rows, "
                    "at worst {} ({}). Close them and measure again.",
                    noisy, rows.size(), percent(foreign), foreign_name));
  }
  if (steal > 0.01) {
    warnings.push_back(fmt::format("The hypervisor took CPU time away, at worst {} ({}).", percent(steal), steal_name));
  }
  if (levels.size() > 1) {
    std::string names;
    for (const level l : all_levels) {
      if (levels.contains(name_of(l))) names += (names.empty() ? "" : ", ") + std::string{name_of(l)};
    }
    warnings.push_back(
        fmt::format("The floor showed several levels ({}): the host moved the cores. Ratios are given per "
                    "level; {} of {} headlines are not at the near level.",
                    names, elsewhere, with_level));
  }
  if (windows > 0 && 5 * discarded > windows) {
    warnings.push_back(
        fmt::format("{} of {} windows were discarded because the floor changed around them.", discarded, windows));
  }
  return warnings;
}

boost::json::object results_json(boost::json::object context, run& r, const std::vector<row>& rows) {
  const bool pinned = r.threads().pinned();
  context["pinning"] = pinned ? "pinned, one thread a core" : "not permitted";
  boost::json::array warnings;
  for (const std::string& w : warnings_of(rows, pinned)) warnings.emplace_back(w);
  context["warnings"] = std::move(warnings);
  context["interrupted"] = interrupted();
  boost::json::object all;
  all["context"] = std::move(context);
  boost::json::array benchmarks;
  for (const row& one : rows) benchmarks.push_back(row_json(one));
  all["benchmarks"] = std::move(benchmarks);
  all["floor_trace"] = floor_trace(rows);
  return all;
}

std::string results_text(const std::vector<row>& rows) {
  std::string out;
  std::size_t widest = 0;
  for (const row& r : rows) widest = std::max(widest, r.name().size());
  for (const row& r : rows) {
    out += fmt::format("{:<{}}  ", r.name(), widest);
    if (!r.error.empty()) {
      out += (r.skipped ? "skipped: " : "FAILED: ") + r.error + '\n';
      continue;
    }
    out += fmt::format("{:>12} {}", human(r.value), r.unit);
    if (r.ratio_to_floor) out += fmt::format("  {:.3g} x floor (+-{:.2g})", *r.ratio_to_floor, r.ratio_mad.value_or(0));
    if (r.ratio_to_peer) out += fmt::format("  {:.3g} x {}", *r.ratio_to_peer, r.peer);
    if (r.singles_timed) out += fmt::format("  p99 {}", human(r.p99));
    if (r.headline) out += fmt::format("  {}, {} windows", name_of(*r.headline), r.samples);
    if (r.discarded > 0) out += fmt::format(", {} discarded", r.discarded);
    out += '\n';
  }
  return out;
}

}  // namespace cooper::bench
