// SPDX-License-Identifier: BSD-3-Clause
// The report's simulated section: virtual time on machines that are elsewhere or nowhere, apart from what was measured.
#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "json_fields.hpp"
#include "report_chart.hpp"
#include "report_page.hpp"

namespace cooper::tools {
namespace {

using boost::json::object;
using boost::json::value;

// By number of cores.
using curve = std::map<double, double>;

// The curves of one result: by contender, and for each further parameter that the rows have.
std::vector<std::pair<std::string, curve>> curves_of(const object& result) {
  std::vector<std::pair<std::string, curve>> all;
  const value* rows = result.if_contains("results");
  if (rows == nullptr || !rows->is_array()) return all;
  for (const value& one : rows->get_array()) {
    if (!one.is_object()) continue;
    const object& row = one.get_object();
    const auto cores = number_of(row, "cores"), v = number_of(row, "value"), k = number_of(row, "k");
    if (!cores || !v) continue;
    const std::string name = text_of(row, "contender") + (k ? fmt::format(" {:.0f}", *k) : "");
    auto at = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.first == name; });
    if (at == all.end()) {
      all.emplace_back(name, curve{});
      at = all.end() - 1;
    }
    at->second[*cores] = *v;
  }
  return all;
}

std::vector<const object*> those(const report_data& data, std::string_view figure) {
  std::vector<const object*> found;
  for (const value& one : data.simulated) {
    if (one.is_object() && text_of(one.get_object(), "figure") == figure) found.push_back(&one.get_object());
  }
  return found;
}

const object* published_curve(const value& published, std::string_view name) {
  const value* all = published.is_object() ? published.get_object().if_contains("curves") : nullptr;
  if (all == nullptr || !all->is_array()) return nullptr;
  for (const value& one : all->get_array()) {
    if (one.is_object() && text_of(one.get_object(), "name") == name) return &one.get_object();
  }
  return nullptr;
}

// In its own unit.
curve points_of(const object& figure, std::string_view series) {
  curve points;
  const value* x = figure.if_contains("x");
  const value* all = figure.if_contains("series");
  const value* y = all != nullptr && all->is_object() ? all->get_object().if_contains(series) : nullptr;
  if (x == nullptr || y == nullptr || !x->is_array() || !y->is_array()) return points;
  for (std::size_t i = 0; i < std::min(x->get_array().size(), y->get_array().size()); ++i) {
    const auto at = number_of(x->get_array()[i]), v = number_of(y->get_array()[i]);
    if (at && v) points[*at] = *v;
  }
  return points;
}

series drawn(const std::string& label, const std::string& style, const curve& points, const std::string& unit) {
  series s{.label = label, .style = style, .points = {}};
  for (const auto& [x, y] : points)
    s.points.push_back({x, y, fmt::format("{}, {:g} cores: {:.2f} {}", label, x, y, unit)});
  return s;
}

std::string figure_6(const object& result, const value& published) {
  const object* paper = published_curve(published, "figure_6");
  const double ghz = paper != nullptr ? number_of(*paper, "ghz").value_or(2) : 2;
  line_chart chart{.title = "Raw shootdown messages on the 8x4-core AMD, simulated, and as published",
                   .description = "Thousands of cycles until all cores have answered, over their number.",
                   .x_axis = "cores",
                   .y_axis = "thousands of cycles",
                   .lines = {},
                   .even_x = false};
  std::string rows;
  for (auto [name, points] : curves_of(result)) {
    for (auto& [cores, v] : points) v *= ghz / 1000;
    const curve theirs = paper != nullptr ? points_of(*paper, name) : curve{};
    chart.lines.push_back(drawn(name, "simulated", points, "thousand cycles"));
    if (!theirs.empty()) chart.lines.push_back(drawn("published", "published", theirs, "thousand cycles"));
    for (const auto& [cores, v] : points) {
      const auto at = theirs.find(cores);
      rows +=
          fmt::format("<tr class=\"simulated\"><td>{}</td><td>{:.0f}</td><td>{:.2f}</td>", escape_html(name), cores, v);
      rows += at == theirs.end()
                  ? "<td></td><td></td>"
                  : fmt::format("<td>{:.2f}</td><td>{:+.0f} %</td>", at->second, 100 * (v / at->second - 1));
      rows += "</tr>\n";
    }
  }
  return "<h3>One core tells all and hears from all: the paper's Figure 6</h3>"
         "<p class=\"quiet\">The costs come from the figure's unicast and broadcast curves and from Table 2; both "
         "trees "
         "are predicted. " +
         escape_html(paper != nullptr ? text_of(*paper, "note") : "") + "</p>" + draw(chart) +
         "<details><summary>All points, in thousands of cycles</summary><div class=\"scroll\"><table><thead><tr>"
         "<th>contender</th><th>cores</th><th>simulated</th><th>published "
         "<span class=\"tag D\">D</span></th><th>off by</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div></details>\n";
}

