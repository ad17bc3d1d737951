// SPDX-License-Identifier: BSD-3-Clause
// A section for each workload: what was asked, a picture, the table, and what others published.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "report_chart.hpp"
#include "report_page.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

double number(const report_row& r, const std::string& parameter) {
  const auto at = r.parameter.find(parameter);
  return at == r.parameter.end() ? 0 : std::strtod(at->second.c_str(), nullptr);
}
bool has(const report_row& r, const std::string& parameter) { return r.parameter.contains(parameter); }

std::string begin_section(std::string_view id, std::string_view heading, std::string_view lead) {
  return fmt::format("<section id=\"{}\"><h2>{}</h2><p class=\"lead\">{}</p>\n", id, heading, lead);
}

std::vector<const report_row*> those(const std::vector<const report_row*>& rows, auto wanted) {
  std::vector<const report_row*> found;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(found), [&](const report_row* r) { return wanted(*r); });
  return found;
}

std::string tooltip(const report_row& r) {
  std::string out = r.name + ": " + with_unit(r.value, r.unit);
  if (r.ratio) out += ", " + times(*r.ratio) + " times the floor";
  if (r.ratio_to_peer) out += ", " + times(*r.ratio_to_peer) + " times " + r.peer;
  return out;
}

// -- line_rtt ---------------------------------------------------------------------------------------------------------

std::string pairs_map(const std::vector<const report_row*>& rows) {
  std::vector<std::string> names;
  for (const report_row* r : rows) {
    for (const std::string& core : r->cores) {
      if (std::find(names.begin(), names.end(), core) == names.end()) names.push_back(core);
    }
  }
  if (names.size() < 3) return {};  // two cores have one pair: that is the headline
  std::sort(names.begin(), names.end(),
            [](const std::string& a, const std::string& b) { return std::stod(a) < std::stod(b); });
  heat_map map{.title = "Round trip of a line between every two cores",
               .description = "A matrix of cores by cores; the darker, the longer.",
               .unit = "ns",
               .names = names,
               .values = std::vector<std::optional<double>>(names.size() * names.size())};
  for (const report_row* r : rows) {
    if (!r->usable() || r->cores.size() != 2) continue;
    const auto place = [&](const std::string& core) {
      return static_cast<std::size_t>(std::find(names.begin(), names.end(), core) - names.begin());
    };
    const std::size_t a = place(r->cores[0]), b = place(r->cores[1]);
    map.values[a * names.size() + b] = map.values[b * names.size() + a] = r->value;
  }
  return "<h3>All pairs of cores</h3><p class=\"quiet\">cooper, nanoseconds a round trip; operating-system CPU "
         "numbers.</p>" +
         draw(map);
}

