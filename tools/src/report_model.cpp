// SPDX-License-Identifier: BSD-3-Clause
#include "report_model.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "json_fields.hpp"

namespace cooper::tools {
namespace {

using boost::json::object;
using boost::json::value;

std::vector<std::string> texts_of(const object& from, std::string_view key) {
  std::vector<std::string> texts;
  const value* v = from.if_contains(key);
  if (v == nullptr || !v->is_array()) return texts;
  for (const value& one : v->get_array()) {
    if (one.is_string()) texts.emplace_back(one.get_string());
    if (const auto n = number_of(one)) texts.push_back(fmt::format("{}", *n));
  }
  return texts;
}

std::map<std::string, std::string> split_parameters(std::string_view text) {
  std::map<std::string, std::string> parameters;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('/'));
    const auto equals = one.find('=');
    parameters[std::string{one.substr(0, equals)}] =
        equals == std::string_view::npos ? "" : std::string{one.substr(equals + 1)};
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return parameters;
}

std::vector<report_level> levels_of(const object& from) {
  std::vector<report_level> levels;
  const value* v = from.if_contains("levels");
  if (v == nullptr || !v->is_object()) return levels;
  for (const auto& [name, at] : v->get_object()) {
    if (!at.is_object()) continue;
    const object& o = at.get_object();
    levels.push_back({.name = std::string{name},
                      .windows = number_of(o, "windows").value_or(0),
                      .floor = number_of(o, "floor").value_or(0),
                      .median = number_of(o, "median").value_or(0),
                      .ratio = number_of(o, "ratio_to_floor").value_or(0)});
  }
  return levels;
}

report_row read_row(const object& o) {
  report_row r;
  r.name = text_of(o, "name");
  r.workload = text_of(o, "workload");
  r.contender = text_of(o, "contender");
  r.parameters = text_of(o, "parameters");
  r.parameter = split_parameters(r.parameters);
  r.label = text_of(o, "label");
  r.unit = text_of(o, "unit");
  r.error = text_of(o, "error_message");
  r.peer = text_of(o, "peer");
  r.level = text_of(o, "level");
  r.kind = text_of(o, "kind");
  if (r.kind.empty()) r.kind = "measured";
  r.skipped = flag_of(o, "skipped");
  r.higher_is_better = flag_of(o, "higher_is_better");
  r.value = number_of(o, "value").value_or(0);
  r.mad = number_of(o, "mad").value_or(0);
  r.p10 = number_of(o, "p10").value_or(0);
  r.p90 = number_of(o, "p90").value_or(0);
  r.samples = number_of(o, "samples").value_or(0);
  r.discarded = number_of(o, "discarded").value_or(0);
  r.foreign = number_of(o, "foreign_cpu").value_or(0);
  r.p99 = number_of(o, "p99");
  r.floor = number_of(o, "floor");
  r.ratio = number_of(o, "ratio_to_floor");
  r.ratio_mad = number_of(o, "ratio_mad");
  r.ratio_p10 = number_of(o, "ratio_p10");
  r.ratio_p90 = number_of(o, "ratio_p90");
  r.ratio_to_peer = number_of(o, "ratio_to_peer");
  r.ratio_to_peer_mad = number_of(o, "ratio_to_peer_mad");
  r.levels = levels_of(o);
  r.cores = texts_of(o, "cores");
  return r;
}

error malformed(const std::string& what) { return {errc::malformed_input, what}; }

}  // namespace

std::string report_data::about(std::string_view key) const {
  const value* v = context.if_contains(key);
  if (v == nullptr) return "unknown";
  if (v->is_string()) return std::string{v->get_string()};
  if (const auto n = number_of(*v)) return fmt::format("{}", *n);
  return "unknown";
}

double report_data::number(std::string_view key) const { return number_of(context, key).value_or(0); }

const report_row* report_data::find(std::string_view name) const {
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&](const report_row& r) { return r.name == name && r.usable(); });
  return at == rows.end() ? nullptr : &*at;
}

std::vector<const report_row*> report_data::of(std::string_view workload) const {
  std::vector<const report_row*> found;
  for (const report_row& r : rows) {
    if (r.workload == workload) found.push_back(&r);
  }
  return found;
}

result<report_data> read_results(const value& results) {
  if (!results.is_object()) return malformed("the results are no JSON object");
  const object& all = results.get_object();
  const value* context = all.if_contains("context");
  const value* benchmarks = all.if_contains("benchmarks");
  if (context == nullptr || !context->is_object()) return malformed("the results have no object \"context\"");
  if (benchmarks == nullptr || !benchmarks->is_array()) return malformed("the results have no array \"benchmarks\"");
  report_data data;
  data.context = context->get_object();
  for (const value& one : benchmarks->get_array()) {
    if (!one.is_object()) return malformed("an entry of \"benchmarks\" is no object");
    report_row r = read_row(one.get_object());
    if (r.name.empty() || r.workload.empty() || r.contender.empty()) {
      return malformed("an entry of \"benchmarks\" has no name, workload or contender");
    }
    data.rows.push_back(std::move(r));
  }
  if (const value* trace = all.if_contains("floor_trace"); trace != nullptr && trace->is_array()) {
    for (const value& point : trace->get_array()) data.floor_trace.push_back(number_of(point).value_or(0));
  }
  data.warnings = texts_of(data.context, "warnings");
  data.interrupted = flag_of(data.context, "interrupted");
  data.doctor = texts_of(all, "doctor");
  data.topology_svg = text_of(all, "topology_svg");
  if (const value* simulated = all.if_contains("simulated"); simulated != nullptr && simulated->is_array()) {
    data.simulated = simulated->get_array();
  }
  return data;
}

}  // namespace cooper::tools
