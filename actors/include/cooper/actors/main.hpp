// SPDX-License-Identifier: BSD-3-Clause
// A program that is an actor: COOPER_MAIN(f) runs f as the first actor of core 0, on this machine or a simulated one.
//
//   task<int> program(main_actor* self, std::vector<std::string> args) { ...; co_return 0; }
//   COOPER_MAIN(program)
//
// f is a coroutine, whose value is the exit code; or it returns the code and has told the actor what to do (become,
// send, request): then the program goes on until the actor ends, by quit() or exit_with(code). The program ends with
// its first actor; other actors end with it. An actor that ends by an error or an exception makes the exit code 1, and
// says why.
//
// Options of the program's command line, before its own arguments; "--" ends them:
//   --cores LIST           hardware threads to run on, as "0,2-3", by the operating system's or the topology's numbers
//   --simulate PROFILE     on a simulated machine: a profile that comes with Cooper (docs/profiles.md), or a file
//   --topology SYNTHETIC   of the simulated machine, as "package:2 core:4 pu:1"; else the one that the profile names
//   --seed N               of what is left to chance there, 1 unless told
//   --faults N             so many faults drawn from the seed, within the first millisecond; printed before the run
//   --wall-clock allowed   handlers may read the system's clock there; what they read differs from run to run
//   --trace FILE           what happened, as Chrome/Perfetto JSON
//
// On a simulated machine all is one thread and virtual time, so whatever waits for another thread is refused by name:
// blocking and detached actors, the middleman, groups, requests of a scoped_actor, a handler that blocks. So are
// handlers that sleep or read the system's clock: COOPER_MAIN puts functions of its own before the C library's, and
// those ask where they are called. A program whose actors have nothing to do for an hour of virtual time has come to a
// dead end, which is said too.
// Exit codes beside the program's: 1 as above, 2 a wrong option, 3 no machine to be had, a refusal or a dead end.
#pragma once

#include <sys/time.h>
#include <unistd.h>
#include <ctime>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cooper/actors/core_actor.hpp>

namespace cooper::actors {

class main_actor;

namespace detail {

struct program_end;
using program_body = std::function<void(main_actor& self)>;
int run_program(int argc, const char* const* argv, program_body body);

// The C library's, but for handlers on simulated cores, for which they end the process.
namespace watched {
int clock_gettime(clockid_t clock, timespec* time) noexcept;
int gettimeofday(timeval* time, void* zone) noexcept;
time_t time(time_t* to) noexcept;
int nanosleep(const timespec* length, timespec* left);
int clock_nanosleep(clockid_t clock, int flags, const timespec* length, timespec* left);
int usleep(useconds_t microseconds);
unsigned sleep(unsigned seconds);
}  // namespace watched

}  // namespace detail

class main_actor final : public core_actor<main_actor, protocol<>> {
 public:
  main_actor(caf::actor_config& cfg, std::vector<std::string> args, detail::program_body body,
             detail::program_end& end);
  const char* name() const override { return "main"; }

  // The program's own arguments, without its name.
  const std::vector<std::string>& args() const noexcept { return args_; }
  void exit_code(int code) noexcept { code_ = code; }
  // Ends the program, once the running handler has returned.
  void exit_with(int code);

  // For COOPER_MAIN: a coroutine whose value is the exit code.
  void begin(task<int> body);
  bool cleanup(caf::error&& reason, caf::execution_unit* host) override;

 protected:
  caf::behavior make_behavior() override;

 private:
  task<void> run(task<int> body);

  std::vector<std::string> args_;
  detail::program_body body_;
  detail::program_end& end_;
  int code_ = 1;
};

namespace detail {

template <class F>
int run_main(int argc, const char* const* argv, F f) {
  return run_program(argc, argv, [f](main_actor& self) {
    using returned = std::invoke_result_t<const F&, main_actor*, std::vector<std::string>>;
    if constexpr (std::is_same_v<returned, task<int>>) {
      self.begin(f(&self, self.args()));
    } else {
      static_assert(
          std::is_same_v<returned, int>,
          "COOPER_MAIN takes a function of (main_actor*, std::vector<std::string>) that returns int or task<int>");
      self.exit_code(f(&self, self.args()));
    }
  });
}

}  // namespace detail
}  // namespace cooper::actors

// For everything in the process, libraries too: the program's own symbols come first.
#define COOPER_DETAIL_WATCHED_CALLS                                                         \
  extern "C" {                                                                              \
  int clock_gettime(clockid_t clock, timespec* to) noexcept {                               \
    return cooper::actors::detail::watched::clock_gettime(clock, to);                       \
  }                                                                                         \
  int gettimeofday(timeval* to, void* zone) noexcept {                                      \
    return cooper::actors::detail::watched::gettimeofday(to, zone);                         \
  }                                                                                         \
  time_t time(time_t* to) noexcept { return cooper::actors::detail::watched::time(to); }    \
  int nanosleep(const timespec* length, timespec* left) {                                   \
    return cooper::actors::detail::watched::nanosleep(length, left);                        \
  }                                                                                         \
  int clock_nanosleep(clockid_t clock, int flags, const timespec* length, timespec* left) { \
    return cooper::actors::detail::watched::clock_nanosleep(clock, flags, length, left);    \
  }                                                                                         \
  int usleep(useconds_t us) { return cooper::actors::detail::watched::usleep(us); }         \
  unsigned sleep(unsigned s) { return cooper::actors::detail::watched::sleep(s); }          \
  }

#define COOPER_MAIN(f)        \
  COOPER_DETAIL_WATCHED_CALLS \
  int main(int argc, char** argv) { return cooper::actors::detail::run_main(argc, argv, f); }
