// SPDX-License-Identifier: BSD-3-Clause
#include "explore_report.hpp"

#include <fmt/format.h>

#include "options.hpp"

namespace cooper::tools {
namespace {

using namespace cooper::protocols;

std::string counted(std::uint64_t n, std::string_view one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); }

std::string faults_of(const faults& f) {
  if (f.stops == 0 && f.expirations == 0 && f.duplicates == 0) return "none";
  std::string all;
  const auto add = [&](std::uint8_t n, std::string_view one) {
    if (n != 0) all += (all.empty() ? "" : ", ") + counted(n, one);
  };
  add(f.stops, "stop");
  if (f.stops != 0 && !f.stops_in_steps) all += " between steps";
  add(f.expirations, "expiration");
  add(f.duplicates, "duplicate");
  return all;
}

std::string head_of(const explored& what) {
  const subject_options& o = what.options;
  return fmt::format("{}: {}\n  {}, {}; faults: {}{}\n", what.of->name, what.of->words, counted(o.cores, "core"),
                     counted(o.operations, "operation"), faults_of(o.allowed),
                     o.planted.empty() ? "" : "; planted: " + o.planted);
}

std::string numbered(const std::vector<std::string>& lines, std::size_t from) {
  std::string all;
  for (const std::string& line : lines) all += fmt::format("{:>4}  {}\n", from++, line);
  return all;
}

std::string transcript_of(const exploration_report& r) {
  std::string all = numbered(r.transcript, 1);
  if (!r.aftermath.empty()) {
    all += "      and then, without further faults:\n" + numbered(r.aftermath, r.transcript.size() + 1);
  }
  return all;
}

std::string text_of_replay(const explored& what, bool coloured) {
  const exploration_report& r = what.report;
  std::string out = head_of(what) + transcript_of(r);
  const replay& given = *what.replayed;
  if (r.violation.empty()) {
    out += tinted(given.violation.empty() ? "no violation" : "no violation any more", tint::good, coloured);
    if (r.ended_by != replay_end) out += "; it ended by " + r.ended_by;
  } else {
    const bool same = given.violation == r.violation || given.violation.empty();
    out += tinted(same ? "violation: " : "another violation: ", tint::bad, coloured) + r.violation;
    if (!same) out += "\n  before it was: " + given.violation;
  }
  out += '\n';
  if (!given.version.empty() && given.version != build_version()) {
    out += fmt::format("  the replay is of version {}; this is {}\n", given.version, build_version());
  }
  return out;
}

std::string how_to_go_on(const explored& what) {
  const exploration_report& r = what.report;
  const std::string_view more = r.ended_by.starts_with("memory")   ? "more memory"
                                : r.ended_by.starts_with("states") ? "more states"
                                                                   : "more time";
  if (r.saved) {
    const std::size_t memory_mib = r.ended_by.starts_with("memory") ? 2 * what.memory_mib : what.memory_mib;
    return fmt::format("  saved; go on with {}:\n    {} --memory {} --resume {} --save {}\n", more, what.command,
                       memory_mib, what.save_to, what.save_to);
  }
  return fmt::format("  not saved; another time give --save FILE, or {}\n", more);
}

}  // namespace

double rate_of(const explored& what) {
  // Only what this run did: one that was gone on with has met the others before.
  return what.seconds > 0 ? static_cast<double>(what.report.states - what.report.states_before) / what.seconds : 0;
}

std::string text_of(const explored& what, bool coloured) {
  if (what.replayed) return text_of_replay(what, coloured);
  const exploration_report& r = what.report;
  std::string out = head_of(what);
  if (!r.violation.empty()) {
    out += tinted("violation: ", tint::bad, coloured) + r.violation + "\n" + transcript_of(r);
  } else if (r.complete) {
    out += tinted("no violation", tint::good, coloured) + ": everything that can happen was tried\n";
  } else {
    out += tinted("no violation so far, but not everything was tried", tint::warning, coloured) + "; ended by " +
           r.ended_by + "\n" + transcript_of(r);
  }
  out += fmt::format("  {} states met, {} expanded; {} transitions; depth {}\n", r.states, r.expanded, r.transitions,
                     r.depth);
  out += fmt::format("  {:.2f} s, {:.0f} states/s, {:.1f} MiB\n", what.seconds, rate_of(what),
                     static_cast<double>(r.bytes) / (1 << 20));
  if (!r.violation.empty()) {
    out += what.written_replay.empty()
               ? fmt::format("  to keep it: {} --write-replay FILE, then cooper explore --replay FILE\n", what.command)
               : fmt::format("  to see it again: cooper explore --replay {}\n", what.written_replay);
  } else if (!r.complete) {
    out += fmt::format("  everything that takes up to {} actions was met\n", r.depth);
    if (r.transcript.empty()) out += how_to_go_on(what);
  }
  return out;
}

