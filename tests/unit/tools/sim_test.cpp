// SPDX-License-Identifier: BSD-3-Clause
// `cooper sim` as it is typed: parsed by CLI11, with files as results. And the commands of the README.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "commands.hpp"
#include "typed_command.hpp"
#include "watchdog.hpp"

using namespace cooper::test;
using namespace cooper::tools;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct scratch : scratch_folder {
  outcome run(std::vector<std::string> words) const {
    words.insert(words.begin(), "sim");
    return typed({add_sim}, *this, std::move(words));
  }
  std::string read(const char* name) const { return content_of(*this / name); }
};

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

std::vector<std::string> ping_pong(std::vector<std::string> more = {}) {
  std::vector<std::string> words{"--program", "ping_pong", "--profile", "amd_8x4", "--set", "rounds=20"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const std::string forever = "rounds=100000000";

}  // namespace

TEST_CASE("sim says what it will run, faults included, and then what came out") {
  const scratch folder;
  const auto got = folder.run(ping_pong({"--faults", "3", "--seed", "7", "--cores", "0-7"}));
  CHECK_MESSAGE(got.exit == exit_good, got.err);
  const auto faults = got.out.find("faults"), result = got.out.find("a round trip");
  CHECK(faults < result);
  CHECK(result != std::string::npos);
  CHECK(has(got.out, "8 cores"));
  CHECK(!has(got.out, "faults    none"));
  CHECK(has(got.out, "host: "));
}

TEST_CASE("a result holds its scenario: replayed, it is equal to the byte") {
  const scratch folder;
  auto words =
      ping_pong({"--faults", "5", "--set", "handlers.ping=12.5", "--cores", "4,0-2", "--until", "50", "--json"});
  words.push_back(folder / "r.json");
  const auto got = folder.run(words);
  REQUIRE_MESSAGE(got.exit == exit_good, got.err);
  const auto first = boost::json::parse(folder.read("r.json"));
  CHECK(first.at("kind") == "simulated");
  CHECK(first.at("host").at("kind") == "host");
  const auto again = folder.run({"--replay", folder / "r.json", "--json", folder / "s.json"});
  CHECK_MESSAGE(again.exit == exit_good, again.err);
  CHECK(has(again.err, "the same result, to the byte"));
  const auto second = boost::json::parse(folder.read("s.json"));
  for (const char* key : {"scenario", "faults", "results", "version", "ended_by"}) {
    CHECK(boost::json::serialize(first.at(key)) == boost::json::serialize(second.at(key)));
  }

  SUBCASE("and one that was changed is told apart") {
    auto changed = first;
    changed.at("results").as_array().at(0).as_object()["value"] = 1.0;
    const auto differs = folder.run({"--replay", folder.write("c.json", boost::json::serialize(changed))});
    CHECK(differs.exit == exit_check_failed);
    CHECK(has(differs.err, "the replay differs: row 1"));
  }
  SUBCASE("and one of another version is refused") {
    auto other = first;
    other.as_object()["version"] = "0.0.0";
    const auto refused = folder.run({"--replay", folder.write("v.json", boost::json::serialize(other))});
    CHECK(refused.exit == exit_bad_usage);
    CHECK(has(refused.err, "it is of version '0.0.0'"));
  }
}

TEST_CASE("a machine from XML and a profile from a file travel in the result") {
  const scratch folder;
  const std::string xml = folder.write("m.xml", []() -> std::string {
    for (const auto& one : fs::directory_iterator{fs::path{COOPER_SOURCE_DIR} / "tests/data/topology"}) {
      if (one.path().extension() != ".xml") continue;
      std::ifstream in{one.path()};
      return {std::istreambuf_iterator<char>{in}, {}};
    }
    return {};
  }());
  fs::copy(fs::path{COOPER_SOURCE_DIR} / "runtime/profiles/amd_4x4.toml", folder / "p.toml");
  const auto got = folder.run({"--program", "ring", "--profile", folder / "p.toml", "--xml", xml, "--set", "laps=2",
                               "--json", folder / "r.json"});
  REQUIRE_MESSAGE(got.exit == exit_good, got.err);
  fs::remove(xml);
  fs::remove(folder / "p.toml");
  const auto again = folder.run({"--replay", folder / "r.json"});
  CHECK_MESSAGE(again.exit == exit_good, again.err);
}

TEST_CASE("curves become a picture, and turns a trace") {
  const scratch folder;
  const auto got = folder.run({"--program", "shootdown_messages", "--profile", "amd_4x4", "--set", "rounds=2", "--set",
                               "contenders=unicast", "--plot", folder / "p.svg", "--trace", folder / "t.json"});
  REQUIRE_MESSAGE(got.exit == exit_good, got.err);
  CHECK(folder.read("p.svg").starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
  CHECK(boost::json::parse(folder.read("t.json")).at("traceEvents").as_array().size() > 20);
}

TEST_CASE("a program that cannot come to its end is told of, with what there was by then") {
  const scratch folder;
  const std::string file = folder.write("stop.toml",
                                        "cooper_scenario = 1\nprofile = \"amd_2x2\"\nprogram = \"ping_pong\"\n"
                                        "[load]\nto = 2\n[[fault]]\nkind = \"stop\"\ncore = 2\nat_us = 5\n");
  const auto stuck = folder.run({file, "--json", folder / "r.json"});
  CHECK(stuck.exit == exit_failed);
  CHECK(has(stuck.out, "core 2 stops"));
  CHECK(has(stuck.err, "nothing is left to happen"));
  CHECK(has(folder.read("r.json"), "nothing is left to happen"));
  // That it does not end is a result too.
  CHECK(folder.run({"--replay", folder / "r.json"}).exit == exit_good);

  const auto late = folder.run(ping_pong({"--set", forever, "--until", "1"}));
  CHECK(late.exit == exit_failed);
  CHECK(has(late.err, "until 1000000 ns of virtual time"));
  const auto many = folder.run(ping_pong({"--set", forever, "--turns", "5000"}));
  CHECK(many.exit == exit_failed);
  CHECK(has(many.err, "5000 turns were made"));
}

TEST_CASE("an interrupt ends it, with what there was by then") {
  const scratch folder;
  const cooper::test::watchdog dog{60s};
  struct sigaction nothing {};
  nothing.sa_handler = SIG_IGN;
  struct sigaction former {};
  REQUIRE(::sigaction(SIGINT, &nothing, &former) == 0);
  // sync(test.over) relaxed: tells the thread to end, and nothing else.
  std::atomic<bool> over{false};
  std::thread impatient{[&] {
    while (!over.load(std::memory_order_relaxed)) {
      ::kill(::getpid(), SIGINT);
      std::this_thread::yield();
    }
  }};
  const auto got = folder.run(ping_pong({"--set", forever, "--json", folder / "r.json"}));
  over.store(true, std::memory_order_relaxed);
  impatient.join();
  ::sigaction(SIGINT, &former, nullptr);
  CHECK(got.exit == exit_interrupted);
  CHECK(boost::json::parse(folder.read("r.json")).at("ended_by") == "interrupted");
}

TEST_CASE("sim refuses bad usage with exit code 2, before it works") {
  const scratch folder;
  const auto bad = [&](std::vector<std::string> words, const char* part) {
    const auto got = folder.run(std::move(words));
    CHECK(got.exit == exit_bad_usage);
    CHECK_MESSAGE(has(got.err, part), got.err);
    CHECK(!has(got.out, "messages/s"));
  };
  bad({}, "name a scenario file");
  bad({folder / "missing.toml"}, "missing.toml");
  bad({"--program", "ping_pon", "--profile", "amd_8x4"}, "did you mean 'ping_pong'?");
  bad({"--program", "ping_pong"}, "topology");
  bad({"--program", "ping_pong", "--profile", "amd_9x9"}, "amd_9x9");
  bad(ping_pong({"--set", "rounds"}), "KEY=VALUE");
  bad(ping_pong({"--set", "rouns=3"}), "rouns");
  bad(ping_pong({"--set", "rounds=0"}), "rounds");
  bad(ping_pong({"--set", "rounds=many"}), "rounds");
  bad(ping_pong({"--set", "handlers.ping=x"}), "no number");
  bad(ping_pong({"--set", "to=32"}), "the last core is 31");
  bad(ping_pong({"--cores", "0-99"}), "cores");
  bad(ping_pong({"--cores", "3"}), "needs two");
  bad(ping_pong({"--topology", "nonsense"}), "topology");
  bad(ping_pong({"--plot", folder / "p.svg"}), "has no curves");
  bad(ping_pong({"--json", "-", "--trace", "-"}), "only one");
  bad(ping_pong({"--json", "/nowhere/r.json"}), "/nowhere/r.json");
  bad(ping_pong({"--replay", folder / "r.json"}), "");
  bad({"--replay", folder.write("no.json", "{")}, "no.json");
  bad({"--replay", folder.write("other.json", "{}")}, "no result of 'cooper sim --json'");
  bad({"--program", "shootdown_messages", "--profile", "amd_2x2", "--set", "core_counts=2,8"}, "from 2 to 4");
  bad({"--program", "shootdown_messages", "--profile", "amd_2x2", "--set", "contenders=unicats"},
      "Did you mean 'unicast'?");
}

TEST_CASE("the list names programs with their keys, and profiles") {
  const scratch folder;
  const auto got = folder.run({"--list"});
  CHECK(got.exit == exit_good);
  for (const char* part : {"shootdown_messages", "core_counts", "handlers.deliver", "amd_8x4"})
    CHECK(has(got.out, part));
  const auto json = folder.run({"--list", "--json", "-"});
  CHECK(boost::json::parse(json.out).at("programs").as_array().size() >= 5);
}

TEST_CASE("the README's commands run") {
  const scratch folder;
  std::ifstream readme{fs::path{COOPER_SOURCE_DIR} / "README.md"};
  const fs::path before = fs::current_path();
  fs::create_directory(folder / "examples");
  fs::copy(fs::path{COOPER_SOURCE_DIR} / "examples/scenarios", folder / "examples/scenarios");
  fs::current_path(folder / ".");
  std::size_t commands = 0;
  for (std::string line; std::getline(readme, line);) {
    constexpr std::string_view start = "cooper sim ";
    if (!line.starts_with(start)) continue;
    // That takes a machine which does nothing else; bench.calibrate sees that it comes to an end.
    if (line.find("--calibrate") != line.npos) continue;
    std::istringstream words{line.substr(start.size(), line.find(" #") - start.size())};
    std::vector<std::string> all{std::istream_iterator<std::string>{words}, {}};
    // The same commands, on fewer rounds.
    if (all.front().ends_with(".toml")) all.insert(all.end(), {"--set", "rounds=2", "--set", "warm_up=0"});
    const auto got = folder.run(all);
    CHECK_MESSAGE(got.exit == exit_good, line << "\n" << got.err);
    ++commands;
  }
  fs::current_path(before);
  CHECK(commands >= 3);
}
