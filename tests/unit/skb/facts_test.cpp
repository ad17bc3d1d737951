// SPDX-License-Identifier: BSD-3-Clause
// The facts of machines: recorded, described and this one; complete, within the vocabulary, and free of contradictions.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <cooper/skb/facts.hpp>
#include <cooper/skb/knowledge_base.hpp>

using namespace cooper;
using namespace cooper::skb;

namespace {

// How many facts of a name there are.
std::size_t count(const std::vector<term>& facts, std::string_view name) {
  std::size_t n = 0;
  for (const term& f : facts) {
    const auto* c = f.as<compound_term>();
    n += c != nullptr && c->name == name ? 1 : 0;
  }
  return n;
}

void check_machine(const topology& machine) {
  const std::vector<term> facts = facts_of(machine);
  for (const term& f : facts) {
    const auto good = check_fact(f);
    CHECK_MESSAGE(good, (good ? "" : good.error().message()));
  }
  CHECK(count(facts, "machine") == 1);
  CHECK(count(facts, "pu") == machine.size());
  CHECK(count(facts, "pu_place") == machine.size());
  CHECK(count(facts, "core") == machine.physical_core_count());
  CHECK(count(facts, "package") == machine.packages().size());
  CHECK(count(facts, "die") <= machine.dies().size());
  CHECK(count(facts, "numa_node") == machine.nodes().size());
  CHECK(count(facts, "cache") == machine.caches().size());
  CHECK(count(facts, "cpukind") == machine.cpu_kinds().size());
  CHECK(count(facts, "pci_dev") + count(facts, "os_dev") == machine.devices().size());
  const std::size_t distances = machine.distances() ? machine.distances()->values.size() : 0;
  CHECK(count(facts, "numa_distance") == distances);
  auto base = knowledge_base::open(machine);
  REQUIRE_MESSAGE(base, (base ? "" : base.error().message()));
  const auto checked = (*base)->run([](engine& e) { return e.ask(compound("skb_check", {variable{"Found"}})); });
  REQUIRE_MESSAGE(checked, (checked ? "" : checked.error().message()));
  REQUIRE(checked->rows.size() == 1);
  for (const term& found : checked->find(0, "Found")->list()->elements) {
    const auto* parts = found.arguments_of("finding", 3);
    REQUIRE(parts != nullptr);
    CHECK_MESSAGE(parts->front() != term{"error"}, found.to_text());
  }
}

}  // namespace

TEST_CASE("the facts of recorded machines are complete, and the checks pass") {
  std::size_t machines = 0;
  for (const auto& file :
       std::filesystem::directory_iterator{std::string{COOPER_SOURCE_DIR} + "/tests/data/topology"}) {
    CAPTURE(file.path().string());
    if (file.path().extension() != ".xml") continue;
    // Some are there to be refused.
    const auto machine = topology::from_xml(file.path());
    if (!machine) continue;
    ++machines;
    check_machine(*machine);
  }
  CHECK(machines >= 6);
}

TEST_CASE("so are those of described machines and of this one") {
  for (const char* description :
       {"pu:1", "package:2 l3:2 core:4 pu:2", "numa:4 core:2 pu:1", "package:8 l3:1 core:4 pu:1"}) {
    CAPTURE(description);
    check_machine(*topology::from_synthetic(description));
  }
  const auto here = topology::discover();
  REQUIRE(here);
  check_machine(*here);
}

TEST_CASE("what does not fit the vocabulary is named") {
  const auto refused = [](const term& fact) {
    const auto checked = check_fact(fact);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code() == errc::facts_rejected);
    return checked.error().detail();
  };
  CHECK(refused(compound("link", {0, 1, 0, 10, 10})).find("argument 3") != std::string::npos);
  CHECK(refused(compound("link", {0, 1, -5, 10, 10})).find("argument 3") != std::string::npos);
  CHECK(refused(compound("link", {0, 1, 1.5, 10, 10})).find("argument 3") != std::string::npos);
  CHECK(refused(compound("link", {0, 70000, 5, 10, 10})).find("argument 2") != std::string::npos);
  CHECK(refused(compound("link", {0, 1})).find("5 arguments") != std::string::npos);
  CHECK(refused(compound("lynk", {0, 1})).find("no fact") != std::string::npos);
  CHECK(refused(compound("group", {variable{"G"}, 1})).find("variables") != std::string::npos);
  CHECK(refused(term{"halt"}).find("no fact") != std::string::npos);
  CHECK(check_pattern(compound("link", {0, variable{"To"}, variable{"S"}, variable{"T"}, variable{"R"}})));
  CHECK_FALSE(check_pattern(compound("link", {0, variable{"To"}})));
}

TEST_CASE("terms are written as they are read") {
  CHECK(compound("a b", {1, -2.5, text{"x\"y\n"}, list({atom{"It's"}, variable{"X"}})}).to_text() ==
        "'a b'(1,-2.5,\"x\\\"y\\n\",['It\\'s',X])");
  CHECK(term{3.0}.to_text() == "3.0");
  CHECK(compound("f", {1}).ground());
  CHECK_FALSE(list({compound("f", {variable{"X"}})}).ground());
  CHECK(compound("f", {1}) == compound("f", {1}));
  CHECK(compound("f", {1}) != compound("f", {1.0}));
}
