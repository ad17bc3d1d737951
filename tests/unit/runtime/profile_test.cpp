// SPDX-License-Identifier: BSD-3-Clause
// Cost profiles: those that come with the library, what a file may say, what is refused with which words, and that what
// is written is read again.
#include <cooper/runtime/profile.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cooper/vocabulary/random.hpp>

#include "mistakes.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const std::string good = R"(cooper_profile = 1
name = "mine"
words = "Made up"
origin = "synthetic"
topology = "package:2 core:2 pu:1"

[links.package]
send = 10
burst = 8
send_more = 30.5
transit = {cost = 40, mark = "guessed"}
receive = 20
fetch = 50
move = 60

[links.remote]
send = 10
transit = 140
receive = 20
fetch = 150
move = 160

[driver]
turn = 5
look = 1
dispatch = 2
signal = 500
wake = 3000
park = 400

[work]
line = 7
)";

std::string with(const std::string& right, const std::string& wrong) { return with_mistake(good, right, wrong); }

void refused(const std::string& text, const std::string& place, const std::string& words) {
  CAPTURE(text);
  const auto read = profile::parse(text, "mine.toml");
  REQUIRE_FALSE(read);
  INFO(read.error().detail());
  CHECK(read.error().code() == errc::malformed_input);
  CHECK(read.error().detail().starts_with("mine.toml:" + place + ": "));
  CHECK(read.error().detail().find(words) != std::string::npos);
}

profile parsed(const std::string& text) {
  const auto read = profile::parse(text, "mine.toml");
  REQUIRE_MESSAGE(read, (read ? "" : read.error().detail()));
  return *read;
}

}  // namespace

TEST_CASE("every profile that comes with the library is good, has its file's name, and describes a machine") {
  const auto names = profile::names();
  CHECK(names == std::vector<std::string>{"amd_2x2", "amd_4x4", "amd_8x4", "free", "intel_2x4", "large_16x64",
                                          "large_8x16", "uniform"});
  for (const auto& name : names) {
    CAPTURE(name);
    const auto p = profile::named(name);
    REQUIRE_MESSAGE(p, (p ? "" : p.error().detail()));
    CHECK(p->name == name);
    CHECK(p->check());
    CHECK(p->topology.empty() == (name == "free" || name == "uniform"));
    CHECK(parsed(p->to_toml()) == *p);
  }
}

TEST_CASE("each number of a published profile says where it is from") {
  for (const auto* name : {"amd_2x2", "amd_4x4", "amd_8x4", "intel_2x4"}) {
    CAPTURE(name);
    const auto p = profile::named(name);
    REQUIRE(p);
    CHECK(p->origin == profile_origin::published);
    CHECK(p->marks.size() == 7 * link_class_count + 6);
  }
}

TEST_CASE("a line on the paper's machines takes the latency of the paper's table") {
  const auto one_way = [](const char* name, link_class c) {
    const auto p = profile::named(name);
    REQUIRE(p);
    return std::chrono::round<std::chrono::nanoseconds>(p->link(c).transit + p->link(c).receive + p->dispatch);
  };
  CHECK(one_way("amd_8x4", link_class::l3) == 269ns);
  CHECK(one_way("amd_8x4", link_class::remote) == 309ns);
  CHECK(one_way("amd_4x4", link_class::l3) == 179ns);
  CHECK(one_way("amd_4x4", link_class::remote) == 218ns);
  CHECK(one_way("amd_2x2", link_class::package) == 161ns);
  CHECK(one_way("amd_2x2", link_class::remote) == 190ns);
  CHECK(one_way("intel_2x4", link_class::l2) == 68ns);
  CHECK(one_way("intel_2x4", link_class::package) == 214ns);
  CHECK(one_way("intel_2x4", link_class::remote) == 214ns);
}

