// SPDX-License-Identifier: BSD-3-Clause
// The first screen of the report: who reads only this knows the machine's message cost, and whether to trust it.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include <boost/json/array.hpp>

#include "report_chart.hpp"
#include "report_page.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

std::string plural(double n, const char* one) { return fmt::format("{:.0f} {}{}", n, one, n == 1 ? "" : "s"); }

std::string bytes(double n) {
  if (n >= 1024 * 1024) return fmt::format("{:.3g} MiB", n / (1024 * 1024));
  return fmt::format("{:.3g} KiB", n / 1024);
}

std::string cache_sentence(const report_data& data) {
  const boost::json::value* caches = data.context.if_contains("caches");
  if (caches == nullptr || !caches->is_array()) return {};
  std::string out;
  for (const boost::json::value& c : caches->get_array()) {
    if (!c.is_object()) continue;
    const auto* level = c.get_object().if_contains("level");
    const auto* size = c.get_object().if_contains("size");
    if (level == nullptr || size == nullptr || !level->is_number() || !size->is_number()) continue;
    out += fmt::format("{}{} L{}", out.empty() ? "" : ", ", bytes(size->to_number<double>()), level->to_number<int>());
  }
  return out;
}

// The machine in a sentence.
std::string machine_sentence(const report_data& data) {
  const double threads = data.number("num_cpus"), physical = data.number("physical_cores");
  std::string out =
      "<b>" + escape_html(data.about("host_name")) + "</b>: " + escape_html(data.about("cpu_model")) + ", ";
  out += plural(physical, "core") + (threads != physical ? " with " + plural(threads, "hardware thread") : "");
  if (data.number("packages") > 1) out += " in " + plural(data.number("packages"), "package");
  if (data.number("numa_nodes") > 1) out += " and " + plural(data.number("numa_nodes"), "NUMA node");
  const std::string caches = cache_sentence(data);
  if (!caches.empty()) out += "; " + caches;
  const std::string hypervisor = data.about("hypervisor");
  if (hypervisor != "none" && hypervisor != "unknown") out += "; a virtual machine under " + escape_html(hypervisor);
  return out + "; " + escape_html(data.about("kernel")) + '.';
}

void card(std::string& out, const std::string& figure, const std::string& words) {
  fmt::format_to(std::back_inserter(out), "<div><b>{}</b><span>{}</span></div>\n", figure, words);
}

std::string cards(const report_data& data) {
  std::string out = "<div class=\"cards\">\n";
  if (const report_row* r = data.find("line_rtt/cooper_driver")) {
    card(out, with_unit(r->value, r->unit),
         "through two CPU drivers to a handler and back" +
             (r->ratio ? ", " + times(*r->ratio) + " &times; the floor" : ""));
  }
  if (const report_row* r = data.find("line_stream/cooper")) {
    card(
        out, bench::human(r->value) + "/s",
        "64-byte messages one way" + (r->ratio_to_peer ? ", " + times(*r->ratio_to_peer) + " &times; boost_spsc" : ""));
  }
  if (const report_row* r = data.find("wake/cooper")) {
    card(out, with_unit(r->value, r->unit),
         "to wake a parked core" + (r->ratio ? ", " + times(*r->ratio) + " &times; a bare eventfd" : ""));
  }
  if (const report_row* r = data.find("idle/cooper")) {
    card(out, bench::human(r->value) + " %", "of one core, all drivers parked");
  }
  if (const report_row* r = data.find("lrpc/cooper"))
    card(out, with_unit(r->value, r->unit), "to the same core and back");
  return out + "</div>\n";
}

