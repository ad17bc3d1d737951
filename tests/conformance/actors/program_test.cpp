// SPDX-License-Identifier: BSD-3-Clause
// Programs that are actors, each in a process of its own: how they end, and what a simulated machine refuses.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include <cooper/actors/agreement.hpp>
#include <cooper/actors/main.hpp>
#include <cooper/actors/spawn.hpp>
#include "machines.hpp"

using namespace cooper::actors;
using namespace std::chrono_literals;
using cooper::core_number;

// As COOPER_MAIN would; main is doctest's.
COOPER_DETAIL_WATCHED_CALLS

namespace {

struct ended {
  int code = -1;
  std::string said;  // on both outputs
  bool says(const std::string& what) const { return said.find(what) != std::string::npos; }
};

// A child's run; one that hangs ends by its alarm, and says nothing of what is expected.
template <class F>
ended run(std::vector<const char*> options, F f) {
  options.insert(options.begin(), "program");
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    const int code = cooper::actors::detail::run_main(static_cast<int>(options.size()), options.data(), f);
    std::fflush(nullptr);
    _exit(code);
  }
  close(ends[1]);
  ended result;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    result.said.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  INFO(result.said);
  return result;
}

using strings = std::vector<std::string>;
const std::vector<const char*> simulated{"--simulate", "amd_2x2"};

// The same body on real cores and on simulated ones.
template <class F, class Check>
void on_both(F f, Check check) {
  check(run({}, f));
  check(run(simulated, f));
}

task<int> sleeps(main_actor* self, strings args) {
  co_await self->sleep(1ms);
  std::printf("args %zu\n", args.size());
  co_return 7;
}

}  // namespace

TEST_CASE("a coroutine's value is the exit code, and the arguments are the program's") {
  on_both(sleeps, [](const ended& e) {
    CHECK(e.code == 7);
    CHECK(e.says("args 0"));
  });
  CHECK(run({"--simulate", "amd_2x2", "x", "--seed", "3"}, sleeps).says("args 3"));
}

TEST_CASE("a function that returns a code ends at once, or when its actor does") {
  on_both([](main_actor*, strings) { return 5; }, [](const ended& e) { CHECK(e.code == 5); });
  const auto waits = [](main_actor* self, strings) {
    self->become([self](int n) { self->exit_with(n); });
    self->delayed_send(self, 1ms, 6);
    return 0;
  };
  on_both(waits, [](const ended& e) { CHECK(e.code == 6); });
  const auto classic = [](caf::event_based_actor* self, const strings&) {
    self->become([self](int) { self->quit(); });
    self->delayed_send(self, 1ms, 6);
    return 4;
  };
  on_both(classic, [](const ended& e) { CHECK(e.code == 4); });
}

TEST_CASE("an error or an exception is said, and makes the exit code 1") {
  on_both([](main_actor*, strings) -> int { throw std::runtime_error("no luck"); },
          [](const ended& e) {
            CHECK(e.code == 1);
            CHECK(e.says("the first actor threw: no luck"));
          });
  const auto fails = [](main_actor* self, strings) {
    self->become([](int) {});
    self->request(monitor_of(self->system(), core_number(0)), caf::infinite, begin_multicast{}).then([](int) {});
    return 0;
  };
  on_both(fails, [](const ended& e) {
    CHECK(e.code == 1);
    CHECK(e.says("the first actor ended: an option is not usable"));
  });
}

TEST_CASE("other actors end with the program") {
  const auto leaves = [](main_actor* self, strings) {
    const std::size_t cores = core_scheduler::of(self->system())->on().core_count();
    static std::vector<caf::actor> all;
    for (std::size_t i = 0; i < cores; ++i) {
      all.push_back(*spawn_on(self->system(), core_number(i), [](caf::event_based_actor* a) {
        a->delayed_send(a, 100us, 1);
        return caf::behavior{[a](int n) { a->delayed_send(a, 100us, n); }};
      }));
    }
    self->become([self](int n) { self->exit_with(n); });
    self->delayed_send(self, 2ms, 0);
    return 9;
  };
  on_both(leaves, [](const ended& e) { CHECK(e.code == 0); });
}

TEST_CASE("wrong options are said, with the usage") {
  for (const std::vector<const char*>& options :
       std::vector<std::vector<const char*>>{{"--seed", "1"},
                                             {"--simulate", "nothing"},
                                             {"--simulate", "/no/such.toml"},
                                             {"--cores", "what"},
                                             {"--simulate", "amd_2x2", "--topology", "nonsense"},
                                             {"--simulate", "uniform"},
                                             {"--simulate", "amd_2x2", "--cores", "4"},
                                             {"--simulate", "amd_2x2", "--faults", "99999999"}}) {
    const ended e = run(options, sleeps);
    CAPTURE(e.said);
    CHECK(e.code == 2);
    CHECK(e.says("cooper: "));
    CHECK(e.says("usage: program [--cores LIST]"));
  }
  CHECK(run({"--trace", "/no/such/folder/t.json"}, sleeps).code == 2);
}

TEST_CASE("one seed draws the same faults and takes the same time, and they are said first") {
  const std::vector<const char*> options{"--simulate", "amd_2x2", "--faults", "3", "--seed", "7"};
  const ended once = run(options, sleeps), again = run(options, sleeps);
  CHECK(once.said == again.said);
  CHECK(once.says("seed 7\ncooper: "));
  CHECK(once.says("ns of virtual time"));
}