TEST_CASE("uniform is the same between any two cores, and free costs nothing") {
  const profile u = profile::uniform();
  for (const auto& link : u.links) {
    CHECK(link == link_costs{.send = 15ns, .transit = 50ns, .receive = 20ns, .fetch = 70ns, .move = 70ns});
  }
  CHECK(u.turn == 10ns);
  CHECK(u.wake == 5000ns);
  CHECK(u.dispatch + u.look + u.signal + u.park == cost::zero());
  CHECK(profile::free() == profile{});
}

TEST_CASE("a name that no profile has is an error that tells the names, and the nearest") {
  const auto p = profile::named("amd_8x3");
  REQUIRE_FALSE(p);
  CHECK(p.error().code() == errc::unknown_name);
  CHECK(p.error().detail().find("intel_2x4") != std::string::npos);
  CHECK(p.error().detail().find("did you mean 'amd_8x4'") != std::string::npos);
}

TEST_CASE("a file's numbers, words and marks become the profile's") {
  const profile p = parsed(good);
  CHECK(p.name == "mine");
  CHECK(p.words == "Made up");
  CHECK(p.origin == profile_origin::synthetic);
  CHECK(p.link(link_class::package) == link_costs{.send = 10ns,
                                                  .send_more = cost{30'500},
                                                  .burst = 8,
                                                  .transit = 40ns,
                                                  .receive = 20ns,
                                                  .fetch = 50ns,
                                                  .move = 60ns});
  CHECK(p.link(link_class::remote).burst == 0);
  CHECK(p.park == 400ns);
  CHECK(p.of(work::line) == 7ns);
  CHECK(p.of(work::spawn) == cost::zero());
  CHECK(p.check());
}

TEST_CASE("a class that a file leaves out is the next farther one, and beyond the last that one; its marks say so") {
  const profile p = parsed(good);
  CHECK(p.link(link_class::self) == p.link(link_class::package));
  CHECK(p.link(link_class::l3) == p.link(link_class::package));
  CHECK(std::find(p.marks.begin(), p.marks.end(),
                  std::pair<std::string, std::string>{"links.l3.transit", "as links.package: guessed"}) !=
        p.marks.end());
  std::string near_only = good;
  near_only.erase(near_only.find("[links.remote]"), near_only.find("[driver]") - near_only.find("[links.remote]"));
  CHECK(parsed(near_only).link(link_class::remote) == p.link(link_class::package));
}

TEST_CASE("[links.all] is what each class has that says nothing else") {
  const std::string head = "cooper_profile = 1\nname = \"a\"\norigin = \"measured\"\n";
  const std::string rest =
      "[links.all]\nsend = 1\nburst = 4\nsend_more = {cost = 9, mark = \"m\"}\ntransit = 2\nreceive = 3\nfetch = 4\n"
      "move = 5\n[links.remote]\ntransit = 70\n[links.smt]\nburst = 0\n"
      "[driver]\nturn = 1\nlook = 0\ndispatch = 0\nsignal = 0\nwake = 0\npark = 0\n";
  const profile p = parsed(head + rest);
  CHECK(
      p.link(link_class::l3) ==
      link_costs{.send = 1ns, .send_more = 9ns, .burst = 4, .transit = 2ns, .receive = 3ns, .fetch = 4ns, .move = 5ns});
  CHECK(p.link(link_class::remote).transit == 70ns);
  CHECK(p.link(link_class::remote).send == 1ns);
  CHECK(p.link(link_class::smt).send_more == cost::zero());
  CHECK(p.marks.size() == link_class_count - 1);
  CHECK(p.check());
  CHECK(parsed(p.to_toml()) == p);
}

TEST_CASE("a [links.all] that is not complete is for classes that are there; the others are as the next farther") {
  std::string text = with("[links.package]", "[links.all]\nburst = 3\n[links.package]");
  const auto without = [&](const std::string& what) { text.erase(text.find(what), what.size()); };
  without("burst = 8\n");
  text.insert(text.find("transit = 140"), "send_more = 99\n");
  const profile p = parsed(text);
  CHECK(p.link(link_class::package).burst == 3);
  CHECK(p.link(link_class::remote).burst == 3);
  CHECK(p.link(link_class::remote).send_more == 99ns);
  CHECK(p.link(link_class::l3) == p.link(link_class::package));
}

TEST_CASE("cycles become picoseconds by the clock's frequency") {
  std::string text = with("topology", "unit = \"cycles\"\nghz = 2.5\ntopology");
  const profile p = parsed(text);
  CHECK(p.link(link_class::remote).send == 4ns);
  CHECK(p.link(link_class::package).send_more == cost{12'200});
}

TEST_CASE("what is wrong with a file is told with its line and what to do") {
  refused("", "1", "empty");
  refused("\n", "1", "'cooper_profile' is missing");
  refused("cooper_scenario = 1\n", "1", "this is a scenario");
  refused(with("cooper_profile = 1", "cooper_profile = 2"), "1",
          "'cooper_profile' is 2; this version of Cooper reads 1");
  refused(with("cooper_profile = 1", "cooper_profile = \"1\""), "1", "is a text");
  refused(with("name = \"mine\"", "name = \"my machine\""), "2", "letters, digits");
  refused(with("name = \"mine\"", "name = 3"), "2", "write a text in quotes");
  refused(with("name = \"mine\"\n", ""), "1", "'name' is missing");
  refused(with("\"Made up\"", "\"Made\\nup\""), "3", "one line");
  refused(with("\"synthetic\"", "\"invented\""), "4", "measured, published, synthetic");
  refused(with("package:2 core:2 pu:1", "package:2 core:0 pu:1"), "5", "the count of 'core:0' is zero");
  refused(with("topology = ", "topologie = "), "5", "did you mean 'topology'?");
  refused(with("words =", "unit = \"cycles\"\nwords ="), "3", "add ghz");
  refused(with("words =", "ghz = 2\nwords ="), "3", "the unit is ns");
  refused(with("words =", "unit = \"cycles\"\nghz = 0\nwords ="), "4", "write a number from 0.001 to 1000");
  refused(with("words =", "unit = \"cycles\"\nghz = nan\nwords ="), "4", "no finite number");
  refused(with("words =", "unit = \"us\"\nwords ="), "3", "one of ns, cycles");
  refused(with("[links.package]", "[links.socket]"), "7", "there is no key 'links.socket'");
  refused(with("send = 10\nburst", "burst"), "7", "'links.package.send' is missing");
  refused(with("send = 10\nburst", "sent = 10\nburst"), "8", "did you mean 'send'?");
  refused(with("send = 10\nburst", "send = \"10\"\nburst"), "8", "is a text; write a number");
  refused(with("send = 10\nburst", "send = -1\nburst"), "8", "negative");
  refused(with("send = 10\nburst", "send = nan\nburst"), "8", "no finite number");
  refused(with("send = 10\nburst", "send = -inf\nburst"), "8", "no finite number");
  refused(with("send = 10\nburst", "send = 1_000_000_001\nburst"), "8", "over 1 s");
  refused(with("send = 10\nburst", "send = 99999999999999999999\nburst"), "8", "over 1 s");
  refused(with("send = 10\nburst", "send = 1e400\nburst"), "8", "over 1 s");
  refused(with("burst = 8\n", ""), "9", "has no burst");
  refused(with("send_more = 30.5\n", ""), "9", "has no send_more");
  refused(with("send_more = 30.5", "send_more = 9"), "10", "is less than send");
  refused(with("burst = 8", "burst = -8"), "9", "write a whole number from 0");
  refused(with("burst = 8", "burst = 8.5"), "9", "write a whole number from 0");
  refused(with("{cost = 40, mark", "{cots = 40, mark"), "11", "did you mean 'cost'?");
  refused(with("{cost = 40, mark = \"guessed\"}", "{mark = \"guessed\"}"), "11",
          "'links.package.transit.cost' is missing");
  refused(with("mark = \"guessed\"", "mark = \"\""), "11", "says nothing");
  refused(with("turn = 5", "turn = 0"), "24", "poll for ever");
  refused(with("park = 400\n", ""), "23", "'driver.park' is missing");
  refused(with("line = 7", "lines = 7"), "32", "did you mean 'line'?");
  refused(with("[work]\nline", "work ="), "31", "this is not TOML");
  refused(with("[driver]", "[driver"), "23", "this is not TOML");
  refused(with("turn = 5", "turn = 5\nturn = 6"), "25", "value defined twice");
  refused(with("Made up", "Made \xff up"), "3", "not UTF-8");
  refused(with("Made up", "Made \x01 up"), "3", "not UTF-8");
  refused("cooper_profile = 1\nname = \"a\"\norigin = \"measured\"\nlinks = 3\n", "4", "write a table, [links]");
  refused("cooper_profile = 1\nname = \"a\"\norigin = \"measured\"\n[links]\n", "4", "there is no class of links");
  refused("cooper_profile = 1\nname = \"a\"\norigin = \"measured\"\n[links.all]\nsend = 1\n", "4", "is not complete");
}

TEST_CASE("a hostile file is refused by its size, before anything is made of it") {
  refused(std::string((1 << 20) + 1, '\n'), "1", "larger than 1 MiB");
  refused("a = " + std::string(1000, '[') + "\n", "1", "nested more than 8 deep");
  refused("a = '''x'''', " + std::string(1000, '[') + "\n", "1", "nested more than 8 deep");
  std::string many;
  for (int i = 0; i < 11'000; ++i) many += "a" + std::to_string(i) + " = 1\n";
  refused(many, "10001", "more than 10000 values");
  std::string dots = "a";
  for (int i = 0; i < 5000; ++i) dots += ".a";
  refused(dots + " = 1\n", "1", "longer than 2000 bytes");
  refused(dots.substr(0, 1991) + " = 1\n", "1", "nested too deep");
}

TEST_CASE("no change of a good file's bytes does more than be refused with its place") {
  const std::uint64_t seed = 20240229;
  cooper::random draw{seed};
  const std::size_t rounds = std::getenv("COOPER_LONG") != nullptr ? 200'000 : 3'000;
  std::size_t still_good = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::string text = mutated(good, draw);
    CAPTURE(seed);
    CAPTURE(round);
    CAPTURE(text);
    const auto read = profile::parse(text, "mine.toml");
    if (read) {
      ++still_good;
      CHECK(read->check());
    } else {
      CHECK(read.error().code() == errc::malformed_input);
      CHECK(read.error().detail().starts_with("mine.toml:"));
    }
  }
  CHECK(still_good > 0);
  CHECK(still_good < rounds);
}

TEST_CASE("a profile that is written and read is the same profile") {
  const auto round_trip = [] {
    const auto cost_of = [] { return cost{*rc::gen::inRange<std::int64_t>(0, 1'000'000'000'001)}; };
    const auto words_of = [] {
      return *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"ab \"\\'#=\t{}[]", 13}));
    };
    profile p;
    p.name = "drawn";
    p.words = words_of();
    std::replace(p.words.begin(), p.words.end(), '\t', ' ');
    p.origin = static_cast<profile_origin>(*rc::gen::inRange(0, 3));
    if (*rc::gen::arbitrary<bool>()) p.topology = "package:2 core:3 pu:1";
    for (std::size_t i = 0; i < link_class_count; ++i) {
      auto& link = p.links[i];
      link = {.send = cost_of(),
              .transit = cost_of(),
              .receive = cost_of(),
              .first = cost_of(),
              .credit = cost_of(),
              .fetch = cost_of(),
              .move = cost_of()};
      link.burst = *rc::gen::inRange<std::uint32_t>(0, 3);
      if (link.burst > 0) link.send_more = std::max(link.send, cost_of());
      const std::string path = "links." + std::string{name_of(static_cast<link_class>(i))};
      if (*rc::gen::arbitrary<bool>()) p.marks.emplace_back(path + ".send", "x \"quoted\" \\ y");
      if (link.burst > 0 && *rc::gen::arbitrary<bool>()) p.marks.emplace_back(path + ".burst", "z");
    }
    p.turn = cost_of() / 2 + cost{1};
    p.look = cost_of();
    p.dispatch = cost_of();
    p.signal = cost_of();
    p.wake = cost_of();
    p.park = cost_of();
    for (auto& w : p.works) w = cost_of();
    RC_ASSERT(static_cast<bool>(p.check()));
    const std::string text = p.to_toml();
    const auto read = profile::parse(text, "drawn.toml");
    RC_ASSERT(static_cast<bool>(read));
    RC_ASSERT(*read == p);
    RC_ASSERT(read->to_toml() == text);
  };
  CHECK(rc::check("a profile that is written and read is the same profile", round_trip));
}

