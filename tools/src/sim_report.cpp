// SPDX-License-Identifier: BSD-3-Clause
#include "sim_report.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include <cooper/protocols/saved_search.hpp>

#include "json_fields.hpp"
#include "options.hpp"
#include "report_page.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

using namespace bench::simulated;

std::string name_of(const measurement& m, const std::string& without = {}) {
  std::string out = m.name;
  for (const auto& [key, value] : m.at) {
    if (key != without) out += fmt::format("/{}={}", key, value);
  }
  return out;
}

std::string said(const load_value& v) {
  const auto* number = std::get_if<std::int64_t>(&v);
  if (number != nullptr) return std::to_string(*number);
  const auto& text = std::get<std::string>(v);
  return text.empty() ? "(unless told)" : text;
}

// A count in a column: whole ones without a point.
std::string counted(double n) {
  return fmt::format("{:.{}f}", n, n == static_cast<double>(static_cast<std::int64_t>(n)) ? 0 : 2);
}

boost::json::object json_of(const measurement& m) {
  boost::json::object row{{"name", name_of(m)}, {"contender", m.name}};
  for (const auto& [key, value] : m.at) row[key] = value;
  row["value"] = m.value;
  row["unit"] = m.unit;
  row["per"] = m.per;
  row["messages"] = m.moved.messages;
  row["crossings"] = m.moved.crossings;
  row["lines"] = m.moved.lines;
  if (!m.note.empty()) row["note"] = m.note;
  return row;
}

}  // namespace

result<simulated_run> simulate(const scenario& of, const run_limits& limits) {
  auto faults = faults_of(of, of.seed);
  if (!faults) return faults.error();
  const program* what = find_program(of.program);
  if (what == nullptr) return error{errc::unknown_name, "no program '" + of.program + "'"};
  simulation on{{.where = of.where,
                 .costs = of.costs,
                 .cores = of.cores,
                 .seed = of.seed,
                 .faults = *faults,
                 .until = of.until,
                 .load = of.load,
                 .handlers = of.handlers,
                 .turns_max = limits.turns_max,
                 .trace = limits.trace,
                 .interrupted = limits.interrupted}};
  const auto ended = what->run(on);
  simulated_run done{.of = of, .faults = *std::move(faults)};
  if (!ended) {
    const errc code = ended.error().code();
    if (code != errc::deadline_passed && code != errc::cancelled) return ended.error();
    done.ended_by = ended.error().detail();
  }
  done.rows = on.rows();
  done.interrupted = on.was_interrupted();
  done.host = on.host();
  done.trace = on.trace();
  return done;
}

std::string scenario_text(const scenario& of, const std::vector<fault>& faults, bool coloured) {
  const program* what = find_program(of.program);
  std::string out = tinted(of.program, tint::bold, coloured) + ": " + (what != nullptr ? what->about.words : "") + '\n';
  auto to = std::back_inserter(out);
  fmt::format_to(to, "  profile   {} ({}): {}\n", of.costs.name, cooper::name_of(of.costs.origin), of.costs.words);
  fmt::format_to(to, "  machine   {}, {} cores\n", of.synthetic.empty() ? "from XML" : of.synthetic, of.cores.size());
  fmt::format_to(to, "  seed      {}\n", of.seed);
  if (of.until) fmt::format_to(to, "  until     {} ms of virtual time\n", static_cast<double>(of.until->count()) / 1e6);
  const char* first = "  load      ";
  for (const auto& [key, value] : of.load) {
    fmt::format_to(to, "{}{} = {}\n", std::exchange(first, "            "), key, said(value));
  }
  first = "  handlers  ";
  for (const auto& [key, c] : of.handlers) {
    fmt::format_to(to, "{}{} costs {} ns\n", std::exchange(first, "            "), key,
                   static_cast<double>(c.count()) / 1e3);
  }
  first = "  faults    ";
  for (const fault& f : faults) fmt::format_to(to, "{}{}\n", std::exchange(first, "            "), words_of(f));
  if (faults.empty()) out += "  faults    none\n";
  return out + '\n';
}

