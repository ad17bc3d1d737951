// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include <cooper/runtime/native_environment.hpp>
#include "driver.hpp"
#include "stall_watch.hpp"

using namespace cooper;
using namespace cooper::detail;
using namespace std::chrono_literals;

namespace {

core_status in_handler(std::uint16_t core, std::uint64_t turns, std::optional<std::uint32_t> endpoint) {
  return {.id = core_id{core},
          .pu_index = core + 10u,
          .state = core_state::running,
          .pinned = true,
          .turns = turns,
          .busy_endpoint = endpoint,
          .busy_for = {}};
}

void pass(duration d) {
  const instant start = native::now();
  while (native::now() - start <= d) {}
}

}  // namespace

TEST_CASE("a core that stays in one handler is told once, with core, endpoint and time") {
  stall_watch watch;
  const std::vector<core_status> cores{in_handler(0, 5, {}), in_handler(1, 5, 7u)};
  CHECK(watch.look(cores, 1ms).empty());
  pass(1ms);
  const auto stalls = watch.look(cores, 1ms);
  REQUIRE(stalls.size() == 1);
  CHECK(stalls[0].core == core_id{1});
  CHECK(stalls[0].endpoint == 7);
  CHECK(stalls[0].lasted >= 1ms);
  CHECK(stalls[0].sentence.find("core 1 (PU 11)") != std::string::npos);
  CHECK(stalls[0].sentence.find("endpoint 7") != std::string::npos);
  CHECK(watch.look(cores, 1ms).empty());
}

TEST_CASE("a job is called a job") {
  stall_watch watch;
  const std::vector<core_status> cores{in_handler(0, 5, driver_view::in_job)};
  CHECK(watch.look(cores, duration::zero()).empty());
  const auto stalls = watch.look(cores, duration::zero());
  REQUIRE(stalls.size() == 1);
  CHECK(stalls[0].sentence.find("in a job") != std::string::npos);
}

TEST_CASE("a core that makes turns, changes its handler or leaves it has not stalled") {
  stall_watch watch;
  CHECK(watch.look({in_handler(0, 1, 7u)}, duration::zero()).empty());
  CHECK(watch.look({in_handler(0, 2, 7u)}, duration::zero()).empty());
  CHECK(watch.look({in_handler(0, 2, 8u)}, duration::zero()).empty());
  CHECK(watch.look({in_handler(0, 2, {})}, duration::zero()).empty());
  CHECK(watch.look({in_handler(0, 2, 8u)}, duration::zero()).empty());
  // Only now twice the same.
  CHECK(watch.look({in_handler(0, 2, 8u)}, duration::zero()).size() == 1);
}

TEST_CASE("how long a core has been busy is known once it was seen twice") {
  stall_watch watch;
  std::vector<core_status> cores{in_handler(0, 1, 3u), in_handler(1, 1, {})};
  watch.add_durations(cores);
  CHECK(cores[0].busy_for == duration::zero());
  CHECK(watch.look(cores, 1h).empty());
  pass(100us);
  watch.add_durations(cores);
  CHECK(cores[0].busy_for >= 100us);
  CHECK(cores[1].busy_for == duration::zero());
  // In another turn it is another stay.
  cores[0] = in_handler(0, 2, 3u);
  watch.add_durations(cores);
  CHECK(cores[0].busy_for == duration::zero());
}
