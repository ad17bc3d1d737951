// SPDX-License-Identifier: BSD-3-Clause
// What COOPER_MAIN puts before the C library's functions that read clocks and that sleep.
//
// Each forwards to the next of its name, the C library's or a sanitizer's. Before it does, it asks whether a handler of
// a simulated core has called.
#include <dlfcn.h>

#include <fmt/format.h>

#include <cooper/actors/main.hpp>
#include "core_unit.hpp"
#include "only_real.hpp"

namespace cooper::actors {
namespace {

struct watching {
  bool is_on = false;
  bool clock_allowed = false;
};
// Of the one simulated machine that a program has. Read on the thread that turns it, which wrote it; on a real machine
// nobody writes it.
watching handlers;

// Null, or the simulated core whose handler runs on this thread.
const core_unit* handling() {
  const core_unit* here = core_unit::here();
  return here != nullptr && handlers.is_on ? here : nullptr;
}

[[noreturn]] void refuse(const core_unit& here, std::string_view what, std::string_view function,
                         std::string_view instead) {
  handlers.is_on = false;
  end_process(
      {errc::not_supported_here,
       fmt::format("a handler that {} ({}), on a simulated machine, whose time is virtual: actor {} on core {}; {}",
                   what, function, here.running(), here.driver().id().value, instead)});
}

void no_clock(std::string_view function) {
  if (const core_unit* here = handling(); here != nullptr && !handlers.clock_allowed) {
    refuse(*here, "reads the system's clock", function,
           "ask core::now() or the actor's clock(), or let it pass with --wall-clock allowed, and runs will differ");
  }
}
void no_sleep(std::string_view function) {
  if (const core_unit* here = handling()) {
    refuse(*here, "sleeps", function, "send a message later (delayed_send), or set a timer");
  }
}

template <class F>
F next_of(const char* name, F) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

call_watch::call_watch(bool clock_allowed) { handlers = {true, clock_allowed}; }
call_watch::~call_watch() { handlers = {}; }

// The first call may come before anything else of the program has been set up: a local static is made then.
int detail::watched::clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto next = next_of("clock_gettime", &::clock_gettime);
  // What a thread or a process has used is not the wall's.
  if (clock >= 0 && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID) no_clock("clock_gettime");
  return next(clock, time);
}
int detail::watched::gettimeofday(timeval* time, void* zone) noexcept {
  static const auto next = next_of("gettimeofday", &::gettimeofday);
  no_clock("gettimeofday");
  return next(time, zone);
}
time_t detail::watched::time(time_t* to) noexcept {
  static const auto next = next_of("time", &::time);
  no_clock("time");
  return next(to);
}
int detail::watched::nanosleep(const timespec* length, timespec* left) {
  static const auto next = next_of("nanosleep", &::nanosleep);
  no_sleep("nanosleep");
  return next(length, left);
}
int detail::watched::clock_nanosleep(clockid_t clock, int flags, const timespec* length, timespec* left) {
  static const auto next = next_of("clock_nanosleep", &::clock_nanosleep);
  no_sleep("clock_nanosleep");
  return next(clock, flags, length, left);
}
int detail::watched::usleep(useconds_t microseconds) {
  static const auto next = next_of("usleep", &::usleep);
  no_sleep("usleep");
  return next(microseconds);
}
unsigned detail::watched::sleep(unsigned seconds) {
  static const auto next = next_of("sleep", &::sleep);
  no_sleep("sleep");
  return next(seconds);
}

}  // namespace cooper::actors
