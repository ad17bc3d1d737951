// SPDX-License-Identifier: BSD-3-Clause
// The report's pictures: SVG that stands inside the page and takes its colours from the page's style.
//
// Every picture has a title and a description for those who do not see it, and a tooltip on each mark. Text that comes
// from outside is escaped here. A mark's class says what it stands for, and so its colour: ours, ours2, peer, floor,
// published, simulated.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cooper::tools {

std::string escape_html(std::string_view text);

struct bar {
  std::string label{};
  double value = 0;
  std::optional<double> low{}, high{};  // a whisker
  std::string note{};                   // behind the bar, e.g. "1.12 x  127 ns"
  std::string tooltip{};
  std::string style{};  // a mark's class
};

struct bar_chart {
  std::string title{}, description{}, axis{};
  std::vector<bar> bars{};
  std::optional<double> reference{};  // a line across, e.g. the floor at 1
  std::string reference_label{};
  bool linear = false;  // even where the longest bar is over 14 times the shortest
};
// Horizontal bars; logarithmic where they differ much, unless told.
std::string draw(const bar_chart& chart);

struct point {
  double x = 0, y = 0;
  std::string tooltip{};
};

struct series {
  std::string label{};
  std::string style{};
  std::vector<point> points{};
};

struct line_chart {
  std::string title{}, description{}, x_axis{}, y_axis{};
  std::vector<series> lines{};
  bool even_x = true;    // the x values that occur stand at equal distances
  bool compact = false;  // half as high
};
// Logarithmic upwards where the largest value is over 20 times the smallest.
std::string draw(const line_chart& chart);
// A picture that stands alone, in any viewer: with its title, on paper, and its colours as numbers.
std::string to_svg(const line_chart& chart);

// Values of pairs (row, column) of n cores, symmetric; missing ones are left empty.
struct heat_map {
  std::string title{}, description{}, unit{};
  std::vector<std::string> names{};
  std::vector<std::optional<double>> values{};  // names.size() squared, row-major
};
std::string draw(const heat_map& map);

// Many values in a row, as dots over time, logarithmic.
struct trace_chart {
  std::string title{}, description{}, y_axis{};
  std::vector<double> values{};
};
std::string draw(const trace_chart& chart);

// Round numbers that divide 0..max, or the decades of a logarithmic axis from low to high.
std::vector<double> linear_ticks(double max, int about);
std::vector<double> decade_ticks(double low, double high);

}  // namespace cooper::tools
