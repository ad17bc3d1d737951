// SPDX-License-Identifier: BSD-3-Clause
// A pipe of the kernel's as a link: non-blocking, polled, 64 bytes a write.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include <cooper/vocabulary/assert.hpp>

#include "support/link.hpp"

namespace cooper::bench {

class pipe_queue {
 public:
  explicit pipe_queue(std::size_t capacity) {
    COOPER_ASSERT(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) == 0, "a pipe for the benchmark");
    // Writes of up to PIPE_BUF are atomic, so there is never half a message in it. The kernel rounds up to its pages.
    static_cast<void>(::fcntl(ends_[1], F_SETPIPE_SZ, static_cast<int>(std::max<std::size_t>(capacity, 64) * 64)));
  }
  ~pipe_queue() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  pipe_queue(const pipe_queue&) = delete;
  pipe_queue& operator=(const pipe_queue&) = delete;

  bool push(const message& m) { return ::write(ends_[1], &m, sizeof m) == static_cast<ssize_t>(sizeof m); }
  // Not inlined: g++ 12 then takes the destination for an object of size zero. A system call hides the cost.
  [[gnu::noinline]] bool pop(message& m) { return ::read(ends_[0], &m, sizeof m) == static_cast<ssize_t>(sizeof m); }

 private:
  int ends_[2]{};
};

using pipe_link = copying_link<pipe_queue>;

}  // namespace cooper::bench
