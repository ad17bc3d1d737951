// SPDX-License-Identifier: BSD-3-Clause
// Which hardware threads the rules choose for N actors: spread, packed, near a thread and near a device. On small
// machines whole answers are written down; on random ones with random threads down they are held against the topology.
// The seed is fixed unless RC_PARAMS="seed=..." says otherwise.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cooper/skb/engine.hpp>
#include <cooper/skb/facts.hpp>
#include "knowledge.hpp"

using namespace cooper;
using namespace cooper::skb;
using namespace cooper::test;

namespace {

using numbers = std::vector<std::int64_t>;

topology recorded(const std::string& name) {
  auto made = topology::from_xml(std::string{COOPER_SOURCE_DIR} + "/tests/data/topology/" + name);
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
  return *std::move(made);
}

numbers from_to(std::int64_t first, std::int64_t last) {
  numbers all(static_cast<std::size_t>(last - first + 1));
  std::iota(all.begin(), all.end(), first);
  return all;
}

numbers sorted(numbers all) {
  std::sort(all.begin(), all.end());
  return all;
}

// An engine that knows one machine after the other.
class chooser {
 public:
  chooser() = default;
  explicit chooser(const topology& machine, const numbers& down = {}) : chooser{} { see(machine, down); }

  // In place of what it knew: all threads are running, and some of those are down.
  void see(const topology& machine, const numbers& down) {
    std::vector<term> everything;
    for (const fact_shape& shape : vocabulary()) everything.push_back(any_fact(shape.name));
    std::vector<term> facts = facts_of(machine);
    for (std::size_t i = 0; i < machine.size(); ++i) facts.push_back(compound("running", {i, i}));
    for (const std::int64_t pu : down) facts.push_back(compound("down", {pu}));
    change(everything, facts);
  }
  void change(const std::vector<term>& patterns, const std::vector<term>& facts) {
    const auto changed = engine_->change(patterns, facts);
    REQUIRE_MESSAGE(changed, (changed ? "" : changed.error().message()));
  }

  numbers spread(std::int64_t n) { return chosen("place_spread", {n}); }
  numbers pack(std::int64_t n) { return chosen("place_pack", {n}); }
  numbers near(std::int64_t pu, std::int64_t n) { return chosen("place_near", {pu, n}); }
  numbers near_device(const term& device, std::int64_t n) { return chosen("place_near_device", {device, n}); }

  std::string refused(const char* rule, std::vector<term> arguments) {
    const auto got = ask(rule, std::move(arguments));
    REQUIRE_FALSE(got);
    CHECK(got.error().code() == errc::query_failed);
    return got.error().detail();
  }

 private:
  result<answer> ask(const char* rule, std::vector<term> arguments) {
    arguments.emplace_back(variable{"PUs"});
    return engine_->ask(compound(rule, std::move(arguments)));
  }
  // There is exactly one answer.
  numbers chosen(const char* rule, std::vector<term> arguments) {
    const auto got = ask(rule, std::move(arguments));
    REQUIRE_MESSAGE(got, (got ? "" : got.error().message()));
    REQUIRE(got->rows.size() == 1);
    const list_term* list = got->find(0, "PUs")->list();
    REQUIRE(list != nullptr);
    numbers out;
    for (const term& one : list->elements) {
      REQUIRE(one.integer() != nullptr);
      out.push_back(*one.integer());
    }
    return out;
  }

  std::unique_ptr<engine> engine_ = started();
};

}  // namespace

