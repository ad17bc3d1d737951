// SPDX-License-Identifier: BSD-3-Clause
// The trace ring under one writer and a reader, and the Chrome JSON that comes out of it.
#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include <cooper/runtime/trace.hpp>

using namespace cooper;
namespace json = boost::json;

namespace {

// All members follow from one number, so that a mixture of two events is seen.
trace_event numbered(std::uint64_t n) {
  return {.time_ns = static_cast<std::int64_t>(n),
          .kind = static_cast<trace_kind>(1 + n % 14),
          .via = static_cast<lane>(n % 3),
          .peer = core_number(n % 4096),
          .slot = static_cast<std::uint32_t>(n * 2654435761u),
          .flow = n * 0x9e3779b97f4a7c15u,
          .arg = ~n};
}

std::vector<json::object> events_of(const std::string& text, std::string_view phase) {
  std::vector<json::object> found;
  const json::value whole = json::parse(text);
  for (const json::value& e : whole.at("traceEvents").as_array()) {
    if (e.at("ph").as_string() == phase) found.push_back(e.as_object());
  }
  return found;
}

double time_of(const json::object& event, std::string_view key) { return event.at(key).to_number<double>(); }

}  // namespace

TEST_CASE("a ring returns its events oldest first, whole") {
  detail::event_ring ring{8};
  CHECK(ring.snapshot().empty());
  for (std::uint64_t n = 0; n < 5; ++n) ring.write(numbered(n));
  const std::vector<trace_event> all = ring.snapshot();
  REQUIRE(all.size() == 5);
  for (std::uint64_t n = 0; n < 5; ++n) CHECK(all[n] == numbered(n));
}

TEST_CASE("a ring that went round keeps the last events, but not the one that is being overwritten") {
  detail::event_ring ring{8};
  for (std::uint64_t n = 0; n < 100; ++n) ring.write(numbered(n));
  const std::vector<trace_event> all = ring.snapshot();
  REQUIRE(all.size() == 7);
  CHECK(all.front() == numbered(93));
  CHECK(all.back() == numbered(99));
  CHECK_FALSE(ring.at(92).has_value());
  CHECK_FALSE(ring.at(100).has_value());
  CHECK(ring.at(99) == numbered(99));
  CHECK(ring.snapshot(97).size() == 3);
}

TEST_CASE("a reader beside a running writer sees only whole events, without holes") {
  detail::event_ring ring{64};
  std::atomic<bool> stop{false};
  std::thread writer{[&] {
    for (std::uint64_t n = 0; !stop.load(std::memory_order_relaxed); ++n) ring.write(numbered(n));
  }};
  std::uint64_t seen = 0, wrong = 0, holes = 0;
  while (seen < 20'000) {
    const std::vector<trace_event> all = ring.snapshot();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto n = static_cast<std::uint64_t>(all[i].time_ns);
      wrong += all[i] != numbered(n);
      holes += i != 0 && all[i].time_ns != all[i - 1].time_ns + 1;
    }
    seen += all.size();
    if (all.empty()) std::this_thread::yield();
  }
  stop.store(true, std::memory_order_relaxed);
  writer.join();
  CHECK(wrong == 0);
  CHECK(holes == 0);
}

TEST_CASE("a trace ring has no memory for events until it is switched on, keeps them when off, and then begins anew") {
  trace_ring ring{core_id{3}, 0, 16};
  CHECK_FALSE(ring.on());
  CHECK(ring.full_ring() == nullptr);
  ring.record(numbered(1));
  CHECK(ring.snapshot().empty());
  REQUIRE(ring.switch_on());
  CHECK(ring.on());
  ring.record(numbered(2));
  ring.switch_off();
  CHECK_FALSE(ring.on());
  CHECK(ring.snapshot() == std::vector{numbered(2)});
  REQUIRE(ring.switch_on());
  CHECK(ring.snapshot().empty());
  ring.record(numbered(3));
  REQUIRE(ring.switch_on());
  CHECK(ring.snapshot() == std::vector{numbered(3)});
  ring.clear();
  CHECK(ring.snapshot().empty());
  ring.record(numbered(4));
  CHECK(ring.snapshot() == std::vector{numbered(4)});
}

