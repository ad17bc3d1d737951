// SPDX-License-Identifier: BSD-3-Clause
// The end of the report: the machine in full, the method, the marks, and how to measure again.
#include <fmt/format.h>

#include <iterator>

#include <boost/json/array.hpp>

#include "report_chart.hpp"
#include "report_page.hpp"

namespace cooper::tools {
namespace {

std::string context_table(const report_data& data) {
  std::string out = "<div class=\"scroll\"><table><tbody>\n";
  for (const auto& [key, words] : {std::pair{"cpu_model", "processor"},
                                   {"num_cpus", "hardware threads"},
                                   {"physical_cores", "physical cores"},
                                   {"packages", "packages"},
                                   {"numa_nodes", "NUMA nodes"},
                                   {"mhz_per_cpu", "clock, MHz"},
                                   {"topology_hash", "topology hash"},
                                   {"kernel", "kernel"},
                                   {"hypervisor", "hypervisor"},
                                   {"governor", "frequency governor"},
                                   {"idle_driver", "idle driver"},
                                   {"barrier_mode", "barrier mode"},
                                   {"pinning", "pinning"},
                                   {"compiler", "compiler"},
                                   {"library_build_type", "build type"},
                                   {"git", "revision"},
                                   {"date", "begun"}}) {
    fmt::format_to(std::back_inserter(out), "<tr><td>{}</td><td class=\"words\">{}</td></tr>\n", words,
                   escape_html(data.about(key)));
  }
  return out + "</tbody></table></div>\n";
}

std::string pairs_of(const boost::json::value& published, std::string_view key) {
  std::string out;
  const boost::json::value* list = published.is_object() ? published.get_object().if_contains(key) : nullptr;
  if (list == nullptr || !list->is_object()) return out;
  for (const auto& [name, words] : list->get_object()) {
    if (!words.is_string()) continue;
    fmt::format_to(std::back_inserter(out),
                   "<tr><td><span class=\"tag {0}\">{0}</span></td><td class=\"words\">{1}</td></tr>\n",
                   escape_html(std::string_view{name}), escape_html(std::string_view{words.get_string()}));
  }
  return out;
}

}  // namespace

std::string render_background(const report_data& data, const boost::json::value& published) {
  std::string out = "<section id=\"machine\"><h2>The machine</h2>\n";
  if (!data.topology_svg.empty()) out += "<div class=\"topology scroll\">" + data.topology_svg + "</div>\n";
  out += context_table(data) + "</section>\n";
  out +=
      "<section id=\"method\"><h2>Method</h2>\n"
      "<p><b>The floor</b> is what these two cores need to move one line there and one back: two lines at least 128 "
      "bytes apart, "
      "an 8-byte store with release, a spin on a load with acquire, no pause, no call. A window of it is 20,000 round "
      "trips.</p>"
      "<p><b>Windows.</b> Floor and contender alternate on the same pinned threads. A window whose floor before and "
      "after differ by "
      "more than a fifth is discarded: the host moved a core. The others are sorted into the levels <em>sibling</em>, "
      "<em>near</em>, <em>mid</em>, <em>far</em> by their floor's ratio to the lowest common level of this run; the "
      "headline "
      "is the median of the window ratios at the near level. MAD is the median absolute deviation. Ratios travel "
      "between machines, "
      "nanoseconds do not.</p>"
      "<p><b>Fairness.</b> All contenders are compiled with the same flags, carry 64-byte messages whose payload is "
      "checked, are "
      "warmed up, and spin without a pause. Figures of what blocks in the kernel are bound by interrupts; on a virtual "
      "machine they "
      "measure the hypervisor.</p>"
      "<p><b>Measured and simulated</b> figures never share a column; everything without the tag <span class=\"tag "
      "simulated\">simulated</span> was measured on the machine above, in this run.</p>\n";
  const std::string marks = pairs_of(published, "marks"), sources = pairs_of(published, "sources");
  if (!marks.empty()) out += "<h3>Marks of published figures</h3><table><tbody>" + marks + "</tbody></table>";
  if (!sources.empty())
    out += "<details><summary>Sources of published figures</summary><table><tbody>" + sources +
           "</tbody></table></details>";
  out += "</section>\n<section id=\"again\"><h2>Measure again</h2><pre><code>cooper report";
  std::string cores;
  if (const boost::json::value* list = data.context.if_contains("cores"); list != nullptr && list->is_array()) {
    for (const boost::json::value& c : list->get_array()) {
      if (c.is_number()) cores += fmt::format("{}{}", cores.empty() ? "" : ",", c.to_number<int>());
    }
  }
  if (!cores.empty()) out += " --cores " + cores;
  const double seconds = data.number("seconds_per_contender");
  if (seconds > 0) out += fmt::format(" --time {:g}", seconds);
  out +=
      "             # this page again\ncooper bench line_rtt --json -      # one workload, as JSON\n"
      "cooper doctor                       # what spoils latency on this machine\n</code></pre></section>\n";
  return out + "<footer>Made by cooper report, " + escape_html(data.about("date")) +
         ", from results.json beside this page.</footer>\n";
}

}  // namespace cooper::tools
