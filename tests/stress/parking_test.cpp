// SPDX-License-Identifier: BSD-3-Clause
// No wake-up is lost: somebody makes work for a driver at an instant that is swept around the one at which it parks.
//
// The driver under test runs its loop on a thread of its own, with a small fixed poll budget. The test thread knows
// from the last answer when that driver will park, and aims at one of four windows of it:
//
//   before flag      the line is there, and the driver goes on to announce that it parks all the same
//   before re-check  between the announcement and the last look
//   before epoll     the last look has begun, the system call has not
//   asleep           later
//
// An answer that does not come is a lost wake-up. 10^5 tries, or 10^7 with COOPER_LONG=1; each window must be hit in
// 1 % of them at least. Sanitizers shift every window: there, fewer tries, and the hits are printed only.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <cooper/vocabulary/random.hpp>
#include "bare_drivers.hpp"
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

constexpr duration poll_budget = 2us;
// From the call of the sleeper to the system call itself, at least: what we count as "before epoll".
constexpr std::int64_t to_epoll_ns = 500;

// What the driver under test did last, by its own clock. Written by its thread only; it travels in the answers.
struct park_stamps {
  std::uint64_t attempts = 0;
  std::int64_t first_flag = 0;  // since the last answer; 0: none
  std::int64_t flag = 0, announced = 0, sleeping = 0;
};
park_stamps stamps;

void spin_until(std::int64_t ns) {
  while (native::now().ns < ns) {}
}

// A fence takes some ten nanoseconds, and nobody can aim at that: the last look is held back for as long as this.
constexpr std::int64_t hold_back_ns = 150;

// Native cores, with an eye on the parking of core 1.
template <barrier_mode Mode>
struct watched_platform : detail::native_platform<Mode> {
  template <class Driver>
  static void park_announced(Driver& d, instant before, instant after) {
    if (d.id().value != 1) return;
    ++stamps.attempts;
    if (stamps.first_flag == 0) stamps.first_flag = before.ns;
    stamps.flag = before.ns;
    if constexpr (Mode == barrier_mode::fence) spin_until(after.ns + hold_back_ns);
    stamps.announced = native::now().ns;
    stamps.sleeping = 0;
  }
  template <class Driver>
  static void about_to_sleep(Driver& d) {
    if (d.id().value == 1) stamps.sleeping = native::now().ns;
  }
};

// The answer to one try.
struct answer {
  std::uint64_t attempts;
  std::int64_t first_flag, flag, announced, sleeping, handled;
};

answer take_answer() {
  const answer a{.attempts = stamps.attempts,
                 .first_flag = stamps.first_flag,
                 .flag = stamps.flag,
                 .announced = stamps.announced,
                 .sleeping = stamps.sleeping,
                 .handled = native::now().ns};
  stamps.first_flag = 0;
  return a;
}

// Where a try fell, or is to fall.
enum class window : std::uint8_t { before_flag, before_check, before_epoll, asleep, polling, count };
constexpr std::size_t required_windows = 4;
constexpr std::array<const char*, 5> window_names{"before flag", "before re-check", "before epoll", "asleep",
                                                  "(still polling)"};

// Predicts the next park from the last answers, and picks instants around it.
class aim {
 public:
  explicit aim(std::uint64_t seed) : dice_{seed} {}

