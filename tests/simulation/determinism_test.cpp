// SPDX-License-Identifier: BSD-3-Clause
// Equal seed, equal trace to the byte: within a process, and against a trace that is checked in, so that compilers and
// build types are compared too. And each kind of fault does what it says.
//
//   COOPER_REWRITE=1 build/release/tests/simulation.determinism     writes the golden trace anew
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "simulated/simulation.hpp"

using namespace cooper;
using namespace cooper::bench::simulated;
using namespace std::chrono_literals;

namespace {

using load = std::vector<std::pair<std::string, load_value>>;

struct outcome {
  std::string text;  // the rows, and how it ended
  std::string trace;
  double value = 0;  // of the first row
  std::string ended_by;
};

const std::string golden = std::string{COOPER_SOURCE_DIR} + "/tests/data/simulation/golden_trace.json";

// One of each kind, on a machine of two packages of two cores.
const std::vector<fault> one_of_each{
    {.kind = fault_kind::slow, .begin = 2us, .length = 30us, .core = core_id{1}, .factor = 5},
    {.kind = fault_kind::delay, .begin = 5us, .length = 20us, .core = core_id{0}, .to = core_id{2}, .by = 3us},
    {.kind = fault_kind::pause, .begin = 10us, .length = 8us, .core = core_id{3}},
    {.kind = fault_kind::fill, .begin = 12us, .length = 20us, .core = core_id{2}, .to = core_id{3}},
    {.kind = fault_kind::late, .begin = 0us, .length = 40us, .core = core_id{0}, .by = 4us},
    {.kind = fault_kind::stop, .begin = 40us, .core = core_id{3}}};

outcome run(const std::string& name, const load& told, std::vector<fault> faults, std::uint64_t seed = 1,
            const std::string& machine = "package:2 l3:1 core:2 pu:1") {
  auto where = topology::from_synthetic(machine);
  REQUIRE(where);
  const auto cores = select_cores(*where, std::nullopt, false);
  const auto costs = profile::named("amd_8x4");
  const program* what = find_program(name);
  REQUIRE((cores && costs && what != nullptr));
  simulation_plan plan{.where = *where, .costs = *costs, .cores = *cores, .seed = seed, .faults = std::move(faults)};
  plan.until = 50ms;
  plan.trace = true;
  for (const load_key& k : what->about.load) {
    plan.load.emplace_back(k.key, k.otherwise);
    for (const auto& [key, value] : told) {
      if (key == k.key) plan.load.back().second = value;
    }
  }
  simulation on{std::move(plan)};
  const auto ended = what->run(on);
  outcome out;
  out.trace = on.trace();
  if (!ended) out.ended_by = ended.error().detail();
  for (const measurement& m : on.rows()) {
    out.text += fmt::format("{} {} {} {} {} {} {}\n", m.name, m.value, m.unit, m.moved.messages, m.moved.crossings,
                            m.moved.lines, m.note);
  }
  out.text += out.ended_by;
  if (!on.rows().empty()) out.value = on.rows().front().value;
  return out;
}

outcome ping_pong_with(std::vector<fault> faults) {
  return run("ping_pong", {{"to", std::int64_t{2}}, {"rounds", std::int64_t{100}}, {"warm_up", std::int64_t{0}}},
             std::move(faults));
}

}  // namespace

TEST_CASE("equal seed, equal rows and trace, for every program") {
  const std::vector<std::pair<std::string, load>> all{
      {"ping_pong", {{"rounds", std::int64_t{50}}}},
      {"stream", {{"messages", std::int64_t{500}}, {"warm_up", std::int64_t{50}}, {"window", std::int64_t{16}}}},
      {"ring", {{"laps", std::int64_t{20}}, {"tokens", std::int64_t{3}}}},
      {"shared_vs_message", {{"operations", std::int64_t{20}}}},
      {"shootdown_messages", {{"rounds", std::int64_t{5}}}}};
  for (const auto& [name, told] : all) {
    const std::string& called = name;
    CAPTURE(called);
    const outcome once = run(name, told, {}), again = run(name, told, {});
    CHECK(once.ended_by == "");
    CHECK(once.text == again.text);
    CHECK(once.trace == again.trace);
    CHECK(once.trace.size() > 500);
    // With faults as well.
    const outcome hit = run(name, told, one_of_each), hit_again = run(name, told, one_of_each);
    CHECK(hit.text == hit_again.text);
    CHECK(hit.trace == hit_again.trace);
    CHECK(hit.text + hit.trace != once.text + once.trace);
  }
}

