// SPDX-License-Identifier: BSD-3-Clause
// The flight recorder, by children that crash in every way it promises to record.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cooper/runtime/trace.hpp>
#include <cooper/vocabulary/assert.hpp>

using namespace cooper;

namespace {

struct scratch_directory {
  scratch_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cooper-flight-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~scratch_directory() { std::filesystem::remove_all(path); }
  std::string path;
};

struct outcome {
  int status = 0;
  std::string record, said;
};

std::string read_file(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void prepare_child(const std::string& directory) {
  const int said = ::open((directory + "/stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(said, STDERR_FILENO);
  const rlimit no_core_file{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core_file);
  // A sanitizer's own handlers are not what is tested: the former course shall be the default.
  for (const int s : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(s, SIG_DFL);
  if (!install_flight_recorder(directory)) ::_exit(99);
}

// Runs `crash` in a child with the recorder installed; what it left behind.
template <class F>
outcome crashed(F crash) {
  const scratch_directory directory;
  std::fflush(stdout);  // or the child prints it once more
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    prepare_child(directory.path);
    crash();
    ::_exit(98);
  }
  outcome out;
  REQUIRE(::waitpid(child, &out.status, 0) == child);
  out.record = read_file(directory.path + "/cooper-crash-" + std::to_string(child) + ".txt");
  out.said = read_file(directory.path + "/stderr");
  return out;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::unique_ptr<trace_ring> some_ring(std::uint16_t core) {
  auto ring = std::make_unique<trace_ring>(core_id{core}, 2, 16);
  ring->note({.time_ns = 1111, .kind = trace_kind::bind, .peer = core_id{7}});
  return ring;
}

}  // namespace

TEST_CASE("each fatal signal leaves a record that is complete, and then takes its course") {
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    CAPTURE(number);
    const outcome out = crashed([number] {
      const auto ring = some_ring(1);
      ::raise(number);
    });
    CHECK(WIFSIGNALED(out.status));
    CHECK(WTERMSIG(out.status) == number);
    CHECK(has(out.record, "cooper flight record\n"));
    CHECK(has(out.record, number == SIGSEGV ? "ended by SIGSEGV" : "ended by SIG"));
    CHECK(has(out.record, "machine 2 core 1\n coarse events: 1 of 1\n  1111 bind peer=7 arg=0\n"));
    CHECK(has(out.record, "end of record\n"));
    CHECK(has(out.said, "the flight record is in "));
  }
}

TEST_CASE("a real fault names its address and is not survived") {
  const outcome out = crashed([] {
    // Out of the compiler's sight, which would call it what it is.
    volatile std::uintptr_t nowhere = 0x40;
    *reinterpret_cast<volatile int*>(std::uintptr_t{nowhere}) = 1;
  });
  CHECK(WIFSIGNALED(out.status));
  CHECK(WTERMSIG(out.status) == SIGSEGV);
  CHECK(has(out.record, "SIGSEGV at address 0x40\n"));
}

TEST_CASE("a failed assertion leaves a record once, and aborts") {
  const outcome out = crashed([] {
    const auto ring = some_ring(4);
    COOPER_ASSERT(ring == nullptr, "the moon is not made of cheese");
  });
  CHECK(WIFSIGNALED(out.status));
  CHECK(WTERMSIG(out.status) == SIGABRT);
  CHECK(has(out.said, "the moon is not made of cheese"));
  CHECK(has(out.record, "ended by an assertion"));
  CHECK(has(out.record, "machine 2 core 4\n"));
  CHECK(out.said.find("flight record is in") == out.said.rfind("flight record is in"));
}

TEST_CASE("traced lines stand in the record when tracing was on, and a ring that is gone does not") {
  const outcome out = crashed([] {
    { const auto gone = some_ring(9); }
    const auto ring = some_ring(1);
    static_cast<void>(ring->switch_on());
    for (std::uint64_t n = 0; n < 40; ++n) {
      ring->record(
          {.time_ns = -5, .kind = trace_kind::line_sent, .peer = core_id{3}, .slot = 12, .flow = 0xabc, .arg = n});
    }
    std::abort();
  });
  CHECK(has(out.record, " traced events: 15 of 40\n"));
  CHECK(has(out.record, "  -5 line_sent peer=3 slot=12 flow=0xabc arg=39\n"));
  CHECK_FALSE(has(out.record, "arg=24\n"));
  CHECK_FALSE(has(out.record, "core 9"));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion"
int deeper(volatile char* above) {
  volatile char here[4096];
  here[0] = above == nullptr ? char{0} : above[0];
  return deeper(here) + here[0];
}
#pragma GCC diagnostic pop

}  // namespace

TEST_CASE("a stack overflow is recorded on a thread that has a crash stack") {
  const outcome out = crashed([] {
    std::thread overflowing{[] {
      const crash_stack stack;
      std::_Exit(deeper(nullptr));
    }};
    overflowing.join();
  });
  CHECK(WIFSIGNALED(out.status));
  CHECK(has(out.record, "ended by SIGSEGV"));
  CHECK(has(out.record, "end of record\n"));
}
#endif

TEST_CASE("two threads that crash together leave one whole record") {
  const outcome out = crashed([] {
    const auto ring = some_ring(1);
    std::thread other{[] { ::raise(SIGSEGV); }};
    ::raise(SIGBUS);
    other.join();
  });
  CHECK(WIFSIGNALED(out.status));
  CHECK(has(out.record, "end of record\n"));
  CHECK(out.record.find("cooper flight record") == out.record.rfind("cooper flight record"));
}

TEST_CASE("a directory that vanished costs the record, not the signal") {
  const outcome out = crashed([] {
    std::string pattern = (std::filesystem::temp_directory_path() / "cooper-gone-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr || !install_flight_recorder(pattern)) ::_exit(97);
    std::filesystem::remove_all(pattern);
    ::raise(SIGSEGV);
  });
  CHECK(WIFSIGNALED(out.status));
  CHECK(WTERMSIG(out.status) == SIGSEGV);
  CHECK(has(out.said, "cannot be written"));
  CHECK(out.record.empty());
}

TEST_CASE("a directory that cannot be written is refused by name") {
  const result<void> missing = install_flight_recorder("/nonexistent/records");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == errc::unwritable_output);
  CHECK(has(missing.error().message(), "/nonexistent/records"));
  CHECK_FALSE(install_flight_recorder(""));
  CHECK_FALSE(install_flight_recorder(std::string(100'000, 'x')));
}