TEST_CASE("rare events are noted although tracing is off, and recorded too when it is on") {
  trace_ring ring{core_id{0}, 0, 16};
  ring.note(numbered(1));
  REQUIRE(ring.switch_on());
  ring.note(numbered(2));
  ring.record(numbered(3));
  CHECK(ring.flight() == std::vector{numbered(1), numbered(2)});
  CHECK(ring.snapshot() == std::vector{numbered(2), numbered(3)});
}

TEST_CASE("a capacity that is no power of two is rounded up") {
  trace_ring ring{core_id{0}, 0, 100};
  REQUIRE(ring.switch_on());
  CHECK(ring.full_ring()->capacity() == 128);
}

TEST_CASE("flow ids differ in each of sender, receiver, lane and position, and are never 0") {
  const std::uint64_t id = flow_id(core_id{1}, core_id{2}, lane::reply, 7);
  CHECK(id != 0);
  CHECK(id != flow_id(core_id{2}, core_id{1}, lane::reply, 7));
  CHECK(id != flow_id(core_id{1}, core_id{3}, lane::reply, 7));
  CHECK(id != flow_id(core_id{1}, core_id{2}, lane::request, 7));
  CHECK(id != flow_id(core_id{1}, core_id{2}, lane::reply, 8));
  CHECK(flow_id(core_id{}, core_id{}, lane::request, 0) != 0);
  CHECK(flow_id(core_id{4095}, core_id{4095}, lane::monitor, ~std::uint64_t{0}) !=
        flow_id(core_id{4095}, core_id{4094}, lane::monitor, ~std::uint64_t{0}));
}

TEST_CASE("a line between two handlers becomes two slices and one arrow") {
  const std::uint64_t flow = flow_id(core_id{0}, core_id{1}, lane::request, 41);
  const core_id zero{0}, one{1};
  name_message_type(9, "ping \"quoted\"\n");
  name_endpoint(one, 4, "server");
  const traced_core cores[] = {
      {zero,
       "core 0 (PU 3)",
       {{.time_ns = 1'000'000, .kind = trace_kind::handler_begin, .peer = one, .slot = 2},
        {.time_ns = 1'000'500, .kind = trace_kind::line_sent, .peer = one, .slot = 4, .flow = flow, .arg = 9},
        {.time_ns = 1'001'000, .kind = trace_kind::handler_end, .slot = 2}}},
      {one,
       "core 1",
       {{.time_ns = 1'000'600, .kind = trace_kind::line_received, .peer = zero, .slot = 4, .flow = flow, .arg = 9},
        {.time_ns = 1'000'610, .kind = trace_kind::handler_begin, .peer = zero, .slot = 4, .flow = flow, .arg = 9},
        {.time_ns = 1'002'845, .kind = trace_kind::handler_end, .slot = 4}}}};
  const std::string text = chrome_trace_json("machine", cores);
  const auto slices = events_of(text, "X");
  REQUIRE(slices.size() == 2);
  CHECK(slices[0].at("name").as_string() == "endpoint 2");
  CHECK(time_of(slices[0], "ts") == doctest::Approx(0.0));
  CHECK(time_of(slices[0], "dur") == doctest::Approx(1.0));
  CHECK(slices[1].at("name").as_string() == "server");
  CHECK(slices[1].at("tid").to_number<int>() == 1);
  CHECK(time_of(slices[1], "ts") == doctest::Approx(0.610));
  CHECK(time_of(slices[1], "dur") == doctest::Approx(2.235));
  CHECK(slices[1].at("args").at("type").as_string() == "ping \"quoted\"\n");
  const auto starts = events_of(text, "s"), ends = events_of(text, "f");
  REQUIRE(starts.size() == 1);
  REQUIRE(ends.size() == 1);
  CHECK(starts[0].at("id") == ends[0].at("id"));
  CHECK(starts[0].at("tid").to_number<int>() == 0);
  CHECK(ends[0].at("tid").to_number<int>() == 1);
  CHECK(ends[0].at("bp").as_string() == "e");
  std::map<std::string, int> labels;
  for (const json::object& m : events_of(text, "M")) {
    if (m.at("name").as_string() == "thread_name") ++labels[std::string{m.at("args").at("name").as_string()}];
  }
  CHECK(labels == std::map<std::string, int>{{"core 0 (PU 3)", 1}, {"core 1", 1}});
}

