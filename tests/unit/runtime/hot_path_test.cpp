// SPDX-License-Identifier: BSD-3-Clause
// The straight way of a line: no locked instruction, no fence, no system call, as long as the receiver is awake.
//
// The first is read from the disassembly of the library this program runs; the second is counted, by a seccomp filter
// that traps every system call of two drivers in conversation. Each has a canary that must be found.
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "bare_drivers.hpp"
#include "driver_native.hpp"
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

using quiet_platform = detail::native_platform<barrier_mode::membarrier>;
using quiet_driver = driver_pair<quiet_platform>::driver;
using fence_driver = driver_pair<detail::native_platform<barrier_mode::fence>>::driver;

#if defined(__OPTIMIZE__)
constexpr bool optimised = !sanitized;
#else
constexpr bool optimised = false;
#endif

// -- the disassembly -------------------------------------------------------------------------------------------------

// The file that the drivers' code was loaded from: this program, or the shared library.
std::string file_of_the_library() {
  Dl_info where{};
  // A plain function of the same library; the address of a member is not an address.
  if (::dladdr(reinterpret_cast<const void*>(&native::membarrier_all), &where) == 0) return "/proc/self/exe";
  const std::string file = where.dli_fname;
  return file.find(".so") == std::string::npos ? "/proc/self/exe" : file;
}

using functions = std::map<std::string, std::vector<std::string>>;

// The drivers' functions, by demangled name, with their instructions.
functions disassemble(const std::string& file) {
  char resolved[4096] = {};
  const ssize_t n = ::readlink(file.c_str(), resolved, sizeof resolved - 1);
  const std::string path = n > 0 ? std::string{resolved, static_cast<std::size_t>(n)} : file;
  std::FILE* out = ::popen(("objdump -dC --no-show-raw-insn '" + path + "' 2>&1").c_str(), "r");
  REQUIRE(out != nullptr);
  functions all;
  std::vector<std::string>* current = nullptr;
  char* line = nullptr;
  std::size_t room = 0;
  while (::getline(&line, &room, out) > 0) {
    std::string text{line};
    if (const auto open = text.find(" <cooper::detail::basic_driver<");
        open != std::string::npos && text.ends_with(">:\n")) {
      current = &all[text.substr(open + 2, text.size() - open - 5)];
    } else if (text == "\n" || text.find(">:\n") != std::string::npos) {
      current = nullptr;
    } else if (current != nullptr) {
      if (const auto tab = text.find('\t'); tab != std::string::npos) current->push_back(text.substr(tab + 1));
    }
  }
  std::free(line);
  const int status = ::pclose(out);
  REQUIRE_MESSAGE(status == 0, "objdump failed on " << path << "; install binutils");
  return all;
}

// What orders memory or leaves the program. An exchange with memory locks without saying so.
std::vector<std::string> forbidden_in(const std::vector<std::string>& instructions) {
  static const std::regex forbidden{
      R"((^|\s)(lock|mfence|sfence|lfence|syscall|sysenter|int)\s|^xchg.*\(|^(mfence|syscall))"};
  std::vector<std::string> found;
  for (const std::string& i : instructions) {
    if (std::regex_search(i, forbidden)) found.push_back(i.substr(0, i.find('\n')));
  }
  return found;
}

// How one mode's member function begins in the disassembly.
std::vector<std::string> bodies_of(const functions& all, barrier_mode mode, const std::string& member) {
  const std::string number = mode == barrier_mode::membarrier ? "(cooper::barrier_mode)0>" : "(cooper::barrier_mode)1>";
  std::vector<std::string> instructions;
  for (const auto& [name, body] : all) {
    if (name.find(number) == std::string::npos || name.find(">::" + member + "(") == std::string::npos) continue;
    instructions.insert(instructions.end(), body.begin(), body.end());
  }
  return instructions;
}

}  // namespace

TEST_CASE("sending, receiving and turning have no locked instruction and no fence") {
#if !defined(__x86_64__)
  MESSAGE("skipped: the scan knows x86-64 instructions only");
#else
  if (!optimised) {
    MESSAGE("skipped: a sanitizer or unoptimised build has other code; the release and clang presets are checked");
    return;
  }
  // Both modes are part of the library that is linked here.
  driver_pair<quiet_platform> linked{{}};
  CHECK(linked[0].id() == core_id{0});
  const functions all = disassemble(file_of_the_library());
  for (const char* member : {"send_words", "post_words", "notify", "turn", "drain_rings", "drain_hinted", "drain",
                             "drain_lane", "dispatch", "return_wakes", "run_local"}) {
    const auto body = bodies_of(all, barrier_mode::membarrier, member);
    CHECK_MESSAGE(forbidden_in(body).empty(), member << ": " << forbidden_in(body).front());
  }
  // Whatever else is inlined, these two stand alone, and are long enough to be what we think.
  CHECK(bodies_of(all, barrier_mode::membarrier, "send_words").size() > 20);
  CHECK(bodies_of(all, barrier_mode::membarrier, "turn").size() > 20);
  // The canaries: the mode with fences has one in each, and the cold half of waking has its exchange.
  CHECK_FALSE(forbidden_in(bodies_of(all, barrier_mode::fence, "send_words")).empty());
  CHECK_FALSE(forbidden_in(bodies_of(all, barrier_mode::fence, "turn")).empty());
  CHECK_FALSE(forbidden_in(bodies_of(all, barrier_mode::membarrier, "wake")).empty());
#endif
}