TEST_CASE("the trace is the golden one") {
  const outcome now = run("shootdown_messages",
                          {{"contenders", std::string{"numa_multicast"}},
                           {"core_counts", std::string{"4"}},
                           {"rounds", std::int64_t{2}},
                           {"warm_up", std::int64_t{0}},
                           {"gap_ns", std::int64_t{10'000}}},
                          one_of_each, 7);
  const std::string all = now.text + now.trace;
  if (std::getenv("COOPER_REWRITE") != nullptr) {
    std::ofstream{golden, std::ios::binary} << all;
    return;
  }
  std::ifstream in{golden, std::ios::binary};
  const std::string before{std::istreambuf_iterator<char>{in}, {}};
  CHECK_MESSAGE(before == all, "if it is meant to differ, COOPER_REWRITE=1 writes it anew");
}

TEST_CASE("a core that stops answers nothing more") {
  const outcome hit = ping_pong_with({{.kind = fault_kind::stop, .begin = 10us, .core = core_id{2}}});
  CHECK(hit.text.find("nothing is left to happen") != std::string::npos);
}

TEST_CASE("a pause takes as long as it is") {
  const outcome free = ping_pong_with({});
  const outcome hit = ping_pong_with({{.kind = fault_kind::pause, .begin = 10us, .length = 50us, .core = core_id{2}}});
  // Less what the line would have been under way anyway; more, since its partner falls asleep meanwhile.
  const double more = (hit.value - free.value) * 100;
  CHECK(more > 49'000);
  CHECK(more < 60'000);
}

TEST_CASE("a slow core takes its factor longer for what it does itself") {
  const outcome free = ping_pong_with({});
  const outcome hit =
      ping_pong_with({{.kind = fault_kind::slow, .begin = 0us, .length = 10ms, .core = core_id{2}, .factor = 10}});
  // Receiving is 50 ns, and a look at the rings is late by a part of a turn; what lies between the cores stays.
  CHECK(hit.value - free.value > 9 * 50);
  CHECK(hit.value - free.value < 9 * 50 * 1.3);
}

TEST_CASE("a slow link delays each line of one direction") {
  const outcome free = ping_pong_with({});
  const outcome hit = ping_pong_with(
      {{.kind = fault_kind::delay, .begin = 0us, .length = 10ms, .core = core_id{2}, .to = core_id{0}, .by = 2us}});
  CHECK(hit.value - free.value > 1'950);
  CHECK(hit.value - free.value < 2'050);
}

TEST_CASE("a link that takes no credit back stops a stream at what its ring holds, and lets it go on") {
  const load told{{"to", std::int64_t{2}}, {"messages", std::int64_t{1000}}, {"warm_up", std::int64_t{1}}};
  const outcome free = run("stream", told, {});
  const outcome hit =
      run("stream", told,
          {{.kind = fault_kind::fill, .begin = 30us, .length = 200us, .core = core_id{0}, .to = core_id{2}}});
  CHECK(hit.ended_by == "");
  const double longer = 999 / hit.value - 999 / free.value;  // seconds
  CHECK(longer > 150e-6);
  CHECK(longer < 220e-6);
}

TEST_CASE("timers of a core are late by what is told") {
  const auto rings_after = [](std::vector<fault> faults) {
    auto where = topology::from_synthetic("package:1 core:2 pu:1");
    auto costs = profile::named("amd_8x4");
    REQUIRE((where && costs));
    simulation_options options;
    options.costs = *costs;
    options.faults = std::move(faults);
    auto m = machine::simulate(*where, options);
    REQUIRE(m);
    instant set{}, rang{};
    REQUIRE((*m)->call(core_id{1}, [&](core& here) {
      set = here.now();
      here.after(20us, [&] { rang = here.now(); });
    }));
    (*m)->run();
    return rang - set;
  };
  const duration free = rings_after({});
  const duration hit =
      rings_after({{.kind = fault_kind::late, .begin = 0us, .length = 100us, .core = core_id{1}, .by = 7us}});
  CHECK(free >= 20us);
  CHECK(hit - free > 6500ns);
  CHECK(hit - free < 7500ns);
}