TEST_CASE("spreading goes over packages in turn, then caches, then cores; second threads come last") {
  const std::pair<const char*, numbers> machines[] = {
      {"package:2 l3:1 core:4 pu:1", {0, 4, 1, 5, 2, 6, 3, 7}},
      {"package:4 l3:1 core:4 pu:1", {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}},
      {"package:2 l3:1 core:4 pu:2", {0, 8, 2, 10, 4, 12, 6, 14, 1, 9, 3, 11, 5, 13, 7, 15}},
      {"package:2 l3:2 l2:2 core:2 pu:1", {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}},
      {"package:1 l2:2 core:2 pu:2", {0, 4, 2, 6, 1, 5, 3, 7}},
      {"numa:4 core:2 pu:1", {0, 2, 4, 6, 1, 3, 5, 7}},
      {"core:3 pu:1", {0, 1, 2}},
      {"pu:1", {0}},
  };
  chooser c;
  for (const auto& one : machines) {
    const std::string description = one.first;
    const numbers& order = one.second;
    CAPTURE(description);
    c.see(described(description), {});
    for (std::size_t n = 0; n <= order.size(); ++n) {
      CHECK(c.spread(static_cast<std::int64_t>(n)) == numbers(order.begin(), order.begin() + static_cast<long>(n)));
    }
  }
}

TEST_CASE("packages that lack some cores are evened out, in second threads too") {
  chooser c{described("package:2 l3:1 core:4 pu:2"), {0, 1, 2, 3}};
  // Two cores are left in the first package and four in the second.
  CHECK(c.spread(6) == numbers{4, 8, 6, 10, 12, 14});
  // The first second thread is in the package that has fewer.
  CHECK(c.spread(8) == numbers{4, 8, 6, 10, 12, 14, 5, 7});
  CHECK(sorted(c.spread(12)) == from_to(4, 15));
}

TEST_CASE("packing takes the smallest unit that has enough") {
  chooser c{described("package:2 l3:1 core:4 pu:1")};
  CHECK(c.pack(0).empty());
  CHECK(c.pack(1) == numbers{0});
  CHECK(c.pack(4) == from_to(0, 3));
  CHECK(c.pack(5) == from_to(0, 4));
  CHECK(c.pack(8) == from_to(0, 7));
  c.see(described("package:2 l3:1 core:4 pu:1"), {0});
  CHECK(c.pack(3) == from_to(1, 3));
  CHECK(c.pack(4) == from_to(4, 7));
  CHECK(c.pack(5) == numbers{4, 5, 6, 7, 1});
  c.see(described("package:4 l3:1 core:4 pu:1"), {});
  CHECK(c.pack(10) == from_to(0, 9));
  c.see(described("package:2 l3:1 core:4 pu:2"), {0});
  CHECK(c.pack(2) == numbers{2, 3});
  CHECK(c.pack(3).size() == 3);
  c.see(described("package:2 l3:2 l2:2 core:2 pu:1"), {});
  CHECK(c.pack(2) == numbers{0, 1});
  CHECK(c.pack(3) == from_to(0, 2));
  CHECK(c.pack(6) == from_to(0, 5));
  CHECK(sorted(c.pack(10)) == from_to(0, 9));
  c.see(described("numa:4 core:2 pu:1"), {});
  CHECK(c.pack(2) == numbers{0, 1});
  CHECK(c.pack(3) == from_to(0, 2));
}

TEST_CASE("a cache that has enough is better than a package that has few more") {
  // The first package has three left, two and one under its caches; the second has four under one, and one.
  chooser c{described("package:2 l3:2 core:4 pu:1"), {2, 3, 5, 6, 7, 13, 14, 15}};
  CHECK(c.pack(3) == from_to(8, 10));
  CHECK(c.pack(4) == from_to(8, 11));
  // Of two caches that have enough the one with fewer.
  CHECK(c.pack(2) == numbers{0, 1});
  CHECK(c.pack(5) == from_to(8, 12));
}

TEST_CASE("what does not fit into one package goes to one that is near it") {
  chooser c{described("package:4 numa:1 l3:1 core:2 pu:1")};
  std::vector<term> distances;
  for (std::int64_t a = 0; a < 4; ++a) {
    for (std::int64_t b = 0; b < 4; ++b) {
      distances.push_back(compound("numa_distance", {a, b, a == b ? 10 : a + b == 3 ? 16 : 22}));
    }
  }
  c.change({compound("numa_distance", {variable{"A"}, variable{"B"}, variable{"D"}})}, distances);
  CHECK(c.pack(4) == numbers{0, 1, 6, 7});
  CHECK(c.near(2, 8) == numbers{2, 3, 4, 5, 0, 1, 6, 7});
}

