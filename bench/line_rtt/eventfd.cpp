// SPDX-License-Identifier: BSD-3-Clause
// Two eventfds in non-blocking mode. They carry a count and no message, so they are ahead by 56 bytes.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cooper/vocabulary/assert.hpp>

#include "line_rtt/line_rtt.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_rtt {
namespace {

class counter_pair {
 public:
  counter_pair() : there_{open()}, back_{open()} {}
  ~counter_pair() {
    ::close(there_);
    ::close(back_);
  }
  counter_pair(const counter_pair&) = delete;
  counter_pair& operator=(const counter_pair&) = delete;

  double ask(std::uint64_t count) {
    exchange(there_, back_, warm_up, true);
    const instant begin = native::now();
    exchange(there_, back_, count, true);
    return static_cast<double>((native::now() - begin).count());
  }
  void answer(std::uint64_t count) { exchange(back_, there_, warm_up + count, false); }
  bool intact() const { return intact_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t warm_up = 8;

  static int open() {
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    COOPER_ASSERT(fd >= 0, "an eventfd for the benchmark");
    return fd;
  }

  void exchange(int out, int in, std::uint64_t count, bool first) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (first) signal(out);
      std::uint64_t value = 0;
      while (::read(in, &value, sizeof value) != static_cast<ssize_t>(sizeof value)) {}
      if (value != 1) intact_.store(false, std::memory_order_relaxed);
      if (!first) signal(out);
    }
  }
  void signal(int out) {
    const std::uint64_t one = 1;
    if (::write(out, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) {
      intact_.store(false, std::memory_order_relaxed);
    }
  }

  int there_;
  int back_;
  std::atomic<bool> intact_{true};
};

}  // namespace

void measure_eventfd(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  counter_pair pair;
  r.threads().lead([&](session& on) { sample_windows(on, r.floor(), timed_round_trips(on, pair), {}, r.plan(), out); });
  if (!pair.intact()) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace cooper::bench::line_rtt