TEST_CASE("check finds what no file could say") {
  const auto wrong = [](auto change) {
    profile p = profile::uniform();
    change(p);
    const auto checked = p.check();
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code() == errc::bad_option);
    return checked.error().detail();
  };
  CHECK(wrong([](profile& p) { p.name = "a b"; }).find("the name") != std::string::npos);
  CHECK(wrong([](profile& p) { p.words = "a\nb"; }).find("the words") != std::string::npos);
  CHECK(wrong([](profile& p) { p.topology = "core:x"; }).find("core:x") != std::string::npos);
  CHECK(wrong([](profile& p) { p.link(link_class::l3).send = -1ns; }).find("links.l3.send is neg") !=
        std::string::npos);
  CHECK(wrong([](profile& p) { p.wake = 1001ms; }).find("driver.wake is over 1 s") != std::string::npos);
  CHECK(wrong([](profile& p) { p.turn = 0ns; }).find("poll for ever") != std::string::npos);
  CHECK(wrong([](profile& p) { p.works[2] = cost{-1}; }).find("work.answer") != std::string::npos);
  CHECK(wrong([](profile& p) { p.link(link_class::l2).send_more = 99ns; }).find("no burst") != std::string::npos);
  CHECK(wrong([](profile& p) { p.marks = {{"links.l4.send", "x"}}; }).find("of no number") != std::string::npos);
  CHECK(wrong([](profile& p) {
          p.marks = {{"driver.turn", "x"}, {"links.l3.send", "x"}};
        }).find("order") != std::string::npos);
  CHECK(wrong([](profile& p) { p.marks = {{"links.l3.burst", "x"}}; }).find("no burst") != std::string::npos);
}

TEST_CASE("a file is read from the disk; one that cannot be read says why") {
  std::string name = (fs::temp_directory_path() / "cooper-profile-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const fs::path folder = name;
  std::ofstream{folder / "good.toml"} << good;
  std::ofstream{folder / "empty.toml"};
  std::ofstream{folder / "large.toml"} << std::string((1 << 20) + 1, '#');
  std::ofstream{folder / "bad.toml"} << with("wake = 3000", "wake = 'x'");
  CHECK(profile::read(folder / "good.toml"));
  const auto code = [&](const char* file) { return profile::read(folder / file).error().code(); };
  CHECK(code("missing.toml") == errc::unreadable_input);
  CHECK(code("empty.toml") == errc::unreadable_input);
  CHECK(code("large.toml") == errc::unreadable_input);
  CHECK(profile::read(folder).error().code() == errc::unreadable_input);
  CHECK(code("bad.toml") == errc::malformed_input);
  CHECK(profile::read(folder / "bad.toml").error().detail().find("bad.toml:28: ") != std::string::npos);
  fs::remove_all(folder);
}