TEST_CASE("a dead end is said") {
  const ended e = run(simulated, [](main_actor* self, strings) {
    self->become([](int) {});
    return 0;
  });
  CHECK(e.code == 3);
  CHECK(e.says("a dead end"));
}

TEST_CASE("what waits for a thread of its own is refused on a simulated machine, by name") {
  const auto refused = [](auto f, const std::string& what) {
    const ended e = run(simulated, f);
    CAPTURE(e.said);
    CHECK(e.code != 0);
    CHECK(e.code < 1000);
    CHECK(e.says(what));
    CHECK(e.says("on a simulated machine"));
  };
  refused(
      [](main_actor* self, strings) {
        self->become([](int) {});
        self->spawn([](caf::blocking_actor* b) { b->receive([](int) {}); });
        return 0;
      },
      "a blocking or detached actor");
  refused(
      [](main_actor* self, strings) {
        self->become([](int) {});
        self->spawn<caf::detached>([](caf::event_based_actor*) { return caf::behavior{[](int) {}}; });
        return 0;
      },
      "a blocking or detached actor");
  refused(
      [](main_actor* self, strings) {
        const auto echo = *spawn_on(self->system(), core_number(1),
                                    [](basic_core_actor<>*) { return caf::behavior{[](int n) { return n; }}; });
        caf::scoped_actor scoped{self->system()};
        scoped->request(echo, caf::infinite, 1).receive([](int) {}, [](const caf::error&) {});
        return 0;
      },
      "a request of a scoped_actor");
  refused(
      [](main_actor* self, strings) {
        const auto echo = self->spawn([](caf::event_based_actor*) { return caf::behavior{[](int n) { return n; }}; });
        caf::scoped_actor scoped{self->system()};
        scoped->request(echo, caf::infinite, 1).receive([](int) {}, [](const caf::error&) {});
        return 0;
      },
      "a handler that waits for another thread");
  refused(
      [](main_actor* self, strings) {
        self->join(self->system().groups().get_local("everybody"));
        return 0;
      },
      "a group");
  // The core's own I/O context says so itself.
  const ended io = run(simulated, [](main_actor*, strings) {
    return cooper::core::current()->io().error().code() == cooper::errc::not_supported_here ? 0 : 1;
  });
  CHECK(io.code == 0);
}

TEST_CASE("handlers that sleep or read the system's clock are refused on a simulated machine, by name") {
  const auto refused = [](auto call, const std::string& what) {
    const auto calls = [call](main_actor* self, strings) {
      // Not the first handler: it is one of an actor of the program's own, on another core.
      const auto other = *spawn_on(self->system(), core_number(1), [call](basic_core_actor<>*) {
        return caf::behavior{[call](int n) {
          call();
          return n;
        }};
      });
      self->request(other, caf::infinite, 1).then([self](int) { self->exit_with(0); });
      return 1;
    };
    const ended e = run(simulated, calls);
    CAPTURE(e.said);
    CHECK(e.code == 3);
    CHECK(e.says(what));
    CHECK(e.says("on core 1"));
    CHECK(run({}, calls).code == 0);
  };
  refused([] { static_cast<void>(std::chrono::steady_clock::now()); }, "reads the system's clock (clock_gettime)");
  refused([] { static_cast<void>(std::chrono::system_clock::now()); }, "reads the system's clock (clock_gettime)");
  refused([] { static_cast<void>(::time(nullptr)); }, "reads the system's clock (time)");
  refused(
      [] {
        timeval now{};
        static_cast<void>(::gettimeofday(&now, nullptr));
      },
      "reads the system's clock (gettimeofday)");
  refused([] { std::this_thread::sleep_for(1ms); }, "sleeps (nanosleep)");
  refused([] { std::this_thread::sleep_until(std::chrono::steady_clock::now()); }, "reads the system's clock");
  refused([] { static_cast<void>(::usleep(1)); }, "sleeps (usleep)");
  refused(
      [] {
        const timespec length{0, 1};
        static_cast<void>(::clock_nanosleep(CLOCK_MONOTONIC, 0, &length, nullptr));
      },
      "sleeps (clock_nanosleep)");
}

TEST_CASE("what a core has used may be asked anywhere, and the clock where that is allowed") {
  const auto used = [](main_actor*, strings) {
    timespec now{};
    return ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  };
  CHECK(run(simulated, used).code == 0);
  const auto reads = [](main_actor*, strings) { return ::time(nullptr) > 0 ? 0 : 1; };
  CHECK(run(simulated, reads).code == 3);
  CHECK(run({"--simulate", "amd_2x2", "--wall-clock", "allowed"}, reads).code == 0);
  CHECK(run({"--simulate", "amd_2x2", "--wall-clock", "now"}, reads).code == 2);
  CHECK(run({"--wall-clock", "allowed"}, reads).code == 2);
}

TEST_CASE("the network is refused on a simulated machine when the system is made") {
  const auto m = cooper::machine::simulate(*cooper::topology::from_synthetic("pu:2"), {});
  REQUIRE(m);
  caf::actor_system_config cfg;
  cfg.load<caf::io::middleman>();
  run_on(cfg, **m);
  std::string said;
  try {
    caf::actor_system system{cfg};
  } catch (const std::runtime_error& e) {
    said = e.what();
  }
  CHECK(said.find("the network (caf::io::middleman) on a simulated machine") != std::string::npos);
}
