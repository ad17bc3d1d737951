// SPDX-License-Identifier: BSD-3-Clause
#include "ps.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace cooper;
using namespace cooper::tools;

namespace {

boost::json::object status(std::uint64_t runs, std::uint64_t running) {
  const std::string text = R"({"pid":12,"simulated":false,"lost":[],"cores":[{"core":0,"pu":4,"state":"running",)"
                           R"("pinned":true,"turns":)" +
                           std::to_string(runs * 2) + R"(,"runs":)" + std::to_string(runs) + R"(,"running_actor":)" +
                           std::to_string(running) +
                           R"(,"core_actors":3},{"core":1,"pu":5,"state":"down","turns":0,)"
                           R"("busy":7}]})";
  auto parsed = parse_status(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("ps shows each core, its actors, and who keeps it busy") {
  const std::string table = ps_table(status(1000, 42));
  CHECK(table.find("process 12\n") == 0);
  CHECK(table.find("running") != std::string::npos);
  CHECK(table.find("1000") != std::string::npos);
  CHECK(table.find("actor 42") != std::string::npos);
  CHECK(table.find("down") != std::string::npos);
  CHECK(table.find("endpoint 7") != std::string::npos);
}

TEST_CASE("top shows what was done a second") {
  const std::string table = top_table(status(1000, 0), status(5'001'000, 0), 2);
  CHECK(table.find("2.50M") != std::string::npos);
  CHECK(table.find("5.00M") != std::string::npos);
  // A process that was replaced by a younger one of the same number has no negative rates.
  CHECK(top_table(status(1000, 0), status(10, 0), 1).find('-') != 0);
}

TEST_CASE("what is no status is refused, and what is missing in one is left out") {
  for (const char* text : {"", "ok", "[]", "{}", R"({"cores":3})", R"({"cores":[1]})", R"({"cores":[{}]}garbage)"}) {
    const auto parsed = parse_status(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code() == errc::malformed_input);
  }
  const auto sparse = parse_status(R"({"cores":[{"core":-1,"state":5,"runs":"many"}]})");
  REQUIRE(sparse);
  CHECK(ps_table(*sparse).find('?') != std::string::npos);
}
