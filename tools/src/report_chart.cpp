// SPDX-License-Identifier: BSD-3-Clause
#include "report_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <set>

#include <cooper/vocabulary/assert.hpp>

#include "report_style.hpp"
#include "support/results.hpp"

namespace cooper::tools {
namespace {

using bench::human;

// Where a value stands between begin and end, in pixels.
struct scale {
  double low, high, begin, end;
  bool logarithmic;

  double operator()(double v) const {
    const double share =
        logarithmic ? std::log(std::max(v, low) / low) / std::log(high / low) : (v - low) / (high - low);
    return begin + std::clamp(share, 0.0, 1.0) * (end - begin);
  }
};

void open_svg(std::string& out, double width, double height, const std::string& title, const std::string& description) {
  static int count = 0;
  const int id = ++count;
  fmt::format_to(std::back_inserter(out),
                 "<svg class=\"chart\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-labelledby=\"c{}t c{}d\">"
                 "<title id=\"c{}t\">{}</title><desc id=\"c{}d\">{}</desc>\n",
                 width, height, id, id, id, escape_html(title), id, escape_html(description));
}

void text(std::string& out, double x, double y, std::string_view css, std::string_view words) {
  fmt::format_to(std::back_inserter(out), "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, css,
                 escape_html(words));
}

void line(std::string& out, double x1, double y1, double x2, double y2, std::string_view css) {
  fmt::format_to(std::back_inserter(out),
                 "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2, css);
}

std::vector<double> ticks_of(const scale& s, int about) {
  return s.logarithmic ? decade_ticks(s.low, s.high) : linear_ticks(s.high, about);
}

// A round number as an axis shows it: no digit that says nothing.
std::string tick_text(double v) {
  if (v >= 1e9) return fmt::format("{:g} billion", v / 1e9);
  if (v >= 1e6) return fmt::format("{:g} million", v / 1e6);
  return v >= 1e4 ? human(v) : fmt::format("{:g}", v);
}

// Labels at the ends of lines must not lie on each other: moves them apart, in order.
void spread(std::vector<std::pair<double, std::size_t>>& places, double least, double bottom) {
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) {
    places[i].first = std::max(places[i].first, places[i - 1].first + least);
  }
  if (places.empty()) return;
  double limit = bottom;
  for (std::size_t i = places.size(); i-- > 0;) {
    places[i].first = std::min(places[i].first, limit);
    limit = places[i].first - least;
  }
}

}  // namespace

std::string escape_html(std::string_view words) {
  std::string out;
  for (const char c : words) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<double> linear_ticks(double max, int about) {
  if (max <= 0) return {0};
  const double rough = max / about;
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  double step = decade * 10;
  for (const double nice : {1.0, 2.0, 2.5, 5.0}) {
    if (nice * decade >= rough) {
      step = nice * decade;
      break;
    }
  }
  std::vector<double> ticks;
  for (int i = 0; i * step <= max * 1.0001; ++i) ticks.push_back(i * step);
  return ticks;
}

std::vector<double> decade_ticks(double low, double high) {
  std::vector<double> ticks;
  const bool few = high / low < 100;
  for (double decade = std::pow(10.0, std::floor(std::log10(low))); decade <= high; decade *= 10) {
    for (const double m : few ? std::vector<double>{1, 2, 5} : std::vector<double>{1}) {
      if (m * decade >= low * 0.999 && m * decade <= high * 1.001) ticks.push_back(m * decade);
    }
  }
  return ticks;
}

std::string draw(const bar_chart& chart) {
  constexpr double width = 880, left = 150, right = 250, top = 26, step = 32, thick = 18;
  double most = chart.reference.value_or(0), least = 1e300;
  for (const bar& b : chart.bars) {
    most = std::max(most, b.value);
    if (b.value > 0) least = std::min(least, b.value);
  }
  const double bottom = top + step * static_cast<double>(chart.bars.size());
  const bool logarithmic = !chart.linear && least < 1e300 && most > 14 * least;
  const double low = logarithmic ? std::min(least, chart.reference.value_or(least)) / 1.6 : 0;
  const scale x{low, std::max(most * 1.04, 1e-9), left, width - right, logarithmic};
  std::string out;
  open_svg(out, width, bottom + 44, chart.title, chart.description);
  for (const double tick : ticks_of(x, 6)) {
    line(out, x(tick), top - 6, x(tick), bottom, "grid");
    text(out, x(tick), bottom + 16, "tick mid", tick_text(tick));
  }
  text(out, (left + width - right) / 2, bottom + 36, "axis mid", chart.axis + (logarithmic ? " (logarithmic)" : ""));
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    const bar& b = chart.bars[i];
    const double y = top + step * static_cast<double>(i) + (step - thick) / 2;
    text(out, left - 10, y + thick - 4.5, b.style.starts_with("ours") ? "label end strong" : "label end", b.label);
    fmt::format_to(std::back_inserter(out),
                   "<g class=\"mark\"><title>{}</title><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" "
                   "rx=\"3\" class=\"bar {}\"/>\n",
                   escape_html(b.tooltip), left, y, std::max(1.0, x(b.value) - left), thick, b.style);
    double end = x(b.value);
    if (b.low && b.high && *b.high > *b.low) {
      line(out, x(*b.low), y + thick / 2, x(*b.high), y + thick / 2, "whisker");
      line(out, x(*b.low), y + thick / 2 - 4, x(*b.low), y + thick / 2 + 4, "whisker");
      line(out, x(*b.high), y + thick / 2 - 4, x(*b.high), y + thick / 2 + 4, "whisker");
      end = std::max(end, x(*b.high));
    }
    out += "</g>\n";
    text(out, end + 10, y + thick - 4.5, b.style.starts_with("ours") ? "note strong" : "note", b.note);
  }
  if (chart.reference) {
    line(out, x(*chart.reference), top - 8, x(*chart.reference), bottom, "reference");
    text(out, x(*chart.reference), top - 13, "tick mid", chart.reference_label);
  }
  return out + "</svg>\n";
}

std::string draw(const line_chart& chart) {
  const double width = 880, left = 112, right = 190, top = 14, bottom = chart.compact ? 190 : 320, height = bottom + 56;
  std::set<double> xs;
  double most = 0, least = 1e300;
  for (const series& s : chart.lines) {
    for (const point& p : s.points) {
      xs.insert(p.x);
      most = std::max(most, p.y);
      if (p.y > 0) least = std::min(least, p.y);
    }
  }
  if (xs.empty()) return {};
  const bool logarithmic = most > 20 * least;
  const scale y{logarithmic ? least / 1.3 : 0, most * (logarithmic ? 1.3 : 1.06), bottom, top, logarithmic};
  const double x_most = *xs.rbegin();
  const auto x = [&](double value) {
    const double inset = 24;
    const auto place = static_cast<double>(std::distance(xs.begin(), xs.find(value)));
    const double share = xs.size() == 1 ? 0.5
                         : chart.even_x ? place / static_cast<double>(xs.size() - 1)
                                        : value / x_most;
    return left + inset + share * (width - right - left - 2 * inset);
  };
  std::string out;
  open_svg(out, width, height, chart.title, chart.description);
  for (const double tick : ticks_of(y, chart.compact ? 4 : 6)) {
    line(out, left, y(tick), width - right, y(tick), "grid");
    text(out, left - 8, y(tick) + 4, "tick end", tick_text(tick));
  }
  for (const double tick : xs) text(out, x(tick), bottom + 20, "tick mid", tick_text(tick));
  text(out, (left + width - right) / 2, bottom + 44, "axis mid", chart.x_axis);
  fmt::format_to(std::back_inserter(out),
                 "<text transform=\"translate(16 {:.0f}) rotate(-90)\" class=\"axis mid\">{}</text>\n",
                 (top + bottom) / 2, escape_html(chart.y_axis + (logarithmic ? " (logarithmic)" : "")));
  std::vector<std::pair<double, std::size_t>> labels;
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    const series& s = chart.lines[i];
    if (s.points.empty()) continue;
    std::string path;
    for (const point& p : s.points) fmt::format_to(std::back_inserter(path), "{:.1f},{:.1f} ", x(p.x), y(p.y));
    fmt::format_to(std::back_inserter(out), "<polyline points=\"{}\" class=\"line {}\"/>\n", path, s.style);
    for (const point& p : s.points) {
      fmt::format_to(
          std::back_inserter(out),
          "<g class=\"mark\"><title>{}</title><circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" class=\"dot {}\"/></g>\n",
          escape_html(p.tooltip), x(p.x), y(p.y), s.style);
    }
    labels.emplace_back(y(s.points.back().y), i);
  }
  spread(labels, 17, bottom);
  for (const auto& [place, i] : labels) {
    text(out, width - right + 14, place + 4, "label key " + chart.lines[i].style, chart.lines[i].label);
  }
  return out + "</svg>\n";
}

