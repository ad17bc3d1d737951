// SPDX-License-Identifier: BSD-3-Clause
#include "wake/sleeper.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/assert.hpp>

#include "support/interrupt.hpp"
#include "support/noise.hpp"
#include "support/pinning.hpp"
#include "support/statistics.hpp"

namespace cooper::bench::wake {
namespace {

// Long enough for a thread that announced its sleep to reach it, and for its core to go idle.
constexpr duration rest = std::chrono::microseconds{200};
constexpr int block_size = 8;
constexpr std::uint64_t first_sequence = 1;

void wait_for(duration d) {
  for (const instant end = native::now() + d; native::now() < end;) native_environment<barrier_mode::fence>::pause();
}

// One wake-up, alone: nanoseconds from before the call until the answer is seen.
double one_wake_up(sleeper& s, std::uint64_t sequence) {
  s.await_sleep();
  wait_for(rest);
  const instant begin = native::now();
  s.wake(sequence);
  while (s.answered.value.load(std::memory_order_acquire) != sequence) {}
  return static_cast<double>((native::now() - begin).count());
}

std::vector<double> block(sleeper& s, std::uint64_t& sequence) {
  std::vector<double> ns;
  for (int i = 0; i < block_size && !interrupted(); ++i) ns.push_back(one_wake_up(s, sequence++));
  return ns;
}

}  // namespace

eventfd_sleeper::eventfd_sleeper(unsigned cpu) : fd_{::eventfd(0, EFD_CLOEXEC)} {
  COOPER_ASSERT(fd_ >= 0, "an eventfd for the benchmark");
  thread_ = std::thread{[this, cpu] {
    static_cast<void>(pin_this_thread(cpu));
    sleep_and_answer();
  }};
}

eventfd_sleeper::~eventfd_sleeper() {
  ending_.store(true, std::memory_order_relaxed);
  wake(~std::uint64_t{0});
  thread_.join();
  ::close(fd_);
}

void eventfd_sleeper::wake(std::uint64_t sequence) {
  ++woken_;
  wanted_.store(sequence, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  COOPER_ASSERT(::write(fd_, &one, sizeof one) == static_cast<ssize_t>(sizeof one), "an eventfd takes a count of one");
}

void eventfd_sleeper::await_sleep() {
  while (resting_.load(std::memory_order_acquire) != woken_) std::this_thread::yield();
}

void eventfd_sleeper::sleep_and_answer() {
  for (std::uint64_t woken = 0; !ending_.load(std::memory_order_relaxed);) {
    std::uint64_t value = 0;
    if (::read(fd_, &value, sizeof value) != static_cast<ssize_t>(sizeof value)) continue;
    answered.value.store(wanted_.load(std::memory_order_relaxed), std::memory_order_release);
    resting_.store(++woken, std::memory_order_release);
  }
}

void sample_wake_ups(sleeper& contender, sleeper& floor, const sampling_plan& plan, row& into) {
  const noise_meter meter;
  std::uint64_t sequence = first_sequence;
  // The first wake-ups bind channels and fault pages in.
  static_cast<void>(block(contender, sequence));
  static_cast<void>(block(floor, sequence));
  std::vector<double> floors, ratios, peers;
  const instant end = native::now() + duration{static_cast<std::int64_t>(plan.seconds * 1e9)};
  for (int done = 0; !interrupted() && (plan.smoke ? done < 2 : done < 3 || native::now() < end); ++done) {
    const std::vector<double> before = block(floor, sequence);
    const std::vector<double> ours = block(contender, sequence);
    const std::vector<double> after = block(floor, sequence);
    if (interrupted()) break;
    floors.insert(floors.end(), before.begin(), before.end());
    floors.insert(floors.end(), after.begin(), after.end());
    into.values.insert(into.values.end(), ours.begin(), ours.end());
    ratios.push_back(2 * median(ours) / (median(before) + median(after)));
  }
  into.singles_timed = true;
  into.iterations = into.values.size();
  into.floor = median(floors);
  into.ratio_to_floor = median(ratios);
  into.ratio_mad = median_absolute_deviation(ratios);
  into.ratio_p10 = quantile(ratios, 0.1);
  into.ratio_p90 = quantile(ratios, 0.9);
  const noise heard = meter.since();
  into.foreign = heard.foreign;
  into.steal = heard.steal;
}

}  // namespace cooper::bench::wake