std::string result_text(const simulated_run& run, bool coloured) {
  std::string out;
  auto to = std::back_inserter(out);
  std::size_t wide = 0;
  for (const measurement& m : run.rows) wide = std::max(wide, name_of(m).size());
  if (!run.rows.empty()) {
    fmt::format_to(to, "{:<{}}  {:>14}  {:<14}{:>10}{:>11}{:>10}\n", "simulated", wide, "value", "", "messages",
                   "crossings", "lines");
  }
  for (const measurement& m : run.rows) {
    fmt::format_to(to, "{:<{}}  {:>14}  {:<14}{:>10}{:>11}{:>10}", name_of(m), wide, with_unit(m.value, m.unit),
                   "a " + m.per, counted(m.moved.messages), counted(m.moved.crossings), counted(m.moved.lines));
    out += m.note.empty() ? "\n" : "  " + m.note + '\n';
  }
  if (!run.ended_by.empty()) {
    fmt::format_to(to, "{} {}\n", tinted("not finished:", tint::bad, coloured), run.ended_by);
  }
  fmt::format_to(to, "host: {} simulated messages/s ({} messages, {} turns, {:.2f} s)\n",
                 bench::human(run.host.messages_per_second()), run.host.messages, run.host.turns, run.host.seconds);
  return out;
}

boost::json::object json_of(const simulated_run& run) {
  boost::json::array rows, faults;
  for (const measurement& m : run.rows) rows.push_back(json_of(m));
  for (const fault& f : run.faults) faults.emplace_back(words_of(f));
  const scenario_parts parts = parts_of(run.of);
  boost::json::object how{{"toml", to_toml(run.of)}, {"profile_toml", parts.profile_toml}};
  if (!parts.machine_xml.empty()) how["machine_xml"] = parts.machine_xml;
  const program* what = find_program(run.of.program);
  return {{"kind", "simulated"},
          {"version", protocols::build_version()},
          {"program", run.of.program},
          {"profile", run.of.costs.name},
          {"plot_over", what != nullptr ? what->plot_over : ""},
          {"scenario", std::move(how)},
          {"faults", std::move(faults)},
          {"results", std::move(rows)},
          {"ended_by", run.ended_by},
          {"host",
           {{"kind", "host"},
            {"seconds", run.host.seconds},
            {"machines", run.host.machines},
            {"turns", run.host.turns},
            {"messages", run.host.messages},
            {"messages_per_second", run.host.messages_per_second()}}}};
}

result<scenario> scenario_of(const boost::json::value& result_json, const std::string& file) {
  const auto wrong = [&](const std::string& what) { return error{errc::malformed_input, file + ": " + what}; };
  const auto* all = result_json.if_object();
  if (all == nullptr || text_of(*all, "kind") != "simulated") {
    return wrong("this is no result of 'cooper sim --json'");
  }
  if (text_of(*all, "version") != protocols::build_version()) {
    return wrong(fmt::format("it is of version '{}', and this is '{}', where the same may take another course",
                             text_of(*all, "version").substr(0, 80), protocols::build_version()));
  }
  const auto* how = all->if_contains("scenario");
  if (how == nullptr || !how->is_object()) return wrong("it holds no \"scenario\"");
  const scenario_parts parts{.profile_toml = text_of(how->get_object(), "profile_toml"),
                             .machine_xml = text_of(how->get_object(), "machine_xml")};
  auto read = parse_scenario(text_of(how->get_object(), "toml"), file, descriptions(), {}, &parts);
  if (!read) return error{read.error().code(), "of the scenario that it holds, " + read.error().detail()};
  return read;
}