std::string peer_bars(const report_data& data) {
  bar_chart chart;
  chart.title = "Round trip of a message between two cores, as multiples of the floor";
  chart.axis = "times the floor: the cost of moving one line there and one back on these cores";
  chart.reference = 1;
  chart.reference_label = "floor";
  for (const report_row* r : data.of("line_rtt")) {
    if (!r->usable() || !r->ratio || !r->parameters.empty() || r->contender == "floor") continue;
    chart.bars.push_back({.label = r->contender,
                          .value = *r->ratio,
                          .low = r->ratio_p10,
                          .high = r->ratio_p90,
                          .note = times(*r->ratio) + " \u00d7 floor  \u00b7  " + with_unit(r->value, r->unit),
                          .tooltip = r->label + ": " + times(*r->ratio) + " times the floor, median of " +
                                     bench::human(r->samples) + " windows; whisker: 10 % to 90 %",
                          .style = mark_style(*r)});
    chart.description += r->contender + ' ' + times(*r->ratio) + ". ";
  }
  if (chart.bars.empty()) return {};
  std::stable_sort(chart.bars.begin(), chart.bars.end(), [](const bar& a, const bar& b) { return a.value < b.value; });
  return draw(chart);
}

std::string list_of(const std::vector<std::string>& sentences) {
  std::string out = "<ul>";
  for (const std::string& s : sentences) out += "<li>" + escape_html(s) + "</li>";
  return sentences.empty() ? std::string{} : out + "</ul>";
}

std::string notices(const report_data& data) {
  std::string out;
  if (data.interrupted) {
    out +=
        "<div class=\"notice\"><b>Interrupted.</b> This report is partial: it shows what was measured until "
        "then.</div>\n";
  }
  if (data.warnings.empty() && data.doctor.empty()) return out;
  out += "<div class=\"notice\"><b>Before you trust these numbers</b>" + list_of(data.warnings);
  if (!data.doctor.empty()) {
    fmt::format_to(std::back_inserter(out),
                   "<details{}><summary>cooper doctor found {} on this machine</summary>{}</details>",
                   data.warnings.empty() ? " open" : "", plural(static_cast<double>(data.doctor.size()), "thing"),
                   list_of(data.doctor));
  }
  return out + "</div>\n";
}

// Why the headline is missing.
std::string not_measured(const report_data& data) {
  for (const report_row& r : data.rows) {
    if (r.name == "line_rtt/cooper" && !r.usable()) return ": " + escape_html(r.error);
  }
  return ".";
}

}  // namespace

std::string render_first_screen(const report_data& data) {
  std::string out =
      "<div class=\"top\"><div class=\"brand\">Cooper <span>how this machine's cores talk</span></div><nav>";
  for (const auto& [id, words] : {std::pair{"line_rtt", "round trip"},
                                  {"line_stream", "stream"},
                                  {"flow_control", "flow control"},
                                  {"lrpc", "same core"},
                                  {"call_rtt", "calls"},
                                  {"parcel_rtt", "CAF messages"},
                                  {"bulk_rtt", "bulk"},
                                  {"savina", "actor programs"},
                                  {"wake", "wake"},
                                  {"idle", "idle"},
                                  {"shared_vs_message", "shared memory"},
                                  {"skb", "knowledge base"},
                                  {"simulated", "simulated"},
                                  {"machine", "machine"},
                                  {"method", "method"}}) {
    const bool there = std::string_view{id} == "machine" || std::string_view{id} == "method" ||
                       (std::string_view{id} == "simulated" ? !data.simulated.empty() : !data.of(id).empty());
    if (there) fmt::format_to(std::back_inserter(out), "<a href=\"#{}\">{}</a>", id, words);
  }
  out += "</nav></div>\n<div class=\"hero\">\n<p class=\"machine\">" + machine_sentence(data) + "</p>\n";
  if (const report_row* r = data.find("line_rtt/cooper")) {
    out += "<h1>One line to the other core and back</h1>\n<div class=\"big\"><span class=\"number\">";
    const std::string shown = with_unit(r->value, r->unit);
    const auto space = shown.rfind(' ');
    out += shown.substr(0, space) + " <small>" + shown.substr(space + 1) + "</small></span>";
    if (r->ratio && r->floor) {
      out += "<span class=\"versus\"><b>" + times(*r->ratio) + " &times;</b> the floor of " +
             with_unit(*r->floor, "ns") + ", at the " + escape_html(r->level) + " level</span>";
    }
    out += "</div>\n";
  } else {
    out += "<h1>The round trip between two cores was not measured" + not_measured(data) + "</h1>\n";
  }
  out += cards(data) + peer_bars(data) + "</div>\n";
  return out + notices(data);
}

}  // namespace cooper::tools
