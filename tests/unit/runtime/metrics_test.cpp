// SPDX-License-Identifier: BSD-3-Clause
// Counters and their Prometheus text. The text is read back by a small strict reader of the exposition format, which
// must itself refuse what is wrong.
#include <doctest/doctest.h>

#include <cctype>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <cooper/runtime/metrics.hpp>

using namespace cooper;

namespace {

struct sample {
  std::string core, value;
};
using family = std::vector<sample>;

bool is_name(const std::string& s) {
  if (s.empty() || std::isdigit(static_cast<unsigned char>(s[0]))) return false;
  for (const char c : s) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != ':') return false;
  }
  return true;
}

bool is_number(const std::string& s) {
  if (s.empty()) return false;
  std::size_t used = 0;
  try {
    static_cast<void>(std::stod(s, &used));
  } catch (const std::exception&) {
    return false;
  }
  return used == s.size();
}

// HELP, TYPE, then samples of that one name, each core once; a counter ends in _total. Nothing on any violation.
std::optional<std::map<std::string, family>> parse(const std::string& text) {
  std::map<std::string, family> all;
  std::string help_of, current, line;
  if (text.empty() || text.back() != '\n') return std::nullopt;
  std::istringstream in{text};
  while (std::getline(in, line)) {
    std::istringstream words{line};
    if (line.starts_with("# HELP ")) {
      std::string hash, help, word;
      if (!(words >> hash >> help >> help_of >> word) || !is_name(help_of) || all.contains(help_of))
        return std::nullopt;
    } else if (line.starts_with("# TYPE ")) {
      std::string hash, type, kind, rest;
      if (!(words >> hash >> type >> current >> kind) || words >> rest || current != help_of) return std::nullopt;
      if (kind != "counter" && kind != "gauge") return std::nullopt;
      if ((kind == "counter") != current.ends_with("_total")) return std::nullopt;
      all[current];
    } else {
      const std::string open = current + "{core=\"";
      const std::size_t close = line.find("\"} ");
      if (current.empty() || !line.starts_with(open) || close == std::string::npos) return std::nullopt;
      sample s{line.substr(open.size(), close - open.size()), line.substr(close + 3)};
      if (!is_number(s.core) || !is_number(s.value)) return std::nullopt;
      for (const sample& before : all[current]) {
        if (before.core == s.core) return std::nullopt;
      }
      all[current].push_back(s);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("a counter adds, subtracts and is set by its one writer") {
  counter c;
  CHECK(c.read() == 0);
  c.add();
  c.add(41);
  CHECK(c.read() == 42);
  c.subtract(2);
  CHECK(c.read() == 40);
  c.set(7);
  CHECK(c.read() == 7);
}

TEST_CASE("a reader on another thread sees a counter grow and never shrink") {
  counter c;
  constexpr std::uint64_t end = 100'000;
  std::thread writer{[&] {
    for (std::uint64_t i = 0; i < end; ++i) c.add();
  }};
  std::uint64_t last = 0;
  bool shrank = false;
  while (last < end) {
    const std::uint64_t now = c.read();
    shrank = shrank || now < last;
    last = now;
    std::this_thread::yield();
  }
  writer.join();
  CHECK_FALSE(shrank);
  CHECK(c.read() == end);
}

TEST_CASE("the metrics of two cores do not share a pair of lines") {
  CHECK(alignof(core_metrics) == destructive_bytes);
  CHECK(sizeof(core_metrics) % destructive_bytes == 0);
}

TEST_CASE("the Prometheus text is well-formed and has every metric of every core") {
  const auto first = std::make_unique<core_metrics>();
  const auto third = std::make_unique<core_metrics>();
  first->lines_sent.add(12);
  third->lines_sent.add(18'446'744'073'709'551'615u);
  third->overflow_lines.set(3);
  const core_metrics* const cores[] = {first.get(), nullptr, third.get()};
  const std::string text = prometheus_text(cores);
  const auto all = parse(text);
  REQUIRE_MESSAGE(all.has_value(), text);
  CHECK(all->size() == metric_table().size());
  for (const auto& one : *all) {
    CAPTURE(one.first);
    CHECK(one.first.starts_with("cooper_"));
    REQUIRE(one.second.size() == 2);
    CHECK(one.second[0].core == "0");
    CHECK(one.second[1].core == "2");
  }
  CHECK(all->at("cooper_lines_sent_total")[0].value == "12");
  CHECK(all->at("cooper_lines_sent_total")[1].value == "18446744073709551615");
  CHECK(all->at("cooper_overflow_lines")[1].value == "3");
}

TEST_CASE("nanoseconds are exposed in seconds, exactly") {
  const auto metrics = std::make_unique<core_metrics>();
  metrics->membarrier_ns.set(12'000'000'034);
  metrics->wake_latency_ns.set(5'600);
  const core_metrics* const cores[] = {metrics.get()};
  const auto all = parse(prometheus_text(cores));
  REQUIRE(all.has_value());
  CHECK(all->at("cooper_membarrier_seconds_total")[0].value == "12.000000034");
  CHECK(all->at("cooper_wake_latency_seconds")[0].value == "0.000005600");
  for (const metric_description& row : metric_table()) {
    CAPTURE(row.name);
    CHECK(row.name.find("_ns") == std::string_view::npos);
    CHECK(row.seconds == (row.name.find("_seconds") != std::string_view::npos));
  }
}

TEST_CASE("no two metrics share a name or a counter") {
  std::set<std::string_view> names;
  const auto probe = std::make_unique<core_metrics>();
  for (const metric_description& row : metric_table()) {
    CHECK(names.insert(row.name).second);
    CHECK((probe.get()->*row.member).read() == 0);
    (probe.get()->*row.member).add();
  }
  CHECK(names.size() * sizeof(counter) <= sizeof(core_metrics));
}

TEST_CASE("the reader of this test refuses malformed expositions") {
  const std::string good = "# HELP a_total Words.\n# TYPE a_total counter\na_total{core=\"0\"} 1\n";
  CHECK(parse(good).has_value());
  for (const char* bad :
       {"", "a_total{core=\"0\"} 1\n", "# HELP a_total Words.\n# TYPE b_total counter\nb_total{core=\"0\"} 1\n",
        "# HELP a_total Words.\n# TYPE a_total counter\na_total{core=\"0\"} one\n",
        "# HELP a_total Words.\n# TYPE a_total counter\na_total{core=\"0\"} 1\na_total{core=\"0\"} 2\n",
        "# HELP a Words.\n# TYPE a counter\na{core=\"0\"} 1\n",
        "# HELP a_total Words.\n# TYPE a_total gauge\na_total{core=\"0\"} 1\n",
        "# HELP a_total Words.\n# TYPE a_total counter\na_total{core=\"0\"} 1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse(bad).has_value());
  }
}