TEST_CASE("near a thread come itself, its core, its caches, its package and then the others") {
  const char* description = "package:2 l3:2 l2:2 core:2 pu:2";
  chooser c{described(description)};
  const numbers order = c.near(6, 32);
  // Core 3 is {6, 7}; its level 2 cache has 4-7, its level 3 cache 0-7, its package 0-15.
  CHECK(numbers(order.begin(), order.begin() + 8) == numbers{6, 7, 4, 5, 0, 1, 2, 3});
  CHECK(numbers(order.begin() + 8, order.end()) == from_to(8, 31));
  CHECK(c.near(6, 3) == numbers{6, 7, 4});
  CHECK(c.near(20, 1) == numbers{20});
  CHECK(c.near(20, 0).empty());
  // One that is down still has a place.
  c.see(described(description), {6, 4});
  CHECK(c.near(6, 4) == numbers{7, 5, 0, 1});
  CHECK(c.refused("place_near", {32, 1}).find("unknown_pu(32)") != std::string::npos);
  CHECK(c.refused("place_near", {-1, 1}).find("unknown_pu(-1)") != std::string::npos);
  CHECK(c.refused("place_near", {"eth0", 1}).find("unknown_pu(eth0)") != std::string::npos);
  CHECK(c.refused("place_near", {variable{"Some"}, 1}).find("unknown_pu") != std::string::npos);
}

TEST_CASE("near a device come those that are near it, spread, and then the nearest of the others") {
  const topology machine = recorded("devices.xml");
  chooser c{machine};
  CHECK(c.near_device("eth0", 2) == numbers{0, 1});
  CHECK(c.near_device("eth0", 4) == from_to(0, 3));
  CHECK(c.near_device(text{"eth0"}, 1) == numbers{0});
  CHECK(c.near_device("0000:00:03.0", 2) == numbers{0, 1});
  CHECK(c.near_device("0001:80:00.0", 3) == numbers{2, 3, 0});
  CHECK(c.near_device("0001:80:00.0", 0).empty());
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(machine.devices().size()); ++i) {
    if (machine.devices()[static_cast<std::size_t>(i)].name != "0001:80:00.0") continue;
    CHECK(c.near_device(i, 1) == numbers{2});
  }
  // A device of the system that is none of the bus is near to all.
  CHECK(c.near_device("pmem0", 4) == numbers{0, 2, 1, 3});
  for (const term& nobody : {term{"eth1"}, term{99}, term{-1}, compound("eth0", {1}), list({1})}) {
    CAPTURE(nobody.to_text());
    CHECK(c.refused("place_near_device", {nobody, 1}).find("unknown_device") != std::string::npos);
  }
  const std::string words = c.refused("place_near_device", {"eth0", 5});
  CHECK_MESSAGE(words.find("too_few_pus(5,4): 5 wanted, and 4 can be used") != std::string::npos, words);
  c.see(machine, {0});
  CHECK(c.near_device("eth0", 2) == numbers{1, 2});
  c.see(machine, {0, 1});
  CHECK(c.near_device("eth0", 2) == numbers{2, 3});
  // Its place is not known.
  c.change({compound("pci_near", {variable{"Id"}, variable{"PU"}}), compound("down", {variable{"PU"}})}, {});
  CHECK(c.near_device("eth0", 4) == numbers{0, 2, 1, 3});
  // What is near it is nothing that this machine has.
  c.change({}, {compound("os_dev", {90, "far0", 91}), compound("pci_near", {91, 700})});
  CHECK(c.near_device("far0", 4) == numbers{0, 2, 1, 3});
}

