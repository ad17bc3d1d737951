// SPDX-License-Identifier: BSD-3-Clause
// The machine: one CPU driver per chosen core, native or simulated, behind one interface.
//
//   auto m = machine::boot(*topology::discover(), {});            // or machine::simulate(topology, {})
//   m->post(core_id{0}, [](core& here) { ... });
//   m->run();                                                     // until somebody calls request_stop()
//   m->stop(5s);
//
// Members may be called from any thread that is not a driver of this machine, unless they say otherwise.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cooper/runtime/core.hpp>
#include <cooper/runtime/faults.hpp>
#include <cooper/runtime/profile.hpp>
#include <cooper/runtime/topology.hpp>

namespace cooper {

// Everything that can be chosen at boot. Defaults suit a process that has its cores to itself.
struct machine_options {
  // Cores of the topology to run on, in order; they become core_id 0, 1, ... Empty: all that this process may use.
  std::vector<core_id> cores;
  // Lets a core be named more than once; drivers that share a hardware thread never poll.
  bool allow_oversubscription = false;
  // Claim the cores by file lock, so that two processes do not share one unknowingly. Without a list, cores that
  // another process holds are left out; a named core that is held is an error that says by whom.
  bool claim = true;
  // Pin each driver to its hardware thread.
  bool pin = true;
  // How long an idle driver polls before it parks. Empty: adaptive, from the measured cost of a wake-up.
  std::optional<duration> poll_budget;
  // An I/O completion waits at most this long behind messages.
  duration io_interval = std::chrono::microseconds{10};
  // Use sequentially consistent fences even where membarrier(2) is available.
  bool force_fence = false;
  // Cores of ours (core_id 0, 1, ...) whose turns the caller makes with poll_once(), on a thread of its own.
  std::vector<core_id> stepped;
  // A driver that stays in one handler longer than this is reported, with the endpoint. Zero: never.
  duration stall_after = std::chrono::seconds{1};
  // Answer on a socket below $XDG_RUNTIME_DIR/cooper/.
  bool control_socket = true;
  bool trace = false;  // record events from the start
  // Where the flight recorder leaves its file if this process crashes. Empty: no recorder, no signal handlers.
  std::string crash_directory = "/tmp";
  std::size_t overflow_bound = 1024;  // lines that may wait per core and lane
  std::size_t buffer_bytes = 64 * 1024;
  std::size_t buffers_per_core = 256;
  // Above this many bound peers a core asks its senders for ready hints instead of looking at every ring.
  std::size_t hint_threshold = 8;
};

// The simulated machine: one thread, virtual clocks, what things cost from a profile, faults as data.
struct simulation_options {
  std::vector<core_id> cores;  // as above
  std::uint64_t seed = 1;
  // Which of n cores whose turns are due at the same time goes first: below n. Empty: the seed decides.
  std::function<std::size_t(std::size_t n)> choose;
  profile costs = profile::uniform();
  std::vector<fault> faults;
  // The core at whose memory node all channels' memory is. Empty: each ring's is at its receiver's.
  std::optional<core_id> channel_memory;
  // How long an idle core polls before it parks. Empty: as long as a wake-up costs.
  std::optional<duration> poll_budget;
  std::size_t overflow_bound = 1024;
  std::size_t buffer_bytes = 64 * 1024;
  std::size_t buffers_per_core = 256;
  std::size_t hint_threshold = 8;
};

enum class core_state : std::uint8_t { down, running, parked, closing };

// What is known about a core from outside, at a glance.
struct core_status {
  core_id id;
  unsigned pu_index;
  core_state state;
  bool pinned;
  std::uint64_t turns;
  // The endpoint whose handler runs now, and for how long; empty between handlers.
  std::optional<std::uint32_t> busy_endpoint;
  duration busy_for{};
};

class machine {
 public:
  // Errors: no_cores, no_such_core, core_not_allowed, duplicate_core, oversubscribed, core_claimed, claim_failed,
  // thread_failed. What could not be had but is not needed (pinning, membarrier, the socket) is in lost().
  static result<std::unique_ptr<machine>> boot(const topology& where, machine_options options);
  // Errors: no_cores, no_such_core, duplicate_core, bad_option.
  static result<std::unique_ptr<machine>> simulate(const topology& where, simulation_options options);

  virtual ~machine() = default;
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  virtual const topology& where() const = 0;
  virtual std::size_t core_count() const = 0;
  virtual bool simulated() const = 0;
  // One sentence for each thing that this machine does without.
  virtual const std::vector<std::string>& lost() const = 0;

  // Runs `work` on a core, soon; through its gateway. Waits while the gateway is full. Errors: no_such_core, core_down,
  // stopped. Also from a driver of this machine: then it never waits, and may say queue_full.
  virtual result<void> post(core_id where, std::function<void(core&)> work) = 0;
  // As post, and returns when `work` has returned. Not from a driver.
  virtual result<void> call(core_id where, std::function<void(core&)> work) = 0;

  // Returns when request_stop() has been called (native), or when it was or nothing is left to happen (simulated).
  virtual void run() = 0;
  virtual void request_stop() = 0;  // any thread, drivers included

  // By hand. Simulated: one turn of the core whose clock is earliest (the seed decides between equals); false: nothing
  // is left to happen by `until`. Real: one turn of each core that the calling thread has adopted; false: there was
  // nothing to do.
  virtual bool step(instant until = never) = 0;
  // The cores whose turns the calling thread makes: those that it has adopted, or all of a simulated machine.
  virtual std::vector<core_id> adopted() = 0;
  // Simulated only: turns until nothing is left to happen by then; no clock shows less afterwards.
  virtual void run_until([[maybe_unused]] instant until) {}
  // The latest of the cores' virtual clocks.
  virtual instant now() const { return {}; }

  // Takes one core out of service while the rest runs: its peers stop sending, what is under way is delivered, its
  // rings are closed. Errors: no_such_core, core_down, last_core, stop_timeout (naming who did not answer).
  virtual result<void> down(core_id which, duration deadline = std::chrono::seconds{5}) = 0;
  virtual result<void> up(core_id which) = 0;

  // Stops every driver in order: each finishes what it has. stop_timeout names the cores whose handlers do not return;
  // stop may then be called again. The destructor stops, and waits for ever.
  virtual result<void> stop(duration deadline = std::chrono::seconds{5}) = 0;

  // A core to step by hand, one of options.stepped; the calling thread becomes its driver. On a simulated machine any.
  virtual result<core*> adopt(core_id which) = 0;

  virtual std::vector<core_status> status() const = 0;
  // Numbers that a layer above knows of a core, by name: they become part of the status that a running process tells.
  // `more` is called from any thread until it is replaced; an empty function takes it away, and describe_cores returns
  // when none of its calls is under way.
  using core_numbers = std::vector<std::pair<std::string, std::uint64_t>>;
  void describe_cores(std::function<core_numbers(core_id)> more) {
    const std::lock_guard lock{describe_mutex_};
    describe_ = std::move(more);
  }
  core_numbers numbers_of(core_id which) const {
    const std::lock_guard lock{describe_mutex_};
    return describe_ ? describe_(which) : core_numbers{};
  }
  virtual std::string prometheus() const = 0;  // metrics, text exposition format
  virtual void set_tracing(bool on) = 0;
  virtual std::string chrome_trace() const = 0;  // what the rings hold now, Chrome JSON

 protected:
  machine() = default;

 private:
  mutable std::mutex describe_mutex_;
  std::function<core_numbers(core_id)> describe_;
};

}  // namespace cooper
