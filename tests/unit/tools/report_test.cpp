// SPDX-License-Identifier: BSD-3-Clause
// The report on results that this machine need not have: many cores, nothing at all, hostile text.
#include <doctest/doctest.h>

#include <string>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "report_chart.hpp"
#include "report_model.hpp"
#include "report_page.hpp"

using namespace cooper;
using namespace cooper::tools;

namespace {

boost::json::object row_of(const std::string& workload, const std::string& contender, const std::string& parameters,
                           double value) {
  const std::string name = workload + '/' + contender + (parameters.empty() ? "" : '/' + parameters);
  return {{"name", name},           {"workload", workload},
          {"contender", contender}, {"parameters", parameters},
          {"kind", "measured"},     {"unit", "ns"},
          {"value", value},         {"median", value},
          {"samples", 40},          {"ratio_to_floor", value / 100},
          {"ratio_mad", 0.02},      {"floor", 100},
          {"level", "near"},        {"cores", boost::json::array{0, 1}}};
}

boost::json::object results_of(boost::json::array rows) {
  return {{"context", {{"host_name", "test"}, {"cpu_model", "a processor"}, {"num_cpus", 2}}},
          {"benchmarks", std::move(rows)}};
}

std::string page_of(const boost::json::value& results) {
  const auto data = read_results(results);
  REQUIRE(data);
  return render_page(*data, boost::json::parse(R"({"marks":{"M":"from memory"},"sources":{},"groups":[
    {"workload":"line_rtt","title":"Table 2","rows":[
      {"what":"old machine","ratio":1.5,"value":214,"unit":"ns","mark":"M"}]}]})"));
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("the first screen gives the message cost, its ratio and the machine") {
  const std::string page =
      page_of(results_of({row_of("line_rtt", "cooper", "", 112), row_of("line_rtt", "pipe", "", 700)}));
  CHECK(holds(page, "112 <small>ns"));
  CHECK(holds(page, "<b>1.12 &times;</b> the floor of 100 ns"));
  CHECK(holds(page, "a processor"));
  CHECK(holds(page, "7.00 \u00d7 floor"));
}

TEST_CASE("the page asks nothing of the network and runs no script") {
  const std::string page = page_of(results_of({row_of("line_rtt", "cooper", "", 112)}));
  for (const char* part : {"<script", "src=", "<link", "@import", "url(", "http://", "https://"})
    CHECK_MESSAGE(!holds(page, part), part);
}

TEST_CASE("text from outside is escaped everywhere") {
  boost::json::object evil = row_of("line_rtt", "<i>evil", "", 112);
  evil["label"] = "<script>alert(1)</script>";
  boost::json::object results = results_of({evil});
  results["context"].as_object()["host_name"] = "<b>&host";
  results["context"].as_object()["warnings"] = boost::json::array{"<img>"};
  const std::string page = page_of(results);
  CHECK_FALSE(holds(page, "<script"));
  CHECK_FALSE(holds(page, "<i>evil"));
  CHECK_FALSE(holds(page, "<img>"));
  CHECK(holds(page, "&lt;b&gt;&amp;host"));
}

TEST_CASE("a published figure stands beside ours with its mark") {
  const std::string page = page_of(results_of({row_of("line_rtt", "cooper", "", 112)}));
  CHECK(holds(page, "old machine"));
  CHECK(holds(page, "<span class=\"tag M\">M</span>"));
  CHECK(holds(page, "from memory"));
}

TEST_CASE("a simulated row is tagged and drawn apart from the measured ones") {
  boost::json::object row = row_of("line_rtt", "cooper", "", 112);
  CHECK_FALSE(holds(page_of(results_of({row})), "<tr class=\"simulated\">"));
  row["kind"] = "simulated";
  const std::string page = page_of(results_of({row}));
  CHECK(holds(page, "<tr class=\"simulated\">"));
  CHECK(holds(page, "bar simulated"));
}

TEST_CASE("more than two cores make a heat map of all pairs, two do not") {
  boost::json::array rows{row_of("line_rtt", "cooper", "", 112)};
  constexpr int cores = 12;
  for (int a = 0; a < cores; ++a) {
    for (int b = a + 1; b < cores; ++b) {
      boost::json::object pair =
          row_of("line_rtt", "cooper", fmt::format("pair={}-{}", a, b), a / 6 == b / 6 ? 50 : 400);
      pair["cores"] = boost::json::array{a, b};
      rows.push_back(pair);
    }
  }
  const std::string page = page_of(results_of(rows));
  CHECK(count(page, "class=\"cell\"") == cores * (cores - 1));
  CHECK(count(page, "class=\"cell none\"") == cores);  // the diagonal
  CHECK(holds(page, "ratio: 8.00"));
  CHECK_FALSE(holds(page_of(results_of({row_of("line_rtt", "cooper", "", 112)})), "All pairs"));
}

TEST_CASE("more than two numbers of cores make scaling curves") {
  boost::json::array rows;
  for (const int cores : {1, 2, 4, 8}) {
    for (const int k : {1, 2, 4, 8}) {
      for (const char* contender : {"shared", "message"}) {
        rows.push_back(
            row_of("shared_vs_message", contender, fmt::format("k={}/cores={}", k, cores), 10.0 * k * cores));
      }
    }
  }
  for (const int senders : {2, 4, 7}) {
    boost::json::object row = row_of("line_stream", "cooper_driver", fmt::format("senders={}", senders), 1e8 * senders);
    row["unit"] = "messages/s";
    rows.push_back(row);
  }
  const std::string page = page_of(results_of(rows));
  CHECK(holds(page, "Over the number of cores"));
  CHECK(holds(page, ">SHM8<"));
  CHECK(holds(page, ">MSG1<"));
  CHECK(holds(page, "Many senders, one receiver"));
}

TEST_CASE("every workload of the actors has its section, and programs stand against stock CAF") {
  const auto program = [](const std::string& contender, const std::string& parameters, double times) {
    auto row = row_of("savina", contender, parameters, 1e6);
    row["peer"] = "stock";
    row["ratio_to_peer"] = times;
    return row;
  };
  const std::string page =
      page_of(results_of({row_of("line_rtt", "cooper", "", 112), row_of("call_rtt", "coroutine", "in_flight=64", 60),
                          row_of("parcel_rtt", "cooper", "", 400), row_of("bulk_rtt", "moved", "bytes=65536", 330),
                          program("drop_in", "program=big/cores=2/scale=1:10", 1.75),
                          program("line", "program=big/cores=2/scale=1:10", 5.5),
                          program("line", "program=ping_pong/cores=1/scale=1:10", 12.25)}));
  for (const char* id : {"call_rtt", "parcel_rtt", "bulk_rtt", "savina"}) {
    INFO(id);
    CHECK(holds(page, "<section id=\"" + std::string{id} + '"'));
    CHECK(holds(page, "href=\"#" + std::string{id} + '"'));
  }
  CHECK(holds(page, "Savina on 1 core<"));
  CHECK(holds(page, "Savina on 2 cores<"));
  CHECK(holds(page, "big drop_in 1.75."));
  CHECK(holds(page, "ping_pong line 12.2."));
}

TEST_CASE("the knowledge base has its section") {
  const std::string page = page_of(results_of({row_of("line_rtt", "cooper", "", 112), row_of("skb", "tree", "", 2e6),
                                               row_of("skb", "tree", "cores=128", 8e6)}));
  CHECK(holds(page, "<section id=\"skb\""));
  CHECK(holds(page, "href=\"#skb\""));
  CHECK(holds(page, "tree cores=128"));
  CHECK(holds(page, "8000 \u00b5s"));
}

TEST_CASE("an interrupted run and a row that could not be measured are marked as such") {
  boost::json::object failed = row_of("line_rtt", "cooper_driver", "", 0);
  failed["error_occurred"] = true;
  failed["error_message"] = "another process holds core 1";
  failed["skipped"] = true;
  boost::json::object results = results_of({row_of("line_rtt", "cooper", "", 112), failed});
  results["context"].as_object()["interrupted"] = true;
  const std::string page = page_of(results);
  CHECK(holds(page, "This report is partial"));
  CHECK(holds(page, "left out: another process holds core 1"));
}

TEST_CASE("what the doctor found is there, and a missing headline says why") {
  boost::json::object failed = row_of("line_rtt", "cooper", "", 0);
  failed["error_message"] = "needs 2 cores";
  boost::json::object results = results_of({failed});
  results["doctor"] = boost::json::array{"governor: powersave"};
  const std::string page = page_of(results);
  CHECK(holds(page, "was not measured: needs 2 cores"));
  CHECK(holds(page, "<li>governor: powersave</li>"));
}

TEST_CASE("results without any row still make a page that says so") {
  CHECK(holds(page_of(results_of({})), "was not measured"));
}

TEST_CASE("malformed results are refused with what is wrong") {
  for (const char* text : {"[]", "{}", R"({"context":{}})", R"({"context":1,"benchmarks":[]})",
                           R"({"context":{},"benchmarks":[1]})", R"({"context":{},"benchmarks":[{"name":"x"}]})"}) {
    const auto data = read_results(boost::json::parse(text));
    REQUIRE_MESSAGE(!data, text);
    CHECK(data.error().code() == errc::malformed_input);
  }
}

TEST_CASE("ticks are round and cover the axis") {
  CHECK(linear_ticks(7, 6) == std::vector<double>{0, 2, 4, 6});
  CHECK(decade_ticks(9, 1200) == std::vector<double>{10, 100, 1000});
  CHECK(decade_ticks(1, 20) == std::vector<double>{1, 2, 5, 10, 20});
  CHECK(linear_ticks(0, 6).size() == 1);
}

TEST_CASE("charts of nothing, of one and of equal values are drawn without a division by zero") {
  const auto sane = [](const std::string& svg) { return !holds(svg, "nan") && !holds(svg, "inf"); };
  CHECK(sane(draw(bar_chart{})));
  CHECK(sane(draw(bar_chart{.title = "t", .bars = {{.label = "zero", .value = 0}}})));
  CHECK(draw(line_chart{}).empty());
  CHECK(sane(draw(line_chart{.title = "t", .lines = {{"one", "ours", {{1, 5, ""}}}}})));
  CHECK(sane(draw(heat_map{.names = {"0", "1"}, .values = {std::nullopt, 5.0, 5.0, std::nullopt}})));
  CHECK(sane(draw(trace_chart{.title = "t", .values = {5, 5, 5}})));
  CHECK(draw(trace_chart{}).empty());
}

TEST_CASE("what was simulated has a section of its own, with the published points beside it") {
  boost::json::object results = results_of({row_of("line_rtt", "cooper", "", 112)});
  const auto row = [](const char* contender, int cores, double value) {
    return boost::json::object{{"contender", contender}, {"cores", cores}, {"value", value}};
  };
  results["simulated"] =
      boost::json::array{{{"figure", "figure_6"},
                          {"profile", "amd_8x4"},
                          {"results", {row("unicast", 8, 1000), row("unicast", 16, 2000)}}},
                         {{"figure", "trees"},
                          {"profile", "<large>"},
                          {"results", {row("unicast", 128, 50'000), row("numa_multicast", 128, 5000)}}}};
  const auto data = read_results(results);
  REQUIRE(data);
  const std::string page = render_page(*data, boost::json::parse(R"({"curves":[
    {"name":"figure_6","ghz":2.0,"note":"from slides","x":[8,16],"series":{"unicast":[2.5,4.0]}}]})"));
  const auto begin = page.find("<section id=\"simulated\""), end = page.find("</section>", begin);
  REQUIRE(begin != std::string::npos);
  const std::string section = page.substr(begin, end - begin);
  CHECK(holds(section, "<td>2.00</td><td>2.50</td><td>-20 %</td>"));
  CHECK(holds(section, "from slides"));
  CHECK(holds(section, "&lt;large&gt;"));
  CHECK(holds(section, "<td>10.0</td>"));
  CHECK(holds(page, "href=\"#simulated\""));
  // Nothing simulated stands elsewhere, and without any there is no section.
  CHECK(count(page, "<tr class=\"simulated\">") == count(section, "<tr class=\"simulated\">"));
  results.erase("simulated");
  CHECK(!holds(page_of(results), "id=\"simulated\""));
}
