// SPDX-License-Identifier: BSD-3-Clause
// The table of benchmarks, the measuring threads, sampling, and the JSON that comes out.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include <boost/json/parse.hpp>

#include "support/interrupt.hpp"
#include "support/noise.hpp"
#include "support/published.hpp"
#include "support/results.hpp"
#include "support/run.hpp"

using namespace cooper;
using namespace cooper::bench;

namespace {

// A team on the CPUs that this process may use; the same one twice where there is only one.
std::vector<unsigned> cpus(std::size_t n) {
  const auto here = topology::discover();
  REQUIRE(here);
  const std::vector<core_id> allowed = here->allowed_cores();
  std::vector<unsigned> numbers;
  for (std::size_t i = 0; i < n; ++i) numbers.push_back(here->thread(allowed[i % allowed.size()]).pu_index);
  return numbers;
}

}  // namespace

TEST_CASE("every name of the design is there, once") {
  const std::vector<std::string> names = all_names();
  const std::set<std::string> unique(names.begin(), names.end());
  CHECK(unique.size() == names.size());
  for (const char* name : {"line_rtt",
                           "line_rtt/cooper",
                           "line_rtt/cooper_driver",
                           "line_rtt/floor",
                           "line_rtt/boost_spsc",
                           "line_rtt/moodycamel",
                           "line_rtt/mutex_queue",
                           "line_rtt/asio_post",
                           "line_rtt/pipe",
                           "line_rtt/eventfd",
                           "line_stream/cooper",
                           "line_stream/boost_spsc",
                           "flow_control/credit_word",
                           "flow_control/used_flag",
                           "flow_control/piggyback",
                           "lrpc/cooper",
                           "wake/cooper",
                           "wake/disturbance",
                           "idle/cooper",
                           "idle/polling",
                           "shared_vs_message/shared",
                           "shared_vs_message/message",
                           "skb/start",
                           "skb/lookup",
                           "skb/tree",
                           "skb/change"}) {
    CHECK_MESSAGE(unique.contains(name), name);
    CHECK_MESSAGE(select(name).has_value(), name);
  }
}

TEST_CASE("a name that is none selects nothing") {
  for (const char* name : {"", "/", "line_rt", "line_rtt/", "line_rtt/coper", "cooper", "line_rtt/cooper/"}) {
    CHECK_MESSAGE(!select(name), name);
  }
}

TEST_CASE("all members of a team run each job, at the same time, in every session") {
  team three{cpus(3)};
  for (int session_number = 0; session_number < 3; ++session_number) {
    std::atomic<int> jobs{0};
    three.lead([&](session& on) {
      CHECK(on.size() == 3);
      for (int i = 0; i < 5; ++i) {
        std::atomic<int> arrived{0};
        // Each waits for the others: it ends only if all run at once.
        on.run([&](std::size_t) {
          ++arrived;
          while (arrived.load() != 3) std::this_thread::yield();
          ++jobs;
        });
      }
    });
    CHECK(jobs.load() == 15);
  }
  three.lead([](session&) {});  // a session without a job ends too
}

TEST_CASE("sampling alternates floor, peer and contender") {
  team two{cpus(2)};
  floor_lines floor;
  row r;
  int contender_calls = 0, peer_calls = 0;
  two.lead([&](session& on) {
    sample_windows(
        on, floor, [&](std::uint64_t count) { return ++contender_calls, static_cast<double>(count) * 50; },
        [&](std::uint64_t count) { return ++peer_calls, static_cast<double>(count) * 100; }, {.smoke = true}, r);
  });
  REQUIRE(r.windows.size() == 2);
  CHECK(contender_calls == 2);
  CHECK(peer_calls == 2);
  CHECK(r.windows[0].floor_after == r.windows[1].floor_before);
  for (const window& w : r.windows) {
    CHECK(w.floor_before > 0);
    CHECK(w.contender == doctest::Approx(50));
    CHECK(w.peer == doctest::Approx(100));
  }
}

TEST_CASE("an interrupt ends the sampling and keeps what there is") {
  team one{cpus(1)};
  floor_lines floor;
  row r;
  one.lead([&](session& on) {
    sample_windows(
        on, floor,
        [&](std::uint64_t count) {
          if (r.windows.size() == 4) set_interrupted(true);
          return static_cast<double>(count) * 1e6;
        },
        {}, {.seconds = 3600, .with_floor = false}, r);
  });
  set_interrupted(false);
  CHECK(r.windows.size() == 5);
}

TEST_CASE("foreign CPU time is what others used, as a share of the whole machine") {
  const noise_meter::reading begin{.wall_s = 10, .busy_s = 100, .steal_s = 1, .own_s = 50, .cores = 4};
  const noise_meter::reading end{.wall_s = 12, .busy_s = 105, .steal_s = 1.4, .own_s = 54, .cores = 4};
  const noise heard = noise_meter::between(begin, end);
  CHECK(heard.foreign == doctest::Approx(1.0 / 8));
  CHECK(heard.steal == doctest::Approx(0.05));
  CHECK(noise_meter::between(begin, {.wall_s = 10.1, .busy_s = 200, .cores = 4}).foreign == 0);  // too short to tell
}

TEST_CASE("foreign CPU time above 1 % is a warning that names the worst row") {
  row quiet, loud;
  quiet.workload = loud.workload = "line_rtt";
  quiet.contender = "cooper";
  loud.contender = "pipe";
  quiet.foreign = 0.009;
  loud.foreign = 0.031;
  CHECK(warnings_of({quiet}, true).empty());
  const auto warnings = warnings_of({quiet, loud}, true);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("3.1 %") != std::string::npos);
  CHECK(warnings[0].find("line_rtt/pipe") != std::string::npos);
  CHECK(warnings_of({quiet}, false).size() == 1);  // not pinned
}

TEST_CASE("numbers for people have three digits and a scale") {
  CHECK(human(0) == "0");
  CHECK(human(0.0834) == "0.0834");
  CHECK(human(1.118) == "1.12");
  CHECK(human(112.4) == "112");
  CHECK(human(9999) == "9999");
  CHECK(human(43021) == "43 021");
  CHECK(human(196.2e6) == "196 million");
  CHECK(human(-2.5) == "-2.50");
}

TEST_CASE("pretty JSON reads back as the same value") {
  const auto value = boost::json::parse(R"({"a":[1,2.5,-3e9],"b":{"c":"x\"y","d":[]},"e":[{"f":null},"g"],"h":true})");
  CHECK(boost::json::parse(pretty(value)) == value);
}

TEST_CASE("the published figures parse, and each has a known mark and source") {
  const auto published = boost::json::parse(published_json()).as_object();
  const auto& marks = published.at("marks").as_object();
  const auto& sources = published.at("sources").as_object();
  std::size_t rows = 0;
  for (const auto& group : published.at("groups").as_array()) {
    CHECK(!group.at("workload").as_string().empty());
    for (const auto& r : group.at("rows").as_array()) {
      ++rows;
      CHECK_MESSAGE(marks.contains(r.at("mark").as_string()), r.at("what").as_string().c_str());
      CHECK_MESSAGE(sources.contains(r.at("source").as_string()), r.at("what").as_string().c_str());
    }
  }
  CHECK(rows > 20);
  for (const auto& curve : published.at("curves").as_array()) {
    CHECK(marks.contains(curve.at("mark").as_string()));
    CHECK(sources.contains(curve.at("source").as_string()));
    for (const auto& one : curve.at("series").as_object()) {
      CHECK_MESSAGE(one.value().as_array().size() == curve.at("x").as_array().size(), std::string{one.key()});
    }
  }
}
