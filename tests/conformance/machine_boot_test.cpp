// SPDX-License-Identifier: BSD-3-Clause
// How machines boot and are refused: cores, claims, oversubscription, and simulations that repeat themselves.
#include <sched.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>

#include <cooper/vocabulary/random.hpp>
#include "machines.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

errc code_of(const result<std::unique_ptr<machine>>& made) {
  REQUIRE_FALSE(made);
  CHECK_FALSE(made.error().message().empty());
  return made.error().code();
}

// A folder of this test's own for claims, so that nothing else on this computer decides the outcome.
class own_claims {
 public:
  own_claims() {
    path_ = std::filesystem::temp_directory_path() / ("cooper-claims-" + std::to_string(::getpid()));
    if (const char* set = std::getenv("COOPER_LOCK_DIR")) before_ = set;
    ::setenv("COOPER_LOCK_DIR", path_.c_str(), 1);
  }
  ~own_claims() {
    if (before_) {
      ::setenv("COOPER_LOCK_DIR", before_->c_str(), 1);
    } else {
      ::unsetenv("COOPER_LOCK_DIR");
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

 private:
  std::filesystem::path path_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("cores that do not exist, or are named twice, are refused") {
  const watchdog dog{60s};
  const topology here = *topology::discover();
  machine_options options = native_options(1);
  options.cores = {core_id{4000}};
  CHECK(code_of(machine::boot(here, options)) == errc::no_such_core);
  const core_id first = here.allowed_cores().front();
  options.cores = {first, first};
  CHECK(code_of(machine::boot(here, options)) == errc::oversubscribed);
  options.cores = {first};
  options.stepped = {core_id{1}};
  CHECK(code_of(machine::boot(here, options)) == errc::no_such_core);

  const topology two = *topology::from_synthetic("pu:2");
  simulation_options simulated;
  simulated.cores = {core_id{2}};
  CHECK(code_of(machine::simulate(two, simulated)) == errc::no_such_core);
  simulated.cores = {core_id{1}, core_id{1}};
  CHECK(code_of(machine::simulate(two, simulated)) == errc::duplicate_core);
  simulated.cores = {};
  simulated.costs.links[0].transit = -1ns;
  CHECK(code_of(machine::simulate(two, simulated)) == errc::bad_option);
}

TEST_CASE("a described machine is simulated, not booted") {
  const watchdog dog{60s};
  const topology described = *topology::from_synthetic("pu:2");
  CHECK(code_of(machine::boot(described, native_options(1))) == errc::not_supported_here);
  CHECK(machine::simulate(described, {}));
  // This very machine can be simulated too.
  CHECK(machine::simulate(*topology::discover(), {}));
}

TEST_CASE("a core outside the affinity mask is refused by name, and left out without one") {
  const watchdog dog{60s};
  cpu_set_t before;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  const topology wide = *topology::discover();
  const std::vector<core_id> allowed = wide.allowed_cores();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(wide.thread(allowed.front()).pu_index, &one);
  REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
  const topology narrow = *topology::discover();
  CHECK(narrow.allowed_cores() == std::vector<core_id>{allowed.front()});
  machine_options options = native_options(1);
  options.cores = {};
  const auto m = boot(options);
  CHECK(m->core_count() == 1);
  if (allowed.size() > 1) {
    options.cores = {allowed.back()};
    CHECK(code_of(machine::boot(narrow, options)) == errc::core_not_allowed);
  } else {
    MESSAGE("one core only: that another is refused cannot be shown here");
  }
  REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("a core that is held is refused with its holder's name, and free again afterwards") {
  const watchdog dog{60s};
  const own_claims claims;
  const std::vector<core_id> allowed = topology::discover()->allowed_cores();
  machine_options options = native_options(1);
  options.claim = true;
  {
    const auto holder = boot(options);
    CHECK(holder->lost().empty());
    const auto second = machine::boot(*topology::discover(), options);
    CHECK(code_of(second) == errc::core_claimed);
    CHECK(second.error().message().find("pid " + std::to_string(::getpid())) != std::string::npos);
    // Without a list, what is held is left out.
    options.cores.clear();
    const auto rest = machine::boot(*topology::discover(), options);
    if (allowed.size() > 1) {
      REQUIRE(rest);
      CHECK((*rest)->core_count() == allowed.size() - 1);
      REQUIRE((*rest)->lost().size() == 1);
      CHECK((*rest)->lost().front().find("is held by pid") != std::string::npos);
    } else {
      CHECK(code_of(rest) == errc::core_claimed);
    }
  }
  options.cores = {allowed.front()};
  CHECK(boot(options)->core_count() == 1);
}

TEST_CASE("where claims cannot be kept the machine runs, and says so") {
  const watchdog dog{60s};
  const own_claims claims;
  ::setenv("COOPER_LOCK_DIR", "/dev/null/locks", 1);
  machine_options options = native_options(1);
  options.claim = true;
  const auto m = boot(options);
  REQUIRE(m->lost().size() == 1);
  CHECK(m->lost().front().find("core claims") != std::string::npos);
  CHECK(m->lost().front().find("COOPER_LOCK_DIR") != std::string::npos);
}

TEST_CASE_TEMPLATE("more drivers than cores run on request, and share fairly enough to finish", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  const std::size_t count = 2 * topology::discover()->allowed_cores().size();
  const auto m = Kind::make(count);
  CHECK(m->core_count() == count);
  // A token goes round all of them.
  std::vector<address> players(count);
  std::uint64_t hops = 0;
  const std::uint64_t limit = 50 * count;
  inbox player{[&](core& here, const line_view&) {
    if (++hops == limit) return here.home().request_stop();
    CHECK(here.send(players[(here.id().value + 1u) % count], 1, number{}) == send_result::ok);
  }};
  for (std::size_t i = 0; i < count; ++i) players[i] = open_on(*m, i, player);
  on(*m, 0, [&](core& here) { CHECK(here.send(players[0], 1, number{}) == send_result::ok); });
  m->run();
  CHECK(hops == limit);
}

TEST_CASE("the status shows every core and its turns") {
  const watchdog dog{60s};
  const auto m = membarrier_cores::make(2);
  const auto before = m->status();
  REQUIRE(before.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(before[i].id == core_number(i));
    CHECK(before[i].pinned);
    CHECK(before[i].state != core_state::down);
  }
  for (int i = 0; i < 10; ++i) on(*m, 1, [](core&) {});
  CHECK(m->status()[1].turns > before[1].turns);
  CHECK_FALSE(m->simulated());
  CHECK(m->where().is_this_machine());
}

TEST_CASE("a simulation with the same seed repeats itself to the nanosecond") {
  const watchdog dog{60s};
  const auto run = [](std::uint64_t seed) {
    simulation_options options;
    options.seed = seed;
    const auto m = std::move(*machine::simulate(*topology::from_synthetic("pu:5"), options));
    class random dice {
      7
    };
    std::vector<address> players(5);
    std::uint64_t hops = 0;
    inbox player{[&](core& here, const line_view&) {
      if (++hops > 2000) return;
      for (int i = 0; i < 1 + static_cast<int>(hops % 50 == 0); ++i) {
        static_cast<void>(here.post(players[dice.below(5)], 1, number{}));
      }
    }};
    for (std::size_t i = 0; i < 5; ++i) players[i] = open_on(*m, i, player);
    on(*m, 0, [&](core& here) { CHECK(here.send(players[3], 1, number{}) == send_result::ok); });
    m->run();
    std::vector<std::int64_t> clocks;
    for (std::size_t i = 0; i < 5; ++i) clocks.push_back(ask(*m, i, [](core& here) { return here.now().ns; }));
    return std::pair{clocks, m->prometheus()};
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}