std::string figure_3(const std::vector<const object*>& results) {
  std::string out =
      "<h3>Shared memory or messages: the paper's Figure 3 on its four machines</h3>"
      "<p class=\"quiet\">An update of k lines in place, by all cores (shared k), or by a server that the others call "
      "(message). The only number that is known of the figure, from memory, is about 12,000 cycles at 16 cores and 8 "
      "lines on the 4x4-core AMD, which are 4,800 ns; nothing was fitted to it.</p>";
  for (const object* result : results) {
    const std::string machine = text_of(*result, "profile");
    line_chart chart{.title = "Shared memory against messages on " + machine + ", simulated",
                     .description = "Nanoseconds an operation, over the number of cores, a line for each k.",
                     .x_axis = "cores of " + machine,
                     .y_axis = "ns an operation",
                     .lines = {},
                     .even_x = false,
                     .compact = true};
    for (const auto& [name, points] : curves_of(*result)) {
      const bool message = name.starts_with("message");
      // The server's lines stay in its cache: one curve stands for all k.
      if (message && name != "message 8") continue;
      chart.lines.push_back(drawn(message ? "message" : name, message ? "ours" : "simulated", points, "ns"));
    }
    if (!chart.lines.empty()) out += draw(chart);
  }
  return out;
}

std::string trees(const std::vector<const object*>& results) {
  std::string out =
      "<h3>Trees on large machines</h3><p class=\"quiet\">The same round on machines that nobody has measured, with "
      "assumed costs: a message to each; a tree of two levels; the same with the longest tail first and each channel's "
      "memory at its receiver's.</p><div class=\"scroll\"><table><thead><tr><th>machine</th><th>cores</th>"
      "<th>unicast</th><th>two levels</th><th>NUMA-aware</th><th>unicast / NUMA-aware</th></tr></thead><tbody>\n";
  for (const object* result : results) {
    std::map<double, std::map<std::string, double>> by_cores;
    for (const auto& [name, points] : curves_of(*result)) {
      for (const auto& [cores, v] : points) by_cores[cores][name] = v;
    }
    for (auto& [cores, v] : by_cores) {
      out += fmt::format("<tr class=\"simulated\"><td>{}</td><td>{:.0f}</td><td>{}</td><td>{}</td><td>{}</td>",
                         escape_html(text_of(*result, "profile")), cores, with_unit(v["unicast"], "ns"),
                         with_unit(v["multicast"], "ns"), with_unit(v["numa_multicast"], "ns"));
      out +=
          fmt::format("<td>{}</td></tr>\n", v["numa_multicast"] > 0 ? times(v["unicast"] / v["numa_multicast"]) : "");
    }
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace

std::string render_simulated(const report_data& data, const value& published) {
  if (data.simulated.empty()) return {};
  double messages = 0, seconds = 0;
  for (const value& one : data.simulated) {
    const value* host = one.is_object() ? one.get_object().if_contains("host") : nullptr;
    if (host == nullptr || !host->is_object()) continue;
    messages += number_of(host->get_object(), "messages").value_or(0);
    seconds += number_of(host->get_object(), "seconds").value_or(0);
  }
  std::string out =
      "<section id=\"simulated\" class=\"simulated\"><h2>Simulated <span class=\"tag simulated\">simulated</span></h2>"
      "<p class=\"lead\">The same drivers and protocols in virtual time, on machines that are elsewhere or nowhere. "
      "Nothing in this section was measured on the machine above; times are what the machines' cost profiles add up "
      "to.</p>\n";
  if (const auto found = those(data, "figure_6"); !found.empty()) out += figure_6(*found.front(), published);
  if (const auto found = those(data, "figure_3"); !found.empty()) out += figure_3(found);
  if (const auto found = those(data, "trees"); !found.empty()) out += trees(found);
  if (seconds > 0) {
    out += fmt::format(
        "<p class=\"quiet\">This host simulated {:.0f} messages in {:.1f} s for it. Run one again: "
        "<code>cooper sim examples/scenarios/figure_6_amd_8x4.toml</code>.</p>",
        messages, seconds);
  }
  return out + "</section>\n";
}

}  // namespace cooper::tools