std::string draw(const heat_map& map) {
  const std::size_t n = map.names.size();
  if (n == 0 || map.values.size() != n * n) return {};
  constexpr double left = 60, top = 30;
  const double cell = std::clamp(640.0 / static_cast<double>(n), 4.0, 56.0);
  const double side = cell * static_cast<double>(n);
  double most = 0, least = 1e300;
  for (const auto& v : map.values) {
    if (!v) continue;
    most = std::max(most, *v);
    least = std::min(least, *v);
  }
  std::string out;
  open_svg(out, left + side + 190, std::max(top + side + 40, 140.0), map.title, map.description);
  const std::size_t every = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(22 / cell)));
  for (std::size_t i = 0; i < n; i += every) {
    const double middle = (static_cast<double>(i) + 0.5) * cell;
    text(out, left - 8, top + middle + 4, "tick end", map.names[i]);
    text(out, left + middle, top - 8, "tick mid", map.names[i]);
  }
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      const auto& v = map.values[r * n + c];
      const double x = left + static_cast<double>(c) * cell, y = top + static_cast<double>(r) * cell;
      if (!v) {
        fmt::format_to(std::back_inserter(out),
                       "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"cell none\"/>\n", x,
                       y, cell - 1, cell - 1);
        continue;
      }
      const double share = most > least ? std::log(*v / least) / std::log(most / least) : 0;
      fmt::format_to(std::back_inserter(out),
                     "<g class=\"mark\"><title>cores {} and {}: {} {}</title><rect x=\"{:.1f}\" y=\"{:.1f}\" "
                     "width=\"{:.1f}\" height=\"{:.1f}\" class=\"cell\" fill-opacity=\"{:.2f}\"/></g>\n",
                     escape_html(map.names[r]), escape_html(map.names[c]), human(*v), escape_html(map.unit), x, y,
                     cell - 1, cell - 1, 0.12 + 0.88 * share);
      if (cell >= 30) text(out, x + cell / 2, y + cell / 2 + 4, share > 0.55 ? "in-cell dark" : "in-cell", human(*v));
    }
  }
  if (least <= most) {
    text(out, left + side + 24, top + 12, "label", "nearest: " + human(least) + ' ' + map.unit);
    text(out, left + side + 24, top + 34, "label", "farthest: " + human(most) + ' ' + map.unit);
    text(out, left + side + 24, top + 56, "label", "ratio: " + human(most / least));
  }
  return out + "</svg>\n";
}

