// SPDX-License-Identifier: BSD-3-Clause
// The three kinds of machine that one set of test bodies runs on, and what those bodies need to talk to them.
//
// Bodies end a conversation with request_stop() in a handler, and wait for it with machine::run(): a real machine
// returns when it was asked, a simulated one also when nothing is left to happen. No body sleeps.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <cooper/runtime/core.hpp>
#include <cooper/runtime/machine.hpp>
#include <cooper/runtime/metrics.hpp>
#include "watchdog.hpp"

namespace cooper::test {

// What the bodies choose; the rest is the default.
struct setup {
  std::size_t overflow_bound = 1024;
  std::size_t hint_threshold = 8;
  std::size_t buffers_per_core = 64;
  bool trace = false;
};

// Native options for `count` drivers: on cores of their own as far as this machine has them.
inline machine_options native_options(std::size_t count, const setup& s = {}) {
  machine_options options;
  options.claim = false;
  options.control_socket = false;
  options.crash_directory.clear();
  options.stall_after = duration::zero();
  options.overflow_bound = s.overflow_bound;
  options.hint_threshold = s.hint_threshold;
  options.buffers_per_core = s.buffers_per_core;
  options.buffer_bytes = 4096;
  options.trace = s.trace;
  const auto here = topology::discover();
  REQUIRE(here);
  const std::vector<core_id> allowed = here->allowed_cores();
  REQUIRE_FALSE(allowed.empty());
  for (std::size_t i = 0; i < count; ++i) options.cores.push_back(allowed[i % allowed.size()]);
  options.allow_oversubscription = count > allowed.size();
  return options;
}

inline std::unique_ptr<machine> boot(machine_options options) {
  auto made = machine::boot(*topology::discover(), std::move(options));
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
  return std::move(*made);
}

struct membarrier_cores {
  static constexpr bool native = true;
  static std::unique_ptr<machine> make(std::size_t count, const setup& s = {}) {
    return boot(native_options(count, s));
  }
};

struct fence_cores {
  static constexpr bool native = true;
  static std::unique_ptr<machine> make(std::size_t count, const setup& s = {}) {
    machine_options options = native_options(count, s);
    options.force_fence = true;
    return boot(std::move(options));
  }
};

struct simulated_cores {
  static constexpr bool native = false;
  static std::unique_ptr<machine> make(std::size_t count, const setup& s = {}) {
    simulation_options options;
    options.seed = seed_or(1);
    options.overflow_bound = s.overflow_bound;
    options.hint_threshold = s.hint_threshold;
    options.buffers_per_core = s.buffers_per_core;
    options.buffer_bytes = 4096;
    auto made = machine::simulate(*topology::from_synthetic("pu:" + std::to_string(count)), options);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
    if (s.trace) (*made)->set_tracing(true);
    return std::move(*made);
  }
};

// An endpoint's handler as a function object; it lives in the test, and is touched on its core only.
struct inbox {
  std::function<void(core&, const line_view&)> on_line;
  static void handle(void* self, core& here, const line_view& line) { static_cast<inbox*>(self)->on_line(here, line); }
};

inline void on(machine& m, std::size_t where, std::function<void(core&)> work) {
  const auto done = m.call(core_number(where), std::move(work));
  REQUIRE_MESSAGE(done, (done ? "" : done.error().message()));
}

// What `ask` finds on a core, there and then.
template <class F>
auto ask(machine& m, std::size_t where, F question) {
  std::optional<decltype(question(std::declval<core&>()))> answer;
  on(m, where, [&](core& here) { answer.emplace(question(here)); });
  return std::move(*answer);
}

inline address open_on(machine& m, std::size_t where, inbox& box) {
  return ask(m, where, [&](core& here) { return *here.open(inbox::handle, &box); });
}

// Asks again and again until the answer is yes; a watchdog ends what never becomes so.
template <class F>
void wait_until(machine& m, std::size_t where, F question) {
  while (!ask(m, where, question)) std::this_thread::yield();
}

// Until the channel from one core to another is bound.
inline void bind(machine& m, std::size_t from, std::size_t to) {
  on(m, from,
     [&](core& here) { here.when_writable(core_number(to), lane::request, [&here] { here.home().request_stop(); }); });
  m.run();
}

// Keeps a real core in one job until release(): it drains nothing. A simulated core makes no turn while another
// core's job runs, which has the same effect for what that one job sends.
class held_core {
 public:
  held_core(machine& m, std::size_t where) {
    if (m.simulated()) return;
    state_ = std::make_shared<state>();
    REQUIRE(m.post(core_number(where), [s = state_](core&) {
      s->entered.store(true);
      while (!s->released.load()) std::this_thread::yield();
    }));
    while (!state_->entered.load()) std::this_thread::yield();
  }
  ~held_core() { release(); }
  held_core(const held_core&) = delete;
  held_core& operator=(const held_core&) = delete;
  void release() {
    if (state_) state_->released.store(true);
  }

 private:
  struct state {
    std::atomic<bool> entered{false}, released{false};
  };
  std::shared_ptr<state> state_;
};

struct number {
  std::uint64_t value = 0;
};

}  // namespace cooper::test

#define COOPER_ALL_MACHINES cooper::test::membarrier_cores, cooper::test::fence_cores, cooper::test::simulated_cores
#define COOPER_REAL_MACHINES cooper::test::membarrier_cores, cooper::test::fence_cores

TYPE_TO_STRING(cooper::test::membarrier_cores);
TYPE_TO_STRING(cooper::test::fence_cores);
TYPE_TO_STRING(cooper::test::simulated_cores);
