// SPDX-License-Identifier: BSD-3-Clause
// Scenario files: what they become, and what is refused with which words. And the examples of docs/profiles.md.
#include "scenario.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include <cooper/vocabulary/random.hpp>

#include "mistakes.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace cooper::tools;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const std::vector<program_description> programs{
    {.name = "ping_pong",
     .words = "Two actors play",
     .load = {{.key = "rounds", .words = "how many", .otherwise = std::int64_t{100}, .least = 1, .most = 1'000'000},
              {.key = "route", .words = "which way", .otherwise = std::string{"direct"}}},
     .handlers = {"ping", "pong"}},
    {.name = "shootdown", .words = "All cores answer", .load = {}, .handlers = {}}};

const std::string good = R"(cooper_scenario = 1
topology = "package:2 core:4 pu:1"
profile = "amd_8x4"
cores = "0-5"
program = "ping_pong"
seed = 7
until_ms = 100
[load]
rounds = 1000
[[fault]]
kind = "pause"
core = 3
at_us = 100
for_us = 50.5
[[fault]]
kind = "delay"
core = 3
to = 5
at_us = 100
for_us = 50
by_us = 2
[swarm]
faults = 5
within_us = 1000
kinds = ["slow", "late"]
[handlers]
ping = 20.5
)";

std::string with(const std::string& right, const std::string& wrong) { return with_mistake(good, right, wrong); }

void refused(const std::string& text, const std::string& place, const std::string& words) {
  CAPTURE(text);
  const auto read = parse_scenario(text, "folder/s.toml", programs);
  REQUIRE_FALSE(read);
  INFO(read.error().detail());
  CHECK(read.error().code() == errc::malformed_input);
  CHECK(read.error().detail().starts_with("folder/s.toml:" + place + ": "));
  CHECK(read.error().detail().find(words) != std::string::npos);
}

scenario parsed(const std::string& text) {
  auto read = parse_scenario(text, "folder/s.toml", programs);
  REQUIRE_MESSAGE(read, (read ? "" : read.error().detail()));
  return *std::move(read);
}

}  // namespace