std::string draw(const trace_chart& chart) {
  if (chart.values.empty()) return {};
  constexpr double width = 880, left = 78, right = 20, top = 14, bottom = 150;
  const auto [least, most] = std::minmax_element(chart.values.begin(), chart.values.end());
  const scale y{std::max(*least / 1.4, 1e-3), *most * 1.4, bottom, top, true};
  std::string out;
  open_svg(out, width, bottom + 34, chart.title, chart.description);
  for (const double tick : ticks_of(y, 5)) {
    line(out, left, y(tick), width - right, y(tick), "grid");
    text(out, left - 8, y(tick) + 4, "tick end", tick_text(tick));
  }
  const auto last = static_cast<double>(std::max<std::size_t>(1, chart.values.size() - 1));
  out += "<path class=\"trace\" d=\"";
  for (std::size_t i = 0; i < chart.values.size(); ++i) {
    // A short stroke is a dot that 2,000 times over costs little.
    fmt::format_to(std::back_inserter(out), "M{:.1f} {:.1f}h1.6",
                   left + static_cast<double>(i) / last * (width - right - left - 2), y(chart.values[i]));
  }
  out += "\"/>\n";
  text(out, left, bottom + 22, "tick", "begin of the run");
  text(out, width - right, bottom + 22, "tick end", "end");
  fmt::format_to(std::back_inserter(out),
                 "<text transform=\"translate(16 {:.0f}) rotate(-90)\" class=\"axis mid\">{}</text>\n",
                 (top + bottom) / 2, escape_html(chart.y_axis));
  return out + "</svg>\n";
}

namespace {

// The page's colours have names, which few viewers of pictures look up: those by day, as numbers.
std::string with_colours(std::string css) {
  constexpr std::string_view use = "var(--";
  for (std::size_t at = 0; (at = css.find(use, at)) != css.npos;) {
    const std::size_t end = css.find(')', at);
    const std::string name = css.substr(at + use.size(), end - at - use.size());
    const std::size_t value = report_style.find("--" + name + ": ") + name.size() + 4;
    css.replace(at, end + 1 - at, report_style.substr(value, report_style.find(';', value) - value));
  }
  return css;
}

}  // namespace

std::string to_svg(const line_chart& chart) {
  constexpr std::string_view box = "viewBox=\"0 0 ";
  constexpr double title_height = 34;
  std::string svg = draw(chart);
  const auto sizes = svg.find(box);
  if (sizes == svg.npos) return svg;
  double width = 0, height = 0;
  const int read = std::sscanf(svg.c_str() + sizes + box.size(), "%lf %lf", &width, &height);
  COOPER_ASSERT(read == 2, "a chart has a size");
  const auto head_end = svg.find('>') + 1;
  const std::string head = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 {} {} {}\" role=\"img\">"
      "<style>{}</style>\n<rect y=\"{}\" width=\"{}\" height=\"{}\" fill=\"var(--card)\"/>\n"
      "<text x=\"14\" y=\"-10\" class=\"label\">{}</text>\n",
      -title_height, width, height + title_height, report_style, -title_height, width, height + title_height,
      escape_html(chart.title));
  return with_colours(head + svg.substr(head_end));
}

}  // namespace cooper::tools
