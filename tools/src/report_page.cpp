// SPDX-License-Identifier: BSD-3-Clause
#include "report_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include <boost/json/array.hpp>

#include "report_chart.hpp"
#include "report_style.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

using boost::json::object;
using boost::json::value;

std::string text_in(const object& from, std::string_view key) {
  const value* v = from.if_contains(key);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}

std::optional<double> number_in(const object& from, std::string_view key) {
  const value* v = from.if_contains(key);
  return v != nullptr && v->is_number() ? std::optional{v->to_number<double>()} : std::nullopt;
}

std::string cell(const std::optional<double>& v, std::string_view after = "") {
  return v ? "<td>" + bench::human(*v) + std::string{after} + "</td>" : "<td></td>";
}

// One published row: ratio first, then time, then cycles, then the mark.
std::string published_row(const object& row) {
  std::string time;
  if (const auto v = number_in(row, "value")) time = with_unit(*v, text_in(row, "unit"));
  const std::string mark = text_in(row, "mark");
  const auto ratio = number_in(row, "ratio");
  return fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td>{}<td><span class=\"tag {}\">{}</span></td></tr>\n",
                     escape_html(text_in(row, "what")), ratio ? times(*ratio) : "", escape_html(time),
                     cell(number_in(row, "cycles")), escape_html(mark), escape_html(mark));
}

}  // namespace

std::string with_unit(double value, std::string_view unit) {
  if (unit == "messages/s") return bench::human(value) + "/s";
  if (unit != "ns") return bench::human(value) + ' ' + std::string{unit};
  if (std::abs(value) < 9999.5) return bench::human(value) + " ns";
  if (std::abs(value) < 9999.5e3) return bench::human(value / 1e3) + " \u00b5s";
  return bench::human(value / 1e6) + " ms";
}

std::string times(double ratio) {
  return ratio < 10    ? fmt::format("{:.2f}", ratio)
         : ratio < 100 ? fmt::format("{:.1f}", ratio)
                       : fmt::format("{:.0f}", ratio);
}

std::string mark_style(const report_row& row) {
  if (row.kind == "simulated") return "simulated";
  if (row.contender == "cooper") return "ours";
  if (row.contender == "cooper_driver") return "ours2";
  if (row.contender == "floor") return "floor";
  return "peer";
}

std::string rows_table(const std::vector<const report_row*>& rows) {
  const auto any = [&](auto has) {
    return std::any_of(rows.begin(), rows.end(), [&](const report_row* r) { return has(*r); });
  };
  const bool ratios = any([](const report_row& r) { return r.ratio.has_value(); });
  const bool peers = any([](const report_row& r) { return r.ratio_to_peer.has_value(); });
  const bool singles = any([](const report_row& r) { return r.p99.has_value(); });
  const bool floors = any([](const report_row& r) { return r.floor && r.level.empty(); });
  const bool levels = any([](const report_row& r) { return !r.level.empty(); });
  std::string out = "<div class=\"scroll\"><table><thead><tr><th>contender</th>";
  if (ratios) out += "<th>&times; floor</th><th>&plusmn; MAD</th>";
  if (peers) out += "<th>&times; " + escape_html(rows.front()->peer.empty() ? "peer" : rows.front()->peer) + "</th>";
  out += "<th>median</th><th>10 % to 90 %</th>";
  if (singles) out += "<th>p99</th>";
  if (floors) out += "<th>floor then</th>";
  if (levels) out += "<th>level</th>";
  out += "<th>samples</th><th class=\"words\">what it is</th></tr></thead><tbody>\n";
  for (const report_row* r : rows) {
    const std::string name = r->contender + (r->parameters.empty() ? "" : ' ' + r->parameters);
    if (!r->usable()) {
      const int span = 3 + 2 * ratios + peers + singles + floors + levels;
      fmt::format_to(std::back_inserter(out),
                     "<tr class=\"off\"><td>{}</td><td class=\"words\" colspan=\"{}\">{}: {}</td></tr>\n",
                     escape_html(name), span, r->skipped ? "left out" : "failed", escape_html(r->error));
      continue;
    }
    const std::string style = mark_style(*r);
    fmt::format_to(std::back_inserter(out), "<tr class=\"{}\"><td>{}{}</td>",
                   style.starts_with("ours") ? "ours" : style, escape_html(name),
                   r->kind == "simulated" ? " <span class=\"tag simulated\">simulated</span>" : "");
    if (ratios) {
      out += r->ratio ? "<td>" + times(*r->ratio) + "</td>" : "<td></td>";
      out += r->ratio_mad ? fmt::format("<td>{:.2g}</td>", *r->ratio_mad) : "<td></td>";
    }
    if (peers) out += r->ratio_to_peer ? "<td>" + times(*r->ratio_to_peer) + "</td>" : "<td></td>";
    fmt::format_to(std::back_inserter(out), "<td>{}</td><td>{} &ndash; {}</td>", with_unit(r->value, r->unit),
                   bench::human(r->p10), bench::human(r->p90));
    if (singles) out += r->p99 ? "<td>" + with_unit(*r->p99, r->unit) + "</td>" : "<td></td>";
    if (floors) out += r->floor ? "<td>" + with_unit(*r->floor, "ns") + "</td>" : "<td></td>";
    if (levels) out += "<td>" + escape_html(r->level) + "</td>";
    fmt::format_to(
        std::back_inserter(out), "<td>{:.0f}{}</td><td class=\"words\">{}</td></tr>\n", r->samples,
        r->discarded > 0
            ? fmt::format(" <span title=\"windows discarded because the floor changed\">(&minus;{:.0f})</span>",
                          r->discarded)
            : "",
        escape_html(r->label));
  }
  return out + "</tbody></table></div>\n";
}

std::string published_beside(const value& published, std::string_view workload) {
  std::string out;
  if (!published.is_object()) return out;
  const value* groups = published.get_object().if_contains("groups");
  if (groups == nullptr || !groups->is_array()) return out;
  for (const value& one : groups->get_array()) {
    if (!one.is_object() || text_in(one.get_object(), "workload") != workload) continue;
    const object& group = one.get_object();
    const value* rows = group.if_contains("rows");
    if (rows == nullptr || !rows->is_array()) continue;
    const std::string to = text_in(group, "ratio_to");
    fmt::format_to(std::back_inserter(out),
                   "<div class=\"published\"><h3><span class=\"tag published-tag\">published</span> {}</h3>"
                   "<p class=\"quiet\">{}{}</p><div class=\"scroll\"><table><thead><tr><th>where</th><th>ratio</th>"
                   "<th>value</th><th>cycles</th><th>mark</th></tr></thead><tbody>\n",
                   escape_html(text_in(group, "title")), to.empty() ? "" : "The ratio is to " + escape_html(to) + ". ",
                   escape_html(text_in(group, "note")));
    for (const value& row : rows->get_array()) {
      if (row.is_object()) out += published_row(row.get_object());
    }
    out += "</tbody></table></div></div>\n";
  }
  return out;
}

std::string render_page(const report_data& data, const value& published) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += "<title>Cooper on " + escape_html(data.about("host_name")) + "</title>\n<style>";
  out += report_style;
  out += "</style></head><body><main>\n";
  out += render_first_screen(data);
  out += render_workloads(data, published);
  out += render_simulated(data, published);
  out += render_background(data, published);
  return out + "</main></body></html>\n";
}

}  // namespace cooper::tools