TEST_CASE("near a device threads are spread over its cores, the others follow by nearness") {
  chooser c{described("package:2 l3:2 core:2 pu:2")};
  std::vector<term> facts{compound("os_dev", {0, "eth0", 1})};
  for (std::int64_t pu = 4; pu < 8; ++pu) facts.push_back(compound("pci_near", {1, pu}));
  c.change({}, facts);
  CHECK(c.near_device("eth0", 16) == numbers{4, 6, 5, 7, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15});
}

TEST_CASE("what is down, or not running, is never offered; and what is not there cannot be chosen") {
  chooser c{described("package:2 l3:1 core:4 pu:1"), {1, 6}};
  const numbers usable{0, 2, 3, 4, 5, 7};
  const auto offered = [&](const numbers& who) {
    const auto n = static_cast<std::int64_t>(who.size());
    CHECK(sorted(c.spread(n)) == who);
    CHECK(sorted(c.pack(n)) == who);
    CHECK(sorted(c.near(6, n)) == who);
    const std::string too_few = "too_few_pus(" + std::to_string(n + 1) + "," + std::to_string(n) + ")";
    CHECK(c.refused("place_spread", {n + 1}).find(too_few) != std::string::npos);
    CHECK(c.refused("place_pack", {n + 1}).find(too_few) != std::string::npos);
    CHECK(c.refused("place_near", {6, n + 1}).find(too_few) != std::string::npos);
  };
  offered(usable);
  // Running, with two kernels, is offered once; what has no place is not offered at all.
  c.change({}, {compound("running", {0, 77}), compound("running", {900, 0})});
  offered(usable);
  c.change({compound("running", {4, variable{"K"}})}, {});
  offered({0, 2, 3, 5, 7});
  c.change({compound("down", {1})}, {});
  offered({0, 1, 2, 3, 5, 7});
  c.change({compound("running", {variable{"PU"}, variable{"K"}})}, {});
  offered({});
}

TEST_CASE("a number of actors that is none is refused") {
  chooser c{described("package:2 l3:1 core:2 pu:1")};
  for (const term& n : {term{-1}, term{1.0}, term{"two"}, term{text{"2"}}, term{variable{"N"}}, term{~0ULL >> 1}}) {
    CAPTURE(n.to_text());
    CHECK(c.refused("place_spread", {n}).find("too_few_pus") != std::string::npos);
    CHECK(c.refused("place_pack", {n}).find("too_few_pus") != std::string::npos);
    CHECK(c.refused("place_near", {0, n}).find("too_few_pus") != std::string::npos);
  }
  CHECK(c.spread(1) == numbers{0});
}

// -- random machines --------------------------------------------------------------------------------------------------

