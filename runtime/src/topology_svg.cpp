// SPDX-License-Identifier: BSD-3-Clause
// A topology as a picture: boxes inside boxes, one tile a physical core, one pill a hardware thread.
//
// Sizes come from the inside out: tiles are as large as what they show, and a box chooses how many children stand in
// a row so that it comes near a pleasant shape. Small machines get labels and cache strips in every tile; with more
// threads the tiles shrink to numbered pills, so that 1024 still fit on a page. Colours are attributes of light, with
// a style for dark on top, since not every viewer knows media queries; the picture brings its own background.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "topology_tree.hpp"

namespace cooper {
namespace {

using detail::box;
using detail::box_kind;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
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
      // Control characters are not XML at all.
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

// How much of a core is shown.
struct detail_level {
  double pill_width, pill_height, pill_font, gap, padding, header;
  bool has_labels;
};
constexpr detail_level large{46, 28, 13, 8, 12, 26, true};
constexpr detail_level medium{28, 20, 10.5, 5, 9, 22, false};
constexpr detail_level small{22, 15, 8, 3, 6, 18, false};

constexpr double strip_height = 17, label_height = 18, tile_padding = 7, margin = 28;

// Light colours as attributes; the class is what the dark style changes.
struct paint {
  const char* css;
  const char* fill;
  const char* stroke;
};
constexpr paint card_paint{"ct-card", "#ffffff", "#d5dbe5"};
constexpr paint package_paint{"ct-package", "#f3f5f9", "#bfc8d6"};
constexpr paint node_paint{"ct-node", "#e6f4ee", "#9dcfba"};
constexpr paint cache_paints[2] = {{"ct-l3", "#e4ecfc", "#a7c0f2"}, {"ct-l2", "#efe9fb", "#c6b5ee"}};
constexpr paint core_paint{"ct-core", "#ffffff", "#cbd3df"};
constexpr paint pill_paint{"ct-pu", "#2f66e0", "none"};
constexpr paint slow_pill_paint{"ct-slow", "#0f8f83", "none"};
constexpr paint barred_pill_paint{"ct-barred", "#e6e9ef", "#b4bcc9"};
constexpr paint strip_paints[2] = {{"ct-l2s", "#efe9fb", "none"}, {"ct-l1s", "#fcefd9", "none"}};

constexpr std::string_view dark_style = R"(<style>
.ct-topology text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}
@media (prefers-color-scheme:dark){
.ct-card{fill:#12161d;stroke:#2b323e}.ct-package{fill:#1a2029;stroke:#3a4453}.ct-node{fill:#15291f;stroke:#2f6650}
.ct-l3{fill:#18243f;stroke:#34518d}.ct-l2{fill:#251d3b;stroke:#56428a}.ct-core{fill:#141922;stroke:#3a4453}
.ct-pu{fill:#4a7df0}.ct-slow{fill:#17a294}.ct-barred{fill:#262d38;stroke:#4a5463}.ct-l2s{fill:#322750}
.ct-l1s{fill:#42341a}.ct-ink{fill:#e8ecf3}.ct-soft{fill:#9aa5b5}.ct-off{fill:#8490a2}
}
</style>)";

struct placed {
  const box* what = nullptr;
  double x = 0, y = 0, width = 0, height = 0;  // relative to the parent
  std::vector<placed> children;
};

// Nobody has the font's metrics here; this is generous for the usual sans-serif fonts.
double text_width(std::string_view text, double font) { return static_cast<double>(text.size()) * font * 0.58; }

class svg_picture {
 public:
  explicit svg_picture(const topology& of)
      : of_{of},
        level_{of.size() <= 64    ? large
               : of.size() <= 256 ? medium
                                  : small} {
    for (const auto& t : of.threads()) {
      fastest_ = std::max(fastest_, t.efficiency_class);
      // Four digits and more need their room.
      level_.pill_width = std::max(level_.pill_width, text_width(std::to_string(t.pu_index), level_.pill_font) + 8);
    }
  }

  std::string draw() {
    const auto machine = detail::nested_boxes(of_);
    auto all = arrange(machine);
    const std::string title = of_.model().empty() ? of_.name() : of_.model();
    const std::string subtitle = detail::summary_of(of_, " · ");
    const double width =
        std::max({all.width, text_width(title, 20), text_width(subtitle, 13), legend_width()}) + 2 * margin;
    const double height = 76 + all.height + 58 + (notes().empty() ? 0 : 22);
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ct-topology\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
        "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" aria-label=\"{2}\">\n{3}\n",
        width, height, escaped(title + ": " + subtitle), dark_style);
    rect(1, 1, width - 2, height - 2, 14, card_paint);
    text(margin, 38, 20, "ct-ink", "#17202c", title, "start", 650);
    text(margin, 60, 13, "ct-soft", "#5c6878", subtitle);
    all.x = (width - all.width) / 2;
    all.y = 76;
    draw_children(all, 0, 0);
    draw_footer(width, height);
    return std::move(out_) + "</svg>\n";
  }

 private:
  // ---- sizes, from the inside out

  std::size_t pill_columns(std::size_t threads) const { return threads <= 2 ? threads : threads <= 4 ? 2 : 4; }

  placed arrange_core(const box& b) const {
    placed p;
    p.what = &b;
    const auto columns = static_cast<double>(pill_columns(b.cores.size()));
    const double rows = std::ceil(static_cast<double>(b.cores.size()) / columns);
    const double gap = level_.has_labels ? 5 : 2;
    const double around = level_.has_labels ? tile_padding : b.cores.size() == 1 ? 0 : 2;
    p.width = columns * level_.pill_width + (columns - 1) * gap + 2 * around;
    p.height = rows * level_.pill_height + (rows - 1) * gap + 2 * around;
    if (level_.has_labels) {
      p.width = std::max(p.width, 98.0);
      p.height += label_height + static_cast<double>(b.own_caches.size()) * (strip_height + 4);
    }
    return p;
  }

  placed arrange(const box& b) const {
    if (b.kind == box_kind::physical_core) return arrange_core(b);
    placed p;
    p.what = &b;
    for (const auto& child : b.children) p.children.push_back(arrange(*child));
    const bool is_machine = b.kind == box_kind::machine;
    const double top = is_machine ? 0 : level_.header;
    const double around = is_machine ? 0 : level_.padding;
    if (p.children.empty()) {
      p.height = level_.header + 6;
    } else {
      choose_columns(p, is_machine ? level_.gap * 2 : level_.gap);
      for (auto& child : p.children) {
        child.x += around;
        child.y += top;
      }
      p.height += top + around;
      p.width += 2 * around;
    }
    if (const double needed = is_machine ? 0 : header_width(b); p.width < needed) {
      for (auto& child : p.children) child.x += (needed - p.width) / 2;
      p.width = needed;
    }
    return p;
  }

  // Rows of equal length that make the whole nearest to 3:2, with little left empty in the last row.
  void choose_columns(placed& p, double gap) const {
    const auto count = p.children.size();
    double best = INFINITY;
    std::size_t best_columns = 1;
    for (std::size_t columns = 1; columns <= count; ++columns) {
      flow(p, columns, gap);
      const auto rows = (count + columns - 1) / columns;
      const double empty = static_cast<double>(rows * columns - count) / static_cast<double>(count);
      const double cost = std::abs(std::log(p.width / p.height / 1.6)) + 3 * empty;
      if (cost < best - 1e-9) {
        best = cost;
        best_columns = columns;
      }
    }
    flow(p, best_columns, gap);
    stretch_rows(p, best_columns);
  }

  // Boxes of one row share its height, so that their edges line up.
  static void stretch_rows(placed& p, std::size_t columns) {
    for (std::size_t first = 0; first < p.children.size(); first += columns) {
      const auto last = std::min(first + columns, p.children.size());
      double height = 0;
      for (std::size_t i = first; i < last; ++i) height = std::max(height, p.children[i].height);
      for (std::size_t i = first; i < last; ++i)
        if (!p.children[i].children.empty()) p.children[i].height = height;
    }
  }

  static void flow(placed& p, std::size_t columns, double gap) {
    double x = 0, y = 0, row_height = 0;
    p.width = 0;
    for (std::size_t i = 0; i < p.children.size(); ++i) {
      if (i != 0 && i % columns == 0) {
        y += row_height + gap;
        x = row_height = 0;
      }
      p.children[i].x = x;
      p.children[i].y = y;
      row_height = std::max(row_height, p.children[i].height);
      x += p.children[i].width + gap;
      p.width = std::max(p.width, x - gap);
    }
    p.height = y + row_height;
  }

  // ---- words

  std::string label(const box& b) const {
    switch (b.kind) {
      case box_kind::package:
        return fmt::format("Package {}", b.index);
      case box_kind::node:
        return fmt::format("NUMA node {}", b.index);
      case box_kind::cache:
        return fmt::format("L{}", of_.caches()[b.index].level);
      case box_kind::physical_core:
        return fmt::format("core {}", b.index);
      case box_kind::machine:
        break;
    }
    return {};
  }

  std::string remark(const box& b) const {
    if (b.kind == box_kind::cache) return detail::human_bytes(of_.caches()[b.index].size_bytes);
    if (b.kind != box_kind::node) return {};
    const auto& n = of_.nodes()[b.index];
    auto words = n.memory_bytes == 0 ? std::string{"no memory"} : detail::human_bytes(n.memory_bytes);
    if (!n.kind.empty()) words += " " + n.kind;
    if (b.cores.empty()) words += " · no CPUs";
    return words;
  }

  double header_font() const { return level_.has_labels ? 12.5 : level_.pill_font + 1.5; }
  double header_width(const box& b) const {
    // The label is bold, and so wider.
    return text_width(label(b), header_font() * 1.2) + text_width(remark(b), header_font()) + 2 * level_.padding + 16;
  }

  std::string notes() const {
    return of_.offline_pus().empty() ? "" : "switched off: PU " + format_pu_list(of_.offline_pus());
  }

  // ---- drawing

  void rect(double x, double y, double w, double h, double round, const paint& p, std::string_view more = {}) {
    out_ += fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{:.1f}\" fill=\"{}\" "
        "stroke=\"{}\"{}/>\n",
        p.css, x, y, w, h, round, p.fill, p.stroke, more);
  }

  void text(double x, double y, double font, const char* css, const char* fill, std::string_view words,
            const char* anchor = "start", int weight = 400) {
    if (words.empty()) return;
    out_ += fmt::format(
        "<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" font-family=\"sans-serif\" font-weight=\"{}\" "
        "text-anchor=\"{}\" fill=\"{}\">{}</text>\n",
        css, x, y, font, weight, anchor, fill, escaped(words));
  }

  void draw_children(const placed& p, double x, double y) {
    for (const auto& child : p.children) draw_box(child, x + p.x, y + p.y);
  }

  void draw_box(const placed& p, double x, double y) {
    const box& b = *p.what;
    const double left = x + p.x, top = y + p.y;
    if (b.kind == box_kind::physical_core) return draw_core(p, left, top);
    const auto& how = b.kind == box_kind::package        ? package_paint
                      : b.kind == box_kind::node         ? node_paint
                      : of_.caches()[b.index].level >= 3 ? cache_paints[0]
                                                         : cache_paints[1];
    rect(left, top, p.width, p.height, level_.has_labels ? 10 : 6, how);
    const double font = header_font(), base = top + level_.header / 2 + font * 0.36 + 1;
    text(left + level_.padding, base, font, "ct-ink", "#17202c", label(b), "start", 600);
    text(left + p.width - level_.padding, base, font, "ct-soft", "#5c6878", remark(b), "end");
    draw_children(p, x, y);
  }

  void draw_core(const placed& p, double left, double top) {
    const box& b = *p.what;
    const double gap = level_.has_labels ? 5 : 2;
    const double around = level_.has_labels ? tile_padding : b.cores.size() == 1 ? 0 : 2;
    if (around > 0) rect(left, top, p.width, p.height, level_.has_labels ? 8 : 4, core_paint);
    double y = top + around;
    if (level_.has_labels) {
      text(left + around + 1, y + 11, 11, "ct-soft", "#5c6878", label(b));
      y += label_height;
    }
    const auto columns = pill_columns(b.cores.size());
    const double width = (p.width - 2 * around - static_cast<double>(columns - 1) * gap) / static_cast<double>(columns);
    for (std::size_t i = 0; i < b.cores.size(); ++i)
      draw_pill(of_.thread(b.cores[i]), left + around + static_cast<double>(i % columns) * (width + gap),
                y + static_cast<double>(i / columns) * (level_.pill_height + gap), width);
    if (!level_.has_labels) return;
    const auto rows = (b.cores.size() + columns - 1) / columns;
    y += static_cast<double>(rows) * (level_.pill_height + gap);
    // Nearest the threads is level 1.
    for (auto id = b.own_caches.rbegin(); id != b.own_caches.rend(); ++id, y += strip_height + 4)
      draw_strip(of_.caches()[*id], left + around, y, p.width - 2 * around);
  }

  void draw_strip(const cache& c, double x, double y, double width) {
    rect(x, y, width, strip_height, 4, strip_paints[c.level == 1 ? 1 : 0]);
    text(x + 6, y + 12, 10, "ct-ink", "#17202c", fmt::format("L{}", c.level), "start", 600);
    text(x + width - 6, y + 12, 10, "ct-soft", "#5c6878", detail::human_bytes(c.size_bytes), "end");
  }

  bool is_slow(const hardware_thread& t) const { return t.efficiency_class >= 0 && t.efficiency_class < fastest_; }

  void draw_pill(const hardware_thread& t, double x, double y, double width) {
    out_ += fmt::format("<g><title>PU {}, core id {}{}</title>", t.pu_index, t.id.value,
                        t.allowed ? "" : ", not usable here");
    const auto& how = !t.allowed ? barred_pill_paint : is_slow(t) ? slow_pill_paint : pill_paint;
    const double height = level_.pill_height, font = level_.pill_font;
    rect(x, y, width, height, std::min(6.0, height / 4), how, t.allowed ? "" : " stroke-dasharray=\"3 2\"");
    text(x + width / 2, y + height / 2 + font * 0.36, font, t.allowed ? "ct-number" : "ct-off",
         t.allowed ? "#ffffff" : "#768294", std::to_string(t.pu_index), "middle", 600);
    out_ += "</g>\n";
  }

  struct legend_entry {
    const paint* how;
    const char* words;
  };

  std::vector<legend_entry> legend() const {
    std::vector<legend_entry> entries;
    const auto any = [&](auto is) { return std::any_of(of_.threads().begin(), of_.threads().end(), is); };
    if (any([&](const auto& t) { return t.allowed && !is_slow(t); }))
      entries.push_back({&pill_paint, fastest_ > 0 ? "fast hardware thread" : "hardware thread (PU)"});
    if (any([&](const auto& t) { return t.allowed && is_slow(t); }))
      entries.push_back({&slow_pill_paint, "efficient hardware thread"});
    if (any([](const auto& t) { return !t.allowed; })) entries.push_back({&barred_pill_paint, "not usable here"});
    return entries;
  }

  double legend_width() const {
    double width = 160;
    for (const auto& e : legend()) width += 40 + text_width(e.words, 11.5);
    return width;
  }

  void draw_footer(double width, double height) {
    double x = margin;
    const double y = height - 30;
    for (const auto& e : legend()) {
      rect(x, y - 1, 18, 12, 3, *e.how);
      text(x + 25, y + 9, 11.5, "ct-soft", "#5c6878", e.words);
      x += 40 + text_width(e.words, 11.5);
    }
    text(width - margin, y + 9, 11.5, "ct-soft", "#5c6878", "topology " + of_.hash(), "end");
    text(margin, y - 14, 11.5, "ct-soft", "#5c6878", notes());
  }

  const topology& of_;
  detail_level level_;
  int fastest_ = -1;
  std::string out_;
};

}  // namespace

std::string topology::to_svg() const { return svg_picture{*this}.draw(); }

}  // namespace cooper