// -- system calls ----------------------------------------------------------------------------------------------------

namespace {

struct shared_counts {
  std::atomic<int> filter_errno{0};
  std::atomic<std::uint64_t> trapped{0};  // system calls so far
  std::atomic<std::uint64_t> in_phase{~0ull};
  std::atomic<std::uint64_t> trips{0};
  std::atomic<bool> done{false};
};
shared_counts* counts = nullptr;

void on_system_call(int) { counts->trapped.fetch_add(1); }

// From now on every system call of the calling thread is not made but counted; only the return from the handler is.
bool trap_system_calls() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  const sock_fprog filter{.len = sizeof program / sizeof program[0], .filter = program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) {
    return true;
  }
  counts->filter_errno = errno;
  return false;
}

constexpr std::uint64_t warm_up = 2'000;
constexpr std::uint64_t measured = 100'000;
constexpr message_type talk = 1, install_filter = 2, finish = 3;

struct conversation {
  address here, there;
  std::uint64_t trips = 0, trapped_before = 0;
};

void answer(void* self, core& echo, const line_view& line) {
  auto& talk_of = *static_cast<conversation*>(self);
  if (line.type == install_filter && !trap_system_calls()) return;
  if (line.type == finish) static_cast<void>(::syscall(SYS_getppid));
  static_cast<void>(echo.send(talk_of.here, line.type, line.as<std::uint64_t>(), lane::reply));
}

void ask_again(void* self, core& here, const line_view& line) {
  auto& c = *static_cast<conversation*>(self);
  if (line.type == finish) {
    static_cast<void>(::syscall(SYS_getppid));
    counts->done = true;
    return;
  }
  message_type next = talk;
  ++c.trips;
  if (c.trips == warm_up) next = install_filter;
  if (c.trips == warm_up + 1) {
    if (!trap_system_calls()) return;
    c.trapped_before = counts->trapped;
  }
  if (c.trips == warm_up + 1 + measured) {
    counts->in_phase = counts->trapped - c.trapped_before;
    counts->trips = measured;
    next = finish;
  }
  static_cast<void>(here.send(c.there, next, c.trips));
}

// The child: two drivers on threads of their own, trapped for the rest of their lives; this thread ends them all.
[[noreturn]] void converse() {
  struct sigaction action {};
  action.sa_handler = on_system_call;
  ::sigaction(SIGSYS, &action, nullptr);
  driver_pair<quiet_platform> pair{{.poll_budget = std::chrono::hours{1}}};
  conversation c;
  c.here = *pair[0].open(ask_again, &c);
  c.there = *pair[1].open(answer, &c);
  std::array<std::thread, 2> threads;
  for (std::size_t i = 0; i < 2; ++i) {
    threads[i] = std::thread{[&pair, &c, i] {
      if (!pin_to_nth(i)) pin_to_nth(0);
      if (i == 0) static_cast<void>(pair[0].send(c.there, talk, std::uint64_t{}));
      pair[i].run();
    }};
  }
  while (!counts->done && counts->filter_errno == 0) ::usleep(1000);
  ::_exit(0);
}

}  // namespace

TEST_CASE("a hundred thousand round trips between awake drivers make no system call") {
  if (sanitized) {
    MESSAGE("skipped: a sanitizer's run time makes system calls of its own; the other presets are checked");
    return;
  }
  void* shared = ::mmap(nullptr, sizeof(shared_counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  counts = new (shared) shared_counts;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) converse();
  const watchdog dog{50s};
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE_MESSAGE(counts->filter_errno == 0, "seccomp filters cannot be installed here: "
                                                 << std::strerror(counts->filter_errno)
                                                 << "; run the tests where prctl(PR_SET_SECCOMP) is allowed");
  CHECK(counts->trips == measured);
  CHECK(counts->in_phase == 0);
  // The canary: one deliberate call on each of the two threads was seen.
  CHECK(counts->trapped >= 2);
  ::munmap(shared, sizeof(shared_counts));
}