namespace {

struct random_machine {
  topology machine;
  numbers down;
  std::set<std::int64_t> usable;
};

random_machine any_machine() {
  const auto of = [](int least, int most) { return *rc::gen::inRange(least, most + 1); };
  std::string description = (of(0, 4) == 0 ? "numa:" : "package:") + std::to_string(of(1, 4));
  if (of(0, 1) == 1) description += " l3:" + std::to_string(of(1, 3));
  if (of(0, 1) == 1) description += " l2:" + std::to_string(of(1, 2));
  description += " core:" + std::to_string(of(1, 4)) + " pu:" + std::to_string(of(1, 3));
  random_machine made{.machine = *topology::from_synthetic(description), .down = {}, .usable = {}};
  const int down_percent = of(0, 2) * 30;
  for (std::size_t i = 0; i < made.machine.size(); ++i) {
    const auto pu = static_cast<std::int64_t>(i);
    if (of(1, 100) <= down_percent) {
      made.down.push_back(pu);
    } else {
      made.usable.insert(pu);
    }
  }
  RC_LOG() << description << ", down: " << rc::toString(made.down) << "\n";
  return made;
}

using counts = std::map<std::int64_t, std::size_t>;

// The package of a thread, or the node that stands in for it; and its physical core.
std::int64_t package_of(const topology& machine, std::int64_t pu) {
  const hardware_thread& t = machine.thread(core_number(static_cast<std::size_t>(pu)));
  return t.package != nowhere ? std::int64_t{t.package} : 1000 + std::int64_t{t.node};
}
std::int64_t core_of(const topology& machine, std::int64_t pu) {
  return machine.thread(core_number(static_cast<std::size_t>(pu))).physical_core;
}

void are_distinct_and_usable(const random_machine& m, const numbers& chosen, std::size_t n) {
  const std::set<std::int64_t> distinct{chosen.begin(), chosen.end()};
  RC_ASSERT(chosen.size() == n);
  RC_ASSERT(distinct.size() == n);
  RC_ASSERT(std::includes(m.usable.begin(), m.usable.end(), distinct.begin(), distinct.end()));
}

void is_spread(const random_machine& m, const numbers& chosen) {
  counts in_package, in_core, room_in_core;
  std::map<std::int64_t, std::set<std::int64_t>> cores_of;
  for (const std::int64_t pu : m.usable) {
    const std::int64_t package = package_of(m.machine, pu), core = core_of(m.machine, pu);
    in_package[package] += 0;
    ++room_in_core[core];
    cores_of[package].insert(core);
  }
  std::size_t threads_most = 0;
  for (const std::int64_t pu : chosen) {
    ++in_package[package_of(m.machine, pu)];
    threads_most = std::max(threads_most, ++in_core[core_of(m.machine, pu)]);
  }
  // A core has no second thread while another has not its first.
  for (const auto& [core, room] : room_in_core) {
    RC_ASSERT(in_core[core] + 1 >= std::min(room, threads_most));
  }
  for (const auto& [package, count] : in_package) {
    std::size_t threads = 0;  // of the fullest core of this package
    for (const std::int64_t core : cores_of[package]) threads = std::max(threads, in_core[core]);
    for (const auto& [other, fewer] : in_package) {
      if (count <= fewer + 1) continue;
      // It has fewer only because it has no room for so many threads a core.
      for (const std::int64_t core : cores_of[other]) RC_ASSERT(in_core[core] >= std::min(room_in_core[core], threads));
    }
  }
}

void is_packed(const random_machine& m, const numbers& chosen) {
  counts room;
  for (const std::int64_t pu : m.usable) ++room[package_of(m.machine, pu)];
  std::vector<std::size_t> largest;
  for (const auto& [package, count] : room) largest.push_back(count);
  std::sort(largest.rbegin(), largest.rend());
  std::size_t least = 0;
  for (std::size_t fit = 0; fit < chosen.size(); ++least) fit += largest[least];
  std::set<std::int64_t> used;
  for (const std::int64_t pu : chosen) used.insert(package_of(m.machine, pu));
  RC_ASSERT(used.size() == least);
}

}  // namespace

TEST_CASE("on every machine the chosen are distinct and usable, spread evenly, packed into the fewest packages") {
  REQUIRE(::setenv("RC_PARAMS", "seed=12 max_success=200", 0) == 0);
  chooser c;
  CHECK(rc::check("placements", [&c] {
    const random_machine m = any_machine();
    c.see(m.machine, m.down);
    const auto n = static_cast<std::int64_t>(*rc::gen::inRange<std::size_t>(0, m.usable.size() + 1));
    const auto spread = c.spread(n), packed = c.pack(n);
    are_distinct_and_usable(m, spread, static_cast<std::size_t>(n));
    are_distinct_and_usable(m, packed, static_cast<std::size_t>(n));
    is_spread(m, spread);
    is_packed(m, packed);
    const auto by = static_cast<std::int64_t>(*rc::gen::inRange<std::size_t>(0, m.machine.size()));
    are_distinct_and_usable(m, c.near(by, n), static_cast<std::size_t>(n));
    if (m.usable.contains(by) && n > 0) RC_ASSERT(c.near(by, n).front() == by);
  }));
}
