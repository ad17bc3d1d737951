// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/runtime/metrics.hpp>

#include <array>
#include <iterator>

#include <fmt/format.h>

namespace cooper {
namespace {

constexpr bool ends_in_seconds(std::string_view name) { return name.ends_with("_seconds"); }

// The exposed name with the suffix its kind asks for; the text is put together at compile time.
#define COOPER_METRIC_NAME_counter(name) "cooper_" #name "_total"
#define COOPER_METRIC_NAME_gauge(name) "cooper_" #name

constexpr std::array table{
#define COOPER_METRIC_ROW(member, kind, name, help)                                                    \
  metric_description{COOPER_METRIC_NAME_##kind(name), help, metric_kind::kind, ends_in_seconds(#name), \
                     &core_metrics::member},
    COOPER_METRIC_TABLE(COOPER_METRIC_ROW)
#undef COOPER_METRIC_ROW
};

}  // namespace

std::span<const metric_description> metric_table() noexcept { return table; }

std::string prometheus_text(std::span<const core_metrics* const> cores) {
  std::string out;
  const auto to = std::back_inserter(out);
  for (const metric_description& row : table) {
    fmt::format_to(to, "# HELP {} {}\n# TYPE {} {}\n", row.name, row.help, row.name,
                   row.kind == metric_kind::counter ? "counter" : "gauge");
    for (std::size_t core = 0; core < cores.size(); ++core) {
      if (cores[core] == nullptr) continue;
      const std::uint64_t value = (cores[core]->*row.member).read();
      if (row.seconds) {
        // Exact: a nanosecond count does not fit a double's 53 bits after 104 days.
        fmt::format_to(to, "{}{{core=\"{}\"}} {}.{:09}\n", row.name, core, value / 1'000'000'000,
                       value % 1'000'000'000);
      } else {
        fmt::format_to(to, "{}{{core=\"{}\"}} {}\n", row.name, core, value);
      }
    }
  }
  return out;
}

}  // namespace cooper