std::string levels_table(const std::vector<const report_row*>& rows) {
  std::set<std::string> seen;
  for (const report_row* r : rows) {
    for (const report_level& l : r->levels) seen.insert(l.name);
  }
  if (seen.size() < 2) return {};
  std::string out =
      "<details><summary>The ratio at each level of the floor</summary><div "
      "class=\"scroll\"><table><thead><tr><th>contender</th>";
  for (const char* name : {"sibling", "near", "mid", "far"}) {
    if (seen.contains(name)) out += std::string{"<th>"} + name + "</th>";
  }
  out += "</tr></thead><tbody>\n";
  for (const report_row* r : rows) {
    if (!r->usable()) continue;
    out += "<tr><td>" + escape_html(r->contender) + "</td>";
    for (const char* name : {"sibling", "near", "mid", "far"}) {
      if (!seen.contains(name)) continue;
      const auto at =
          std::find_if(r->levels.begin(), r->levels.end(), [&](const report_level& l) { return l.name == name; });
      out += at == r->levels.end() ? "<td></td>"
                                   : fmt::format("<td>{} &times; {} <span class=\"quiet\">({:.0f} windows)</span></td>",
                                                 times(at->ratio), with_unit(at->floor, "ns"), at->windows);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div></details>\n";
}

std::string line_rtt(const report_data& data, const boost::json::value& published) {
  const auto all = data.of("line_rtt");
  const auto headlines = those(all, [](const report_row& r) { return r.parameters.empty(); });
  std::string out =
      begin_section("line_rtt", "Round trip",
                    "One 64-byte message to the other core and back, one at a time, both cores polling. Windows of the "
                    "floor alternate with windows of the contender on the same two pinned threads; the ratio is the "
                    "median over windows.");
  out += rows_table(headlines) + levels_table(headlines);
  out += pairs_map(those(all, [](const report_row& r) { return r.contender == "cooper" && has(r, "pair"); }));
  if (data.floor_trace.size() > 1) {
    out +=
        "<h3>The floor through the whole run</h3><p class=\"quiet\">A dot is one window of 20,000 round trips. Where "
        "the dots "
        "jump, the host moved the cores; such windows are discarded or counted at their level.</p>";
    out += draw(trace_chart{.title = "The floor through the run",
                            .description = "Nanoseconds a round trip of each window of the floor, in order.",
                            .y_axis = "ns",
                            .values = data.floor_trace});
  }
  return out + published_beside(published, "line_rtt") + published_beside(published, "floor") + "</section>\n";
}

// -- line_stream ------------------------------------------------------------------------------------------------------

std::string rate_bars(const std::vector<const report_row*>& rows, const std::string& title) {
  bar_chart chart{.title = title,
                  .description = "",
                  .axis = "messages a second",
                  .bars = {},
                  .reference = {},
                  .reference_label = "",
                  .linear = true};
  for (const report_row* r : rows) {
    if (!r->usable()) continue;
    chart.bars.push_back(
        {.label = r->contender,
         .value = r->value,
         .low = r->p10,
         .high = r->p90,
         .note = (r->ratio_to_peer ? times(*r->ratio_to_peer) + " \u00d7 " + r->peer + "  \u00b7  " : "") +
                 bench::human(r->value) + "/s",
         .tooltip = tooltip(*r),
         .style = mark_style(*r)});
    chart.description += r->contender + ' ' + bench::human(r->value) + " a second. ";
  }
  if (chart.bars.empty()) return {};
  std::stable_sort(chart.bars.begin(), chart.bars.end(), [](const bar& a, const bar& b) { return a.value > b.value; });
  return draw(chart);
}

std::string line_stream(const report_data& data, const boost::json::value& published) {
  const auto all = data.of("line_stream");
  const auto open = those(all, [](const report_row& r) { return r.parameters.empty(); });
  const auto windowed = those(all, [](const report_row& r) { return has(r, "window"); });
  const auto scaling = those(all, [](const report_row& r) {
    return r.usable() && (has(r, "senders") || r.name == "line_stream/cooper_driver");
  });
  std::string out =
      begin_section("line_stream", "Stream",
                    "64-byte messages one way, as fast as they go. All 56 payload bytes are written and summed; queues "
                    "hold 256. The multiple is of boost_spsc, in windows that alternate with the contender's.");
  out += rate_bars(open, "Messages a second, open window") + rows_table(open);
  if (!windowed.empty()) {
    out +=
        "<h3>At most 16 under way</h3><p class=\"quiet\">The receiver acknowledges every fourth message over the same "
        "kind of "
        "queue: the paper's window.</p>" +
        rows_table(windowed);
  }
  if (scaling.size() > 1) {
    line_chart chart{.title = "Many senders, one receiver",
                     .description = "Messages a second that one receiver takes, by senders.",
                     .x_axis = "sending cores",
                     .y_axis = "messages/s",
                     .lines = {{"cooper_driver", "ours", {}}}};
    for (const report_row* r : scaling) {
      chart.lines.front().points.push_back({has(*r, "senders") ? number(*r, "senders") : 1, r->value, tooltip(*r)});
    }
    std::sort(chart.lines.front().points.begin(), chart.lines.front().points.end(),
              [](const point& a, const point& b) { return a.x < b.x; });
    out += "<h3>Many senders, one receiver</h3>" + draw(chart);
  }
  return out + published_beside(published, "line_stream") + "</section>\n";
}

// -- flow_control -----------------------------------------------------------------------------------------------------

std::string flow_control(const report_data& data, const boost::json::value& published) {
  const auto all = data.of("flow_control");
  std::string out = begin_section(
      "flow_control", "Flow control",
      "How a sender learns that a slot is free again: a credit word that the receiver overwrites in a line "
      "of its own (what Cooper's channel does), a flag in each slot that the receiver clears, or "
      "acknowledgements that ride on the way back. The rings are otherwise alike.");
  for (const auto& [traffic, heading] : {std::pair{"rtt", "Round trip, times the floor"},
                                         {"stream", "Open stream"},
                                         {"window", "Stream, 16 under way"}}) {
    line_chart chart{.title = std::string{"Flow control: "} + heading,
                     .description = "One line for each flow control, over the capacity.",
                     .x_axis = "slots of the ring",
                     .y_axis = std::string_view{traffic} == "rtt" ? "times the floor" : "messages/s",
                     .lines = {},
                     .compact = true};
    for (const auto& [contender, style] :
         {std::pair{"credit_word", "ours"}, {"used_flag", "peer2"}, {"piggyback", "floor"}}) {
      series s{.label = contender, .style = style, .points = {}};
      for (const report_row* r : all) {
        if (!r->usable() || r->contender != contender || !has(*r, traffic) || has(*r, "credit_batch") ||
            has(*r, "memory"))
          continue;
        s.points.push_back({number(*r, "capacity"),
                            std::string_view{traffic} == "rtt" ? r->ratio.value_or(0) : r->value, tooltip(*r)});
      }
      if (!s.points.empty()) chart.lines.push_back(std::move(s));
    }
    if (!chart.lines.empty()) out += fmt::format("<h3>{}</h3>", heading) + draw(chart);
  }
  const auto details = those(all, [](const report_row& r) { return !r.parameters.empty(); });
  out += "<details><summary>All rows, the credit batch and the memory's place included</summary>" +
         rows_table(details) + "</details>";
  return out + published_beside(published, "flow_control") + "</section>\n";
}

// -- shared_vs_message ------------------------------------------------------------------------------------------------

line_chart figure_three(const std::vector<const report_row*>& rows, double cores) {
  line_chart chart{.title = "Shared memory against messages",
                   .description = "Nanoseconds an update costs a core, over the number of cache lines that it updates.",
                   .x_axis = fmt::format("cache lines updated ({:.0f} cores)", cores),
                   .y_axis = "ns an operation, each core",
                   .lines = {}};
  for (const auto& [contender, style] :
       {std::pair{"shared", "peer"}, {"shared_locked", "peer2"}, {"message", "ours"}, {"message_pipelined", "ours2"}}) {
    series s{.label = contender, .style = style, .points = {}};
    for (const report_row* r : rows) {
      if (!r->usable() || r->contender != contender || number(*r, "cores") != cores || !has(*r, "k")) continue;
      const double throughput = (cores - (r->contender.starts_with("message") ? 1 : 0)) * 1e9 / r->value;
      s.points.push_back({number(*r, "k"), r->value,
                          tooltip(*r) + ", all cores together " + bench::human(throughput) + " operations/s"});
    }
    if (!s.points.empty()) chart.lines.push_back(std::move(s));
  }
  return chart;
}

// The paper's own axes: over the cores, a line for each k.
line_chart figure_three_by_cores(const std::vector<const report_row*>& rows) {
  line_chart chart{
      .title = "Shared memory against messages, by cores",
      .description =
          "Nanoseconds an update costs a core, over the number of cores, a line for each number of cache lines.",
      .x_axis = "cores",
      .y_axis = "ns an operation, each core",
      .lines = {}};
  for (const auto& [contender, name, style] : {std::tuple{"shared", "SHM", "peer2"}, {"message", "MSG", "ours"}}) {
    for (const double k : {1.0, 2.0, 4.0, 8.0}) {
      if (std::string_view{contender} == "message" && k != 1 && k != 8) continue;  // as in the figure
      series s{.label = fmt::format("{}{:.0f}", name, k), .style = style, .points = {}};
      for (const report_row* r : rows) {
        if (r->usable() && r->contender == contender && has(*r, "k") && number(*r, "k") == k) {
          s.points.push_back({number(*r, "cores"), r->value, tooltip(*r)});
        }
      }
      if (!s.points.empty()) chart.lines.push_back(std::move(s));
    }
  }
  return chart;
}

std::string shared_vs_message(const report_data& data, const boost::json::value& published) {
  const auto all = data.of("shared_vs_message");
  double cores = 0;
  std::set<double> counts;
  for (const report_row* r : all) {
    if (!r->usable() || !has(*r, "cores")) continue;
    counts.insert(number(*r, "cores"));
    cores = std::max(cores, number(*r, "cores"));
  }
  std::string out = begin_section(
      "shared_vs_message", "Shared memory or messages",
      "The paper's Figure 3 on this machine: an update of k cache lines, made in place by every core, or by one "
      "server core that the others call. Unlocked updates may be lost; they show what moving the lines costs. "
      "With two cores there is one client, so messages have no contention to save.");
  if (cores > 0) out += draw(figure_three(all, cores));
  if (counts.size() > 2) out += "<h3>Over the number of cores</h3>" + draw(figure_three_by_cores(all));
  std::vector<const report_row*> rows =
      those(all, [](const report_row& r) { return !r.parameters.empty() || !r.usable(); });
  out += "<details><summary>All rows</summary>" + rows_table(rows) + "</details>";
  return out + published_beside(published, "shared_vs_message") + "</section>\n";
}

// -- savina -----------------------------------------------------------------------------------------------------------

// Times stock CAF, for each program three bars: what an unmodified program gains, and what a rewritten one does.
std::string savina_bars(const std::vector<const report_row*>& rows, const std::string& cores) {
  bar_chart chart{.title = "Savina on " + cores + (cores == "1" ? " core" : " cores"),
                  .description = "Six programs, as times stock CAF. ",
                  .axis = "times stock CAF on the same cores",
                  .bars = {},
                  .reference = 1.0,
                  .reference_label = "stock CAF"};
  for (const char* program : {"ping_pong", "counting", "thread_ring", "chameneos", "big", "fork_join"}) {
    for (const auto& [contender, style] : {std::pair{"drop_in", "peer2"}, {"core_actor", "ours2"}, {"line", "ours"}}) {
      for (const report_row* r : rows) {
        if (!r->usable() || !r->ratio_to_peer || r->contender != contender || !has(*r, "cores") ||
            r->parameter.at("cores") != cores || !has(*r, "program") || r->parameter.at("program") != program)
          continue;
        const bool first = std::string_view{contender} == "drop_in";
        chart.bars.push_back({.label = first ? std::string{program} + " " + contender : std::string{contender},
                              .value = *r->ratio_to_peer,
                              .note = times(*r->ratio_to_peer) + " \u00d7  \u00b7  " + bench::human(r->value) + "/s",
                              .tooltip = tooltip(*r),
                              .style = style});
        chart.description += fmt::format("{} {} {}. ", program, contender, times(*r->ratio_to_peer));
      }
    }
  }
  return chart.bars.empty() ? std::string{} : "<h3>" + chart.title + "</h3>" + draw(chart);
}

std::string savina(const report_data& data, const boost::json::value& published) {
  const auto all = data.of("savina");
  std::string out = begin_section("savina", "Actor programs",
                                  "Six programs of the Savina suite on stock CAF, whose workers are pinned to the same "
                                  "cores, and in turn with it on "
                                  "the drivers: unmodified (drop_in), as core actors, and rewritten for line messages. "
                                  "Default placement, no hints.");
  out += savina_bars(all, "1") + savina_bars(all, "2");
  return out + "<details><summary>All rows</summary>" + rows_table(all) + "</details>" +
         published_beside(published, "savina") + "</section>\n";
}

// -- the plain ones ---------------------------------------------------------------------------------------------------

std::string plain(const report_data& data, const boost::json::value& published, std::string_view id,
                  std::string_view heading, std::string_view lead) {
  return begin_section(id, heading, lead) + rows_table(data.of(id)) + published_beside(published, id) + "</section>\n";
}

}  // namespace

std::string render_workloads(const report_data& data, const boost::json::value& published) {
  std::string out;
  if (!data.of("line_rtt").empty()) out += line_rtt(data, published);
  if (!data.of("line_stream").empty()) out += line_stream(data, published);
  if (!data.of("flow_control").empty()) out += flow_control(data, published);
  if (!data.of("lrpc").empty()) {
    out += plain(
        data, published, "lrpc", "Same core",
        "A message to an endpoint of the same core and back: it waits in the run queue until the running handler has "
        "returned. A direct call is what no message can beat.");
  }
  if (!data.of("call_rtt").empty()) {
    out += plain(data, published, "call_rtt", "Calls",
                 "One core actor speaks to another on the other core in lines, and hears from it: a line each way; a "
                 "call that a coroutine awaits; a call with a callback. <em>in_flight=64</em> is the cost of one of 64 "
                 "calls under way at a time.");
  }
  if (!data.of("parcel_rtt").empty()) {
    out += plain(data, published, "parcel_rtt", "CAF messages",
                 "A CAF message to an actor on the other core and back. Stock CAF on one worker crosses nothing; on a "
                 "virtual machine nearly all of a detached or scoped actor's time is its thread's wake-up.");
  }
  if (!data.of("bulk_rtt").empty()) {
    out += plain(data, published, "bulk_rtt", "Bulk buffers",
                 "A buffer goes to an actor on the other core and back. Moved, it costs the same whatever its size; "
                 "copied, each side copies all of it.");
  }
  if (!data.of("savina").empty()) out += savina(data, published);
  if (!data.of("wake").empty()) {
    out += plain(
        data, published, "wake", "Wake",
        "From the send until the handler of a sleeping receiver has run. Every wake-up is timed alone, after the same "
        "rest. "
        "The floor here is a thread on the receiver's core in a blocking read of an eventfd. <em>disturbance</em> is "
        "what a computing core loses while another parks again and again.");
  }
  if (!data.of("idle").empty()) {
    out +=
        plain(data, published, "idle", "Idle", "CPU time of the whole process while its drivers have nothing to do.");
  }
  if (!data.of("shared_vs_message").empty()) out += shared_vs_message(data, published);
  if (!data.of("skb").empty()) {
    out += plain(data, published, "skb", "Knowledge base",
                 "The logic engine that plans multicast trees and answers questions about the machine: its start and "
                 "the memory it keeps, the look-up of one fact in three ways, the choice of a tree, and a change of "
                 "facts. It runs beside the drivers, never on their cores.");
  }
  return out;
}

}  // namespace cooper::tools
