// SPDX-License-Identifier: BSD-3-Clause
#include "simulated/bursts.hpp"

#include <algorithm>
#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

#include <cooper/runtime/native_environment.hpp>

#include "support/message.hpp"
#include "support/statistics.hpp"

namespace cooper::bench {
namespace {

struct payload {
  std::uint64_t word[payload_words];
};
constexpr unsigned bursts = 50, warm_up = 10;
enum class receiver : std::uint8_t { held, looks };
constexpr duration idle_watched{std::chrono::microseconds{200}};

double middle(std::vector<double>& all) {
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), at, all.end());
  return *at;
}

// What reading the clock twice takes.
double clock_ns() {
  std::vector<double> all;
  for (int i = 0; i < 200; ++i) {
    const instant a = native::now();
    all.push_back(static_cast<double>((native::now() - a).count()));
  }
  return middle(all);
}

}  // namespace

// The cores share no line of it while lines go from one to the other.
struct burst_probe::state {
  address to;
  alignas(destructive_bytes) unsigned expected = 0;
  alignas(destructive_bytes) std::uint64_t got = 0;
  std::uint64_t sum = 0;
  instant first{}, last{};
  struct alignas(destructive_bytes) flag {
    std::atomic<bool> value{false};
  } held, go, drained;

  static void handle(void* object, core&, const line_view& line) {
    auto& me = *static_cast<state*>(object);
    if (me.got == 0) me.first = native::now();
    me.sum += bench::sum(line.as<payload>().word);
    if (++me.got != me.expected) return;
    me.last = native::now();
    // sync(bench.drained) release <-> bench.drained_seen: the times.
    me.drained.value.store(true, std::memory_order_release);
  }

  // Nanoseconds that sending took.
  double burst(core& here, unsigned lines, receiver is) {
    got = 0;
    expected = lines;
    for (flag* each : {&held, &go, &drained}) {
      // sync(bench.burst) relaxed: the post that follows orders it.
      each->value.store(false, std::memory_order_relaxed);
    }
    const auto hold = [this](core&) {
      // sync(bench.held) release <-> bench.held_seen: the receiver looks at nothing else any more.
      held.value.store(true, std::memory_order_release);
      // sync(bench.go_seen) acquire <-> bench.go: the burst is sent.
      while (!go.value.load(std::memory_order_acquire)) {}
    };
    while (is == receiver::held && !here.home().post(core_id{1}, hold)) {}
    // sync(bench.held_seen) acquire <-> bench.held: the receiver does not look.
    while (is == receiver::held && !held.value.load(std::memory_order_acquire)) {}
    const instant begin = native::now();
    for (unsigned i = 0; i < lines; ++i) {
      payload p;
      fill(p.word, i);
      while (here.send(to, 0, p) == send_result::full) {}
    }
    const auto ns = static_cast<double>((native::now() - begin).count());
    // sync(bench.go) release <-> bench.go_seen: the burst is sent.
    go.value.store(true, std::memory_order_release);
    // sync(bench.drained_seen) acquire <-> bench.drained: the times.
    while (!drained.value.load(std::memory_order_acquire)) {}
    return ns;
  }
};

burst_probe::burst_probe(driver_rig& rig) : rig_{rig}, state_{std::make_unique<state>()} {}
burst_probe::~burst_probe() = default;

result<std::unique_ptr<burst_probe>> burst_probe::make(driver_rig& rig) {
  auto made = std::unique_ptr<burst_probe>{new burst_probe{rig}};
  result<address> at = error{errc::stopped};
  rig.call(1, [&](core& here) { at = here.open(state::handle, made->state_.get()); });
  if (!at) return at.error();
  made->state_->to = *at;
  // The channel is bound in later turns.
  rig.call(0, [&](core& here) {
    made->state_->expected = few;
    for (unsigned i = 0; i < few; ++i) static_cast<void>(here.post(made->state_->to, 0, payload{}));
  });
  // sync(bench.drained_seen) acquire <-> bench.drained: the times.
  while (!made->state_->drained.value.load(std::memory_order_acquire)) std::this_thread::yield();
  return made;
}

// All of it is led by the sender's core: a thread that slept meanwhile would have to win a core from the drivers.
burst_times burst_probe::measure() {
  std::vector<double> few_sent, all_sent, long_sent, drained;
  rig_.call(0, [&](core& here) {
    const double clock = clock_ns();
    for (unsigned b = 0; b < warm_up + bursts; ++b) {
      const double few_ns = state_->burst(here, few, receiver::held) - clock;
      const double all_ns = state_->burst(here, all, receiver::held) - clock;
      const auto drained_in = static_cast<double>((state_->last - state_->first).count()) - clock;
      const double long_ns = state_->burst(here, many, receiver::looks) - clock;
      if (b < warm_up) continue;
      few_sent.push_back(few_ns);
      all_sent.push_back(all_ns);
      long_sent.push_back(long_ns);
      drained.push_back(drained_in);
    }
  });
  return {.send = (middle(all_sent) - middle(few_sent)) / (all - few),
          .beside = middle(long_sent) / many,
          .drain = middle(drained) / (all - 1)};
}

double burst_probe::idle_turn() {
  double ns = 0;
  rig_.call(0, [&](core& here) {
    const auto turns = [&here] { return here.home().status()[1].turns; };
    const std::uint64_t before = turns();
    const instant begin = native::now();
    while (native::now() - begin < idle_watched) {}
    const std::uint64_t made = std::max<std::uint64_t>(turns() - before, 1);
    ns = static_cast<double>((native::now() - begin).count()) / static_cast<double>(made);
  });
  return ns;
}

double burst_probe::dispatch(std::size_t member) {
  // Handed on by a handler that does nothing else.
  struct runner {
    address self;
    std::uint64_t left = 20'000;
    instant begin{}, end{};
    std::binary_semaphore over{0};
    static void handle(void* object, core& here, const line_view&) {
      auto& me = *static_cast<runner*>(object);
      if (--me.left != 0) return static_cast<void>(here.send_words(me.self, 0, lane::request, nullptr, 0));
      me.end = native::now();
      me.over.release();
    }
  } run;
  const std::uint64_t lines = run.left;
  rig_.post(member, [&](core& here) {
    const auto at = here.open(runner::handle, &run);
    if (!at) return run.over.release();
    run.self = *at;
    run.begin = native::now();
    static_cast<void>(here.send_words(run.self, 0, lane::request, nullptr, 0));
  });
  // Its lines go on in later turns, in which nothing else happens.
  run.over.acquire();
  rig_.call(member, [&](core& here) { here.close(run.self); });
  return static_cast<double>((run.end - run.begin).count()) / static_cast<double>(lines);
}

}  // namespace cooper::bench