std::string difference(const boost::json::object& a, const boost::json::object& b) {
  const auto rows_of = [](const boost::json::object& o) -> const boost::json::array* {
    const auto* rows = o.if_contains("results");
    return rows != nullptr ? rows->if_array() : nullptr;
  };
  const auto *left = rows_of(a), *right = rows_of(b);
  if (left == nullptr || right == nullptr) return "there are no \"results\"";
  for (std::size_t i = 0; i < std::min(left->size(), right->size()); ++i) {
    const std::string one = boost::json::serialize((*left)[i]), other = boost::json::serialize((*right)[i]);
    if (one != other) return fmt::format("row {}: {}\n  and now: {}", i + 1, one, other);
  }
  if (left->size() != right->size()) return fmt::format("{} rows, and now {}", left->size(), right->size());
  for (const char* key : {"faults", "ended_by", "scenario"}) {
    const auto* one = a.if_contains(key);
    const auto* other = b.if_contains(key);
    if (one == nullptr || other == nullptr || boost::json::serialize(*one) != boost::json::serialize(*other)) {
      return fmt::format("\"{}\"", key);
    }
  }
  return {};
}

line_chart chart_of(const simulated_run& run) {
  const program* what = find_program(run.of.program);
  line_chart chart;
  if (what == nullptr || what->plot_over.empty() || run.rows.empty()) return chart;
  chart.title = run.of.program + " on " + run.of.costs.name + ", simulated";
  chart.description = what->about.words;
  chart.x_axis = what->plot_over;
  chart.y_axis = run.rows.front().unit + " a " + run.rows.front().per;
  chart.even_x = false;
  constexpr const char* styles[] = {"peer2", "ours2", "ours", "floor"};
  for (const measurement& m : run.rows) {
    const std::string label = name_of(m, what->plot_over);
    auto at = std::find_if(chart.lines.begin(), chart.lines.end(), [&](const series& s) { return s.label == label; });
    if (at == chart.lines.end()) {
      chart.lines.push_back({label, styles[chart.lines.size() % std::size(styles)], {}});
      at = chart.lines.end() - 1;
    }
    for (const auto& [key, value] : m.at) {
      if (key != what->plot_over) continue;
      at->points.push_back({static_cast<double>(value), m.value, name_of(m) + ": " + with_unit(m.value, m.unit)});
    }
  }
  return chart;
}

std::string list_of_programs() {
  std::string out = "Programs, and what each can be told (--set KEY=VALUE, or [load] of a scenario):\n";
  auto to = std::back_inserter(out);
  for (const program& p : programs()) {
    fmt::format_to(to, "\n  {:<20} {}\n", p.about.name, p.about.words);
    for (const load_key& k : p.about.load) {
      const auto* number = std::get_if<std::int64_t>(&k.otherwise);
      fmt::format_to(to, "    {:<18} {}{}\n", k.key, k.words, number != nullptr ? fmt::format(" ({})", *number) : "");
    }
    for (const std::string& h : p.about.handlers) {
      fmt::format_to(to, "    {:<18} what that handler costs, ns (0)\n", "handlers." + h);
    }
  }
  out += "\nProfiles (--profile NAME, or a file; docs/profiles.md):\n\n";
  for (const std::string& name : profile::names()) {
    const auto p = profile::named(name);
    if (p) fmt::format_to(to, "  {:<20} {} ({})\n", name, p->words, cooper::name_of(p->origin));
  }
  return out;
}

boost::json::object json_of_programs() {
  boost::json::array all, profiles;
  for (const program& p : programs()) {
    boost::json::array load, handlers;
    for (const load_key& k : p.about.load) {
      boost::json::object one{{"key", k.key}, {"words", k.words}};
      if (const auto* number = std::get_if<std::int64_t>(&k.otherwise)) {
        one["otherwise"] = *number;
        one["least"] = k.least;
        one["most"] = k.most;
      } else {
        one["otherwise"] = std::get<std::string>(k.otherwise);
      }
      load.push_back(std::move(one));
    }
    for (const std::string& h : p.about.handlers) handlers.emplace_back(h);
    all.push_back({{"name", p.about.name},
                   {"words", p.about.words},
                   {"load", std::move(load)},
                   {"handlers", std::move(handlers)}});
  }
  for (const std::string& name : profile::names()) {
    const auto p = profile::named(name);
    if (!p) continue;
    profiles.push_back(
        {{"name", name}, {"words", p->words}, {"origin", cooper::name_of(p->origin)}, {"topology", p->topology}});
  }
  return {{"programs", std::move(all)}, {"profiles", std::move(profiles)}};
}

}  // namespace cooper::tools
