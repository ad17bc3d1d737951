// SPDX-License-Identifier: BSD-3-Clause
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "program_options.hpp"

using namespace cooper;
using namespace cooper::actors;

namespace {

result<program_options> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "program");
  return parse_program_options(static_cast<int>(words.size()), words.data());
}
std::string wrong(std::vector<const char*> words) {
  const auto parsed = parse(std::move(words));
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code() == errc::bad_option);
  return parsed.error().detail();
}
using words = std::vector<std::string>;

}  // namespace

TEST_CASE("without options everything is the program's") {
  CHECK(parse({})->rest.empty());
  CHECK(parse({"a", "--cores", "1"})->rest == words{"a", "--cores", "1"});
  CHECK(parse({"--mine", "x"})->rest == words{"--mine", "x"});
  CHECK_FALSE(parse({"--mine", "--cores", "1"})->cores);
}

TEST_CASE("options stand first, with a space or an equals sign, and -- ends them") {
  const auto all = parse({"--simulate", "amd_8x4", "--topology=pu:4", "--cores", "0,2-3", "--seed=7", "--faults", "3",
                          "--trace=t.json", "--", "--seed", "8"});
  REQUIRE(all);
  CHECK(all->simulate == "amd_8x4");
  CHECK(all->topology == "pu:4");
  CHECK(all->cores == "0,2-3");
  CHECK(all->seed == 7u);
  CHECK(all->faults == 3);
  CHECK(all->trace == "t.json");
  CHECK(all->rest == words{"--seed", "8"});
}

TEST_CASE("what is wrong is named") {
  CHECK(wrong({"--cores"}) == "--cores takes a value");
  CHECK(wrong({"--cores="}) == "--cores takes a value");
  CHECK(wrong({"--simulate", "x", "--seed", "many"}) == "--seed takes a number, and 'many' is none");
  CHECK(wrong({"--simulate", "x", "--seed", "-1"}) == "--seed takes a number, and '-1' is none");
  CHECK(wrong({"--simulate", "x", "--seed", "99999999999999999999"}).find("--seed") == 0);
  CHECK(wrong({"--seed", "1"}) == "--seed goes with --simulate");
  CHECK(wrong({"--faults", "1"}) == "--faults goes with --simulate");
  CHECK(wrong({"--topology", "pu:2"}) == "--topology goes with --simulate");
}