TEST_CASE("a line that is sent or received outside a handler gets a slice for its arrow") {
  const std::uint64_t flow = flow_id(core_id{0}, core_id{1}, lane::monitor, 0);
  const traced_core cores[] = {
      {core_id{0}, "a", {{.time_ns = 5, .kind = trace_kind::line_sent, .peer = core_id{1}, .flow = flow}}},
      {core_id{1}, "b", {{.time_ns = 9, .kind = trace_kind::line_received, .via = lane::monitor, .flow = flow}}}};
  const std::string text = chrome_trace_json("machine", cores);
  const auto slices = events_of(text, "X");
  REQUIRE(slices.size() == 2);
  CHECK(slices[0].at("name").as_string() == "send");
  CHECK(slices[1].at("name").as_string() == "receive");
  CHECK(slices[1].at("args").at("lane").as_string() == "monitor");
  CHECK(events_of(text, "s").size() == 1);
  CHECK(events_of(text, "f").size() == 1);
}

TEST_CASE("an arrow of which one end is not in the trace is left out") {
  const traced_core cores[] = {
      {core_id{0}, "a", {{.time_ns = 5, .kind = trace_kind::line_sent, .peer = core_id{1}, .flow = 77}}}};
  const std::string text = chrome_trace_json("machine", cores);
  CHECK(events_of(text, "s").empty());
  CHECK(events_of(text, "X").size() == 1);
}

TEST_CASE("handlers cut off by either end of the ring give no slice, or one up to the last event") {
  const traced_core cores[] = {{core_id{0},
                                "a",
                                {{.time_ns = 100, .kind = trace_kind::handler_end, .slot = 1},
                                 {.time_ns = 200, .kind = trace_kind::handler_begin, .slot = 2},
                                 {.time_ns = 700, .kind = trace_kind::park}}}};
  const auto slices = events_of(chrome_trace_json("machine", cores), "X");
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].at("name").as_string() == "endpoint 2");
  CHECK(time_of(slices[0], "dur") == doctest::Approx(0.5));
}

TEST_CASE("rare events and marks are instants with their names") {
  name_mark(6, "commit");
  const traced_core cores[] = {{core_id{0},
                                "a",
                                {{.time_ns = 1, .kind = trace_kind::park},
                                 {.time_ns = 2, .kind = trace_kind::unpark, .arg = 1},
                                 {.time_ns = 3, .kind = trace_kind::wake_sent, .peer = core_id{5}},
                                 {.time_ns = 4, .kind = trace_kind::mark, .slot = 6, .arg = 17}}}};
  const auto instants = events_of(chrome_trace_json("machine", cores), "i");
  REQUIRE(instants.size() == 4);
  CHECK(instants[0].at("name").as_string() == "park");
  CHECK(instants[2].at("args").at("peer").to_number<int>() == 5);
  CHECK(instants[3].at("name").as_string() == "commit");
  CHECK(instants[3].at("args").at("arg").to_number<int>() == 17);
}

TEST_CASE("a trace without events is still valid JSON") {
  CHECK(json::parse(chrome_trace_json("machine", {})).at("traceEvents").as_array().size() == 1);
  const traced_core cores[] = {{core_id{0}, "a", {}}};
  CHECK(json::parse(chrome_trace_json("machine", cores)).at("traceEvents").as_array().size() == 3);
}

TEST_CASE("every event kind has a name of its own") {
  std::map<std::string_view, int> names;
  for (unsigned k = 0; k < static_cast<unsigned>(trace_kind::count); ++k) ++names[name_of(static_cast<trace_kind>(k))];
  CHECK(names.size() == static_cast<std::size_t>(trace_kind::count));
  CHECK(name_of(trace_kind::stall) == "stall");
  CHECK(name_of(trace_kind::count) == "unknown");
}