line_chart chart_of(const explored& what) {
  line_chart chart;
  chart.title = fmt::format("{}, {}, faults: {}", what.of->name, counted(what.options.cores, "core"),
                            faults_of(what.options.allowed));
  chart.description = "How many states take so many actions and no fewer";
  chart.x_axis = "actions";
  chart.y_axis = "states";
  chart.even_x = false;
  series& states = chart.lines.emplace_back();
  states.label = "states";
  states.style = "ours";
  for (const exploration_level& l : what.report.levels) {
    states.points.push_back({static_cast<double>(l.depth), static_cast<double>(l.states),
                             fmt::format("{} after {}", counted(l.states, "state"), counted(l.depth, "action"))});
  }
  return chart;
}

std::string chrome_trace(const explored& what) {
  constexpr std::uint64_t apart_us = 10, length_us = 8;
  const exploration_report& r = what.report;
  boost::json::array events{{{"ph", "M"}, {"name", "process_name"}, {"pid", 1}, {"args", {{"name", what.of->name}}}}};
  for (std::size_t core = 0; core < what.options.cores; ++core) {
    events.push_back({{"ph", "M"},
                      {"name", "thread_name"},
                      {"pid", 1},
                      {"tid", core},
                      {"args", {{"name", fmt::format("core {}", core)}}}});
  }
  const auto core_of = [&](std::size_t i) { return unpacked(r.actions[i]).core; };
  for (std::size_t i = 0; i < r.actions.size(); ++i) {
    events.push_back({{"ph", "X"},
                      {"name", r.transcript[i]},
                      {"cat", "action"},
                      {"pid", 1},
                      {"tid", core_of(i)},
                      {"ts", i * apart_us},
                      {"dur", length_us},
                      {"args", {{"action", i + 1}, {"replay", text_of_action(r.actions[i])}}}});
    if (!r.causes[i]) continue;
    const std::size_t from = *r.causes[i];
    const boost::json::object arrow{{"name", "line"}, {"cat", "line"}, {"id", i + 1}, {"pid", 1}};
    boost::json::object begin = arrow, end = arrow;
    begin["ph"] = "s";
    begin["tid"] = core_of(from);
    begin["ts"] = from * apart_us + length_us - 1;
    end["ph"] = "f";
    end["bp"] = "e";
    end["tid"] = core_of(i);
    end["ts"] = i * apart_us;
    events.push_back(std::move(begin));
    events.push_back(std::move(end));
  }
  if (!r.violation.empty()) {
    events.push_back({{"ph", "i"},
                      {"name", "violation: " + r.violation},
                      {"s", "g"},
                      {"pid", 1},
                      {"tid", 0},
                      {"ts", r.actions.size() * apart_us}});
  }
  return boost::json::serialize(boost::json::object{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ns"}}) +
         "\n";
}

boost::json::object json_of(const explored& what) {
  const exploration_report& r = what.report;
  const faults& f = what.options.allowed;
  boost::json::array violations;
  if (!r.violation.empty()) {
    boost::json::array transcript, actions, aftermath;
    for (const std::string& line : r.transcript) transcript.emplace_back(line);
    for (const std::string& line : r.aftermath) aftermath.emplace_back(line);
    for (const std::uint32_t a : r.actions) actions.emplace_back(text_of_action(a));
    violations.push_back(boost::json::object{
        {"what", r.violation}, {"transcript", transcript}, {"actions", actions}, {"aftermath", aftermath}});
  }
  return {{"protocol", what.of->name},
          {"version", build_version()},
          {"cores", what.options.cores},
          {"operations", what.options.operations},
          {"faults",
           {{"stops", f.stops},
            {"expirations", f.expirations},
            {"duplicates", f.duplicates},
            {"stops_in_steps", f.stops_in_steps}}},
          {"planted", what.options.planted},
          {"replayed", what.replayed.has_value()},
          {"states", r.states},
          {"expanded", r.expanded},
          {"transitions", r.transitions},
          {"depth", r.depth},
          {"complete", r.complete},
          {"ended_by", r.ended_by},
          {"saved", r.saved},
          {"violations", violations},
          {"seconds", what.seconds},
          {"states_per_second", rate_of(what)},
          {"bytes", r.bytes}};
}

std::string list_of_subjects() {
  std::string out;
  for (const subject& s : subjects()) {
    out += fmt::format("{:<18} {}\n  up to {}, {}\n", s.name, s.words, counted(s.cores_max, "core"),
                       counted(s.operations_max, "operation"));
    if (s.bugs.empty()) continue;
    out += "  bugs that can be planted:";
    for (const std::string_view bug : s.bugs) out += fmt::format(" {}", bug);
    out += '\n';
  }
  return out;
}

boost::json::array json_of_subjects() {
  boost::json::array all;
  for (const subject& s : subjects()) {
    boost::json::array bugs;
    for (const std::string_view bug : s.bugs) bugs.emplace_back(bug);
    all.push_back(boost::json::object{{"protocol", s.name},
                                      {"words", s.words},
                                      {"cores_max", s.cores_max},
                                      {"operations_max", s.operations_max},
                                      {"bugs", bugs}});
  }
  return all;
}

}  // namespace cooper::tools