TEST_CASE("a scenario's machine, costs, cores, load, faults and handlers are what its file says") {
  const scenario s = parsed(good);
  CHECK(s.where.size() == 8);
  CHECK(s.costs.name == "amd_8x4");
  CHECK(s.cores.size() == 6);
  CHECK(s.program == "ping_pong");
  CHECK(s.seed == 7);
  CHECK(s.until == 100ms);
  CHECK(s.load == std::vector<std::pair<std::string, load_value>>{{"rounds", std::int64_t{1000}},
                                                                  {"route", std::string{"direct"}}});
  CHECK(s.faults ==
        std::vector<fault>{{.kind = fault_kind::pause, .begin = 100us, .length = 50'500ns, .core = core_id{3}},
                           {.kind = fault_kind::delay,
                            .begin = 100us,
                            .length = 50us,
                            .core = core_id{3},
                            .to = core_id{5},
                            .by = 2us}});
  REQUIRE(s.swarm);
  CHECK(s.swarm->faults == 5);
  CHECK(s.swarm->within == 1ms);
  CHECK(s.swarm->kinds ==
        ((1u << static_cast<unsigned>(fault_kind::slow)) | (1u << static_cast<unsigned>(fault_kind::late))));
  CHECK(s.handlers == std::vector<std::pair<std::string, cost>>{{"ping", cost{20'500}}});
}

TEST_CASE("what a scenario leaves out has defaults") {
  const scenario s = parsed("cooper_scenario = 1\nprofile = \"amd_4x4\"\nprogram = \"shootdown\"\n");
  CHECK(s.where.size() == 16);
  CHECK(s.cores.size() == 16);
  CHECK(s.seed == 1);
  CHECK_FALSE(s.until);
  CHECK(s.load.empty());
  CHECK(s.faults.empty());
  CHECK_FALSE(s.swarm);
  CHECK(parsed("cooper_scenario = 1\ntopology = \"core:2 pu:1\"\nprogram = \"shootdown\"\n").costs ==
        profile::uniform());
}

TEST_CASE("written and drawn faults come in order, equal for equal seeds, and never two of a kind upon each other") {
  const scenario s = parsed(with("kinds = [\"slow\", \"late\"]\n", ""));
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto faults = faults_of(s, seed);
    REQUIRE(faults);
    CHECK(check(*faults, s.cores.size()));
    CHECK(faults->size() >= 2);
    CHECK(faults->size() <= 7);
    CHECK(*faults == *faults_of(s, seed));
    CHECK(
        std::is_sorted(faults->begin(), faults->end(), [](const auto& a, const auto& b) { return a.begin < b.begin; }));
  }
}

TEST_CASE("what is wrong with a scenario is told with its line and what to do") {
  refused("x = 1\n", "1", "'cooper_scenario' is missing");
  refused("cooper_profile = 1\n", "1", "this is a profile");
  refused(with("cooper_scenario = 1", "cooper_scenario = 3"), "1", "this version of Cooper reads 1");
  refused(with("topology =", "topologie ="), "2", "did you mean 'topology'?");
  refused(with("topology =", "xml = \"m.xml\"\ntopology ="), "2", "leave one out");
  refused(with("topology = \"package:2 core:4 pu:1\"", "xml = \"none.xml\""), "2", "folder/none.xml");
  refused(with("package:2 core:4", "package:2 crow:4"), "2", "'crow' is no type of object");
  refused(with("topology = \"package:2 core:4 pu:1\"\nprofile = \"amd_8x4\"", "profile = \"uniform\""), "1",
          "'topology' is missing");
  refused(with("amd_8x4", "amd_8x5"), "3", "did you mean 'amd_8x4'?");
  refused(with("amd_8x4", "none.toml"), "3", "folder/none.toml");
  refused(with("\"0-5\"", "\"0-9\""), "4", "'cores' cannot be");
  refused(with("\"0-5\"", "\"0,0\""), "4", "'cores' cannot be");
  refused(with("\"0-5\"", "[0, 1]"), "4", "is an array; write a text");
  refused(with("\"ping_pong\"", "\"pingpong\""), "5", "did you mean 'ping_pong'?");
  refused(with("program = \"ping_pong\"\n", ""), "1", "'program' is missing");
  refused(with("seed = 7", "seed = -7"), "6", "write a whole number from 0");
  refused(with("seed = 7", "seed = 99999999999999999999"), "6", "write a whole number from 0");
  refused(with("until_ms = 100", "until_ms = -1"), "7", "write a number from 0");
  refused(with("until_ms = 100", "until_ms = 0"), "7", "nothing would happen");
  refused(with("until_ms = 100", "until_ms = inf"), "7", "write a number from 0");
  refused(with("rounds = 1000", "round = 1000"), "9", "did you mean 'rounds'?");
  refused(with("rounds = 1000", "rounds = 0"), "9", "write a whole number from 1 to 1000000");
  refused(with("rounds = 1000", "rounds = \"many\""), "9", "is a text; write a whole number");
  refused(with("rounds = 1000", "route = 3"), "9", "is a whole number; write a text");
  refused(with("\"pause\"", "\"paus\""), "11", "did you mean 'pause'?");
  refused(with("core = 3", "core = 6"), "12", "write a whole number from 0 to 5");
  refused(with("at_us = 100", "at_us = -1"), "13", "write a number from 0");
  refused(with("for_us = 50.5", "for_us = 0"), "10", "fault 1: its length is 0");
  refused(with("for_us = 50.5", "for_us = 1e300"), "14", "write a number from 0");
  refused(with("for_us = 50.5\n", ""), "10", "'fault[1].for_us' is missing");
  refused(with("for_us = 50.5", "for_us = 50.5\nfactor = 3"), "15", "there is no key 'fault[1].factor'");
  refused(with("to = 5", "to = 3"), "15", "both are core 3");
  refused(with("core = 3\nto = 5",
               "core = 3\nto = 5\nat_us = 100\nfor_us = 50\nby_us = 2\n[[fault]]\nkind = \"delay\"\n"
               "core = 3\nto = 5"),
          "22", "fault 3: it is at the same time as fault 2");
  refused(with("within_us = 1000", "within_us = 0"), "22", "'within' is 0");
  refused(with("faults = 5", "faults = 5000"), "23", "write a whole number from 0 to 1000");
  refused(with("[\"slow\", \"late\"]", "[\"slow\", \"lat\"]"), "25", "did you mean 'late'?");
  refused(with("[\"slow\", \"late\"]", "[]"), "25", "write for example");
  refused(with("[\"slow\", \"late\"]", "[\"stop\"]\nfactor_max = 1"), "26", "write a whole number from 2");
  refused(with("ping = 20.5", "pung = 20.5"), "27", "did you mean");
  refused(with("ping = 20.5", "ping = -1"), "27", "write a number from 0");
  refused("cooper_scenario = 1\nprofile = \"amd_4x4\"\nprogram = \"shootdown\"\nfault = 3\n", "4", "write [[fault]]");
  refused("cooper_scenario = 1\nprofile = \"amd_4x4\"\nprogram = \"shootdown\"\n[load]\nx = 3\n", "5",
          "it has no keys");
}

TEST_CASE("a profile's path is relative to the scenario's folder, and so is a machine's file") {
  std::string name = (fs::temp_directory_path() / "cooper-scenario-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const fs::path folder = name;
  auto mine = *profile::named("amd_2x2");
  mine.name = "mine";
  std::ofstream{folder / "mine.toml"} << mine.to_toml();
  std::ofstream{folder / "s.toml"} << "cooper_scenario = 1\nprofile = \"mine.toml\"\nprogram = \"shootdown\"\n";
  const auto s = read_scenario(folder / "s.toml", programs);
  REQUIRE_MESSAGE(s, (s ? "" : s.error().detail()));
  CHECK(s->costs == mine);
  CHECK(s->where.size() == 4);
  CHECK(read_scenario(folder / "none.toml", programs).error().code() == errc::unreadable_input);
  fs::remove_all(folder);
}

TEST_CASE("no change of a good scenario's bytes does more than be refused with its place") {
  const std::uint64_t seed = 424242;
  cooper::random draw{seed};
  for (std::size_t round = 0; round < 1000; ++round) {
    const std::string text = mutated(good, draw);
    CAPTURE(seed);
    CAPTURE(round);
    CAPTURE(text);
    const auto read = parse_scenario(text, "s.toml", programs);
    if (read) {
      CHECK(check(read->faults, read->cores.size()));
    } else {
      CHECK(read.error().code() == errc::malformed_input);
      CHECK(read.error().detail().starts_with("s.toml:"));
    }
  }
}

TEST_CASE("the examples of docs/profiles.md are good") {
  const fs::path page = fs::path{COOPER_SOURCE_DIR} / "docs/profiles.md";
  std::ifstream in{page};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  std::size_t profiles = 0, scenarios = 0;
  for (std::size_t at = text.find("```toml\n"); at != text.npos; at = text.find("```toml\n", at)) {
    at += 8;
    const std::string block = text.substr(at, text.find("\n```", at) + 1 - at);
    CAPTURE(block);
    if (block.starts_with("cooper_profile")) {
      ++profiles;
      const auto read = profile::parse(block, "docs/profiles.md");
      CHECK_MESSAGE(read, (read ? "" : read.error().detail()));
    } else {
      ++scenarios;
      const auto read = parse_scenario(block, page, programs);
      CHECK_MESSAGE(read, (read ? "" : read.error().detail()));
    }
  }
  CHECK(profiles >= 1);
  CHECK(scenarios >= 1);
}