  std::int64_t next_instant(const answer& last) {
    const std::int64_t rested = last.handled + poll_budget.count();
    const std::int64_t allowed = last.announced + 50 * std::min<std::int64_t>(last.announced - last.flag, 100'000);
    limited_ = allowed > rested;
    predicted_ = std::max(rested, allowed);
    offset_ = offset();
    aimed_ = predicted_ + static_cast<std::int64_t>(lead_[limited_]) + offset_;
    return aimed_ - static_cast<std::int64_t>(delay_);
  }

  void learn(std::int64_t published, const answer& got, const answer& last) {
    ++hits_[static_cast<std::size_t>(classify(published, got, last))];
    blend(delay_, delay_ + static_cast<double>(published - aimed_));
    if (got.first_flag == 0) {
      // It polled on where the flag was predicted to be up: it parks later than we think.
      if (offset_ >= 0) blend(lead_[limited_], lead_[limited_] + 1000);
      return;
    }
    blend(lead_[limited_], static_cast<double>(got.first_flag - predicted_));
    blend(barrier_, static_cast<double>(got.announced - got.flag));
    if (got.sleeping != 0) blend(check_, static_cast<double>(got.sleeping - got.announced));
  }

  std::uint64_t hits(std::size_t w) const { return hits_[w]; }
  double barrier_ns() const { return barrier_; }
  double check_ns() const { return check_; }

 private:
  static window classify(std::int64_t published, const answer& got, const answer& last) {
    if (got.attempts == last.attempts) return window::polling;
    if (published <= got.flag) return window::before_flag;
    if (published <= got.announced) return window::before_check;
    if (got.sleeping == 0 || published <= got.sleeping + to_epoll_ns) return window::before_epoll;
    return window::asleep;
  }

  // Half of the tries go where the fewest fell so far.
  std::int64_t offset() {
    std::size_t at = dice_.below(required_windows);
    if (dice_.below(2) == 0) {
      at = static_cast<std::size_t>(std::min_element(hits_.begin(), hits_.begin() + required_windows) - hits_.begin());
    }
    const auto between = [&](double from, double to) {
      const auto width = static_cast<std::uint64_t>(std::max(to - from, 1.0));
      return static_cast<std::int64_t>(from) + static_cast<std::int64_t>(dice_.below(width));
    };
    switch (static_cast<window>(at)) {
      case window::before_flag:
        return between(-400, 100);
      case window::before_check:
        return between(-50, barrier_ + 50);
      case window::before_epoll:
        return between(barrier_, barrier_ + check_ + to_epoll_ns);
      default:
        return between(barrier_ + check_ + to_epoll_ns, barrier_ + check_ + 30'000);
    }
  }

  // A running mean that a preempted thread does not spoil.
  static void blend(double& mean, double sample) {
    mean += (std::clamp(sample, mean - 2000.0, mean + 2000.0) - mean) / 32;
  }

  class random dice_;
  bool limited_ = false;
  std::int64_t predicted_ = 0, offset_ = 0, aimed_ = 0;
  std::array<double, 2> lead_{};
  double barrier_ = 500, check_ = 200;
  double delay_ = 0;  // from the instant that was asked for to the publishing itself
  std::array<std::uint64_t, static_cast<std::size_t>(window::count)> hits_{};
};

// Whether work arrives: the same driver under test for all scenarios.
template <barrier_mode Mode>
class bench {
 public:
  using driver = typename driver_pair<watched_platform<Mode>>::driver;

  bench() : pair_{{.poll_budget = poll_budget}} { stamps = {}; }
  ~bench() {
    detail::gateway_work<watched_platform<Mode>> leave = [](driver& d) { d.stop_now(); };
    typename driver::env_type env;
    static_cast<void>(pair_[1].post_to_gateway(env, leave));
    // A driver whose signals are lost would sleep for ever.
    pair_[1].sleeper().signal();
    thread_.join();
  }

  driver& here() { return pair_[0]; }
  driver& tested() { return pair_[1]; }
  void start() {
    two_cores_ = pin_to_nth(0) && pin_to_nth(1);
    pin_to_nth(0);
    thread_ = std::thread{[this] {
      pin_to_nth(two_cores_ ? 1 : 0);
      pair_[1].run();
    }};
  }
  bool two_cores() const { return two_cores_; }

 private:
  driver_pair<watched_platform<Mode>> pair_;
  std::thread thread_;
  bool two_cores_ = false;
};

// One way of making work; each gives the answer to its last try, or nothing if that does not come. act() tells when it
// published.
template <barrier_mode Mode>
class by_line {
 public:
  explicit by_line(bench<Mode>& b) : b_{b} {
    back_ = *b.here().open(
        [](void* self, core&, const line_view& line) {
          static_cast<by_line*>(self)->got_ = line.as<answer>();
          static_cast<by_line*>(self)->arrived_ = true;
        },
        this);
    there_ = *b.tested().open(
        [](void* self, core& tested, const line_view&) {
          static_cast<void>(tested.post(static_cast<by_line*>(self)->back_, 1, take_answer(), lane::reply));
        },
        this);
  }
  std::int64_t act() {
    const std::int64_t published = native::now().ns;
    static_cast<void>(b_.here().post(there_, 1, std::uint64_t{}));
    return published;
  }
  bool look(answer& got) {
    b_.here().turn();
    got = got_;
    return std::exchange(arrived_, false);
  }

 private:
  bench<Mode>& b_;
  address back_, there_;
  answer got_{};
  bool arrived_ = false;
};

template <barrier_mode Mode>
class by_gateway {
 public:
  explicit by_gateway(bench<Mode>& b) : b_{b} {}
  std::int64_t act() {
    const std::int64_t published = native::now().ns;
    detail::gateway_work<watched_platform<Mode>> work = [this](auto&) {
      got_ = take_answer();
      arrived_.store(true, std::memory_order_release);
    };
    while (!b_.tested().post_to_gateway(env_, work)) std::this_thread::yield();
    return published;
  }
  bool look(answer& got) {
    if (!arrived_.load(std::memory_order_acquire)) return false;
    got = got_;
    arrived_.store(false, std::memory_order_relaxed);
    return true;
  }

 private:
  bench<Mode>& b_;
  typename bench<Mode>::driver::env_type env_;
  answer got_{};
  std::atomic<bool> arrived_{false};
};

// The driver under test fills a lane and waits for credit; a turn on this side returns it. After each return it says
// so on the monitor lane, and fills the lane again.
template <barrier_mode Mode>
class by_credit {
 public:
  explicit by_credit(bench<Mode>& b) : b_{b} {
    here_ = *b.here().open(
        [](void* self, core&, const line_view& line) {
          auto& me = *static_cast<by_credit*>(self);
          if (line.via != lane::monitor) {
            // Credit goes back when a quarter of the ring has been read.
            if (++me.read_ == detail::lane_capacity[static_cast<std::size_t>(lane::request)] / 4) {
              me.published_ = native::now().ns;
            }
            return;
          }
          static_cast<by_credit*>(self)->got_ = line.as<answer>();
          static_cast<by_credit*>(self)->arrived_ = true;
        },
        this);
    b.tested().defer([this] { fill(); });
  }
  std::int64_t act() {
    read_ = 0;
    published_ = native::now().ns;
    b_.here().turn();
    return published_;
  }
  bool look(answer& got) {
    if (!arrived_) b_.here().turn();
    got = got_;
    return std::exchange(arrived_, false);
  }

 private:
  void fill() {
    static_cast<void>(b_.tested().post(here_, 1, take_answer(), lane::monitor));
    while (b_.tested().send(here_, 1, std::uint64_t{}) == send_result::ok) {}
    b_.tested().when_writable(core_id{0}, lane::request, [this] { fill(); });
  }

  bench<Mode>& b_;
  address here_;
  answer got_{};
  bool arrived_ = false;
  std::size_t read_ = 0;
  std::int64_t published_ = 0;
};

template <class Way>
bool wait_for(Way& way, answer& got, duration patience) {
  const instant start = native::now();
  for (std::uint64_t looks = 1; !way.look(got); ++looks) {
    if ((looks & 1023) == 0 && native::now() - start > patience) return false;
  }
  return true;
}

// The limit on parking (50 times the barrier's cost) makes a try with membarrier take about a millisecond: it gets the
// smaller shares, and still smaller ones in the long run.
std::uint64_t tries_of(std::uint64_t share_percent, std::uint64_t long_share_percent) {
  if (std::getenv("COOPER_LONG") != nullptr) return 10'000'000 / 100 * long_share_percent;
  return (sanitized ? 5'000 : 100'000) * share_percent / 100;
}

void report(const char* what, const aim& sweep, std::uint64_t tries, std::uint64_t seed) {
  std::printf("%s: %llu tries, seed %llu; barrier %.0f ns, re-check %.0f ns\n", what,
              static_cast<unsigned long long>(tries), static_cast<unsigned long long>(seed), sweep.barrier_ns(),
              sweep.check_ns());
  for (std::size_t w = 0; w < window_names.size(); ++w) {
    std::printf("  %-16s %9llu  %5.1f %%\n", window_names[w], static_cast<unsigned long long>(sweep.hits(w)),
                100.0 * static_cast<double>(sweep.hits(w)) / static_cast<double>(tries));
  }
}

template <class Way, barrier_mode Mode>
void sweep_around_the_park(const char* what, std::uint64_t tries) {
  if (Mode == barrier_mode::membarrier && !native::membarrier_available()) {
    std::printf("%s: this kernel has no membarrier(2), so this mode is never chosen here\n", what);
    return;
  }
  const std::uint64_t seed = seed_or(0);
  CAPTURE(rerun_command(seed));
  bench<Mode> b;
  Way way{b};
  b.start();
  aim sweep{seed};
  answer last{}, got{};
  constexpr duration patience = 10s;
  if constexpr (!std::is_same_v<Way, by_credit<Mode>>) way.act();
  REQUIRE(wait_for(way, last, patience));
  for (std::uint64_t n = 0; n < tries; ++n) {
    spin_until(sweep.next_instant(last));
    const std::int64_t published = way.act();
    if (!wait_for(way, got, patience)) {
      std::printf("lost wake-up: try %llu, published at %lld; last answer %lld, flag %lld, announced %lld\n%s\n",
                  static_cast<unsigned long long>(n), static_cast<long long>(published),
                  static_cast<long long>(last.handled), static_cast<long long>(last.flag),
                  static_cast<long long>(last.announced), rerun_command(seed).c_str());
      report(what, sweep, n + 1, seed);
      FAIL("a wake-up was lost");
    }
    sweep.learn(published, got, last);
    last = got;
  }
  report(what, sweep, tries, seed);
  if (sanitized || !b.two_cores()) {
    std::printf("  %s: the hits above are not required\n", sanitized ? "sanitizer build" : "one processor only");
    return;
  }
  for (std::size_t w = 0; w < required_windows; ++w) CHECK_MESSAGE(sweep.hits(w) * 100 >= tries, window_names[w]);
}

constexpr barrier_mode quiet_sender = barrier_mode::membarrier;
constexpr barrier_mode fences = barrier_mode::fence;

}  // namespace

TEST_CASE("no line is slept through, with membarrier") {
  sweep_around_the_park<by_line<quiet_sender>, quiet_sender>("line, membarrier", tries_of(20, 6));
}

TEST_CASE("no line is slept through, with fences") {
  sweep_around_the_park<by_line<fences>, fences>("line, fence", tries_of(40, 52));
}

TEST_CASE("no posted work is slept through, with membarrier") {
  sweep_around_the_park<by_gateway<quiet_sender>, quiet_sender>("gateway, membarrier", tries_of(5, 2));
}

TEST_CASE("no posted work is slept through, with fences") {
  sweep_around_the_park<by_gateway<fences>, fences>("gateway, fence", tries_of(15, 19));
}

TEST_CASE("no returned credit is slept through, with membarrier") {
  sweep_around_the_park<by_credit<quiet_sender>, quiet_sender>("credit, membarrier", tries_of(5, 2));
}

TEST_CASE("no returned credit is slept through, with fences") {
  sweep_around_the_park<by_credit<fences>, fences>("credit, fence", tries_of(15, 19));
}

// The canary: a wake-up that is lost must be noticed. The flag is taken back without a signal.
TEST_CASE("a lost wake-up is noticed") {
  const watchdog dog{60s};
  bench<fences> b;
  by_line<fences> way{b};
  b.start();
  answer got{};
  way.act();
  REQUIRE(wait_for(way, got, 10s));
  auto& words = b.tested().words();
  typename bench<fences>::driver::env_type env;
  // Until it sleeps, take the flag away; it may wake once more for a signal that is under way.
  for (int i = 0; i < 3; ++i) {
    while (env.load(sync::park_peek, words.attention.parked) == detail::awake) std::this_thread::yield();
    spin_until(native::now().ns + 1'000'000);
    env.exchange(sync::park_claim, words.attention.parked, detail::awake);
    way.act();
    if (!wait_for(way, got, 50ms)) return;
  }
  FAIL("the line was answered although nobody signalled");
}
