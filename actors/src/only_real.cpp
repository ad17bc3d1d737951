// SPDX-License-Identifier: BSD-3-Clause
#include "only_real.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <fmt/format.h>

namespace cooper::actors {

error only_on_real_machines(std::string_view what) {
  return {errc::not_supported_here,
          fmt::format("{} on a simulated machine, which is one thread: nobody would make its cores' turns meanwhile; "
                      "use event-based actors, or a real machine",
                      what)};
}

void end_process(const error& why) {
  std::fflush(stdout);
  fmt::print(stderr, "cooper: {}\n", why.message());
  std::_Exit(3);
}

void no_threads::thread_started() { end_process(only_on_real_machines("a blocking or detached actor")); }

block_watch::block_watch() : watched_{pthread_self()}, tid_{syscall(SYS_gettid)}, thread_{[this] { watch(); }} {}

block_watch::~block_watch() {
  {
    const std::lock_guard lock{mutex_};
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

timespec block_watch::used() const {
  clockid_t clock{};
  timespec time{};
  if (pthread_getcpuclockid(watched_, &clock) == 0) clock_gettime(clock, &time);
  return time;
}

// A write to a pipe that nobody reads is no reason to end; the kernel says what a thread waits in.
bool block_watch::waits() const {
  std::ifstream file{fmt::format("/proc/self/task/{}/syscall", tid_)};
  long number = -1;
  return file >> number && number == SYS_futex;
}

void block_watch::watch() {
  std::unique_lock lock{mutex_};
  timespec before = used();
  unsigned looks = 0;
  while (!changed_.wait_for(lock, std::chrono::milliseconds{100}, [this] { return done_; })) {
    const timespec now = used();
    const bool still = now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec && waits();
    before = now;
    looks = still ? looks + 1 : 0;
    if (looks >= 10)
      end_process(only_on_real_machines("a handler that waits for another thread (scoped_actor, a lock)"));
  }
}

}  // namespace cooper::actors
