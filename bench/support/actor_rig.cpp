// SPDX-License-Identifier: BSD-3-Clause
#include "support/actor_rig.hpp"

#include <pthread.h>
#include <sched.h>
#include <atomic>
#include <string_view>

#include "support/measure.hpp"
#include "support/pinning.hpp"

namespace cooper::bench {

result<std::unique_ptr<actor_rig>> actor_rig::boot(const run& r, std::size_t cores, const std::string& placement) {
  auto drivers = driver_rig::boot(r, cores);
  if (!drivers) return drivers.error();
  auto rig = std::unique_ptr<actor_rig>{new actor_rig{std::move(*drivers)}};
  caf::put(rig->config_.content, "cooper.placement", placement);
  actors::run_on(rig->config_, rig->rig_->home());
  rig->system_ = std::make_unique<caf::actor_system>(rig->config_);
  return rig;
}

actor_rig::~actor_rig() { system_.reset(); }

starting_on::starting_on(unsigned cpu) {
  // A mask as large as any kernel's.
  before_.resize(8192 / 8);
  if (::sched_getaffinity(0, before_.size(), reinterpret_cast<cpu_set_t*>(before_.data())) != 0) before_.clear();
  static_cast<void>(pin_this_thread(cpu));
}

starting_on::~starting_on() {
  if (before_.empty()) return;
  static_cast<void>(::sched_setaffinity(0, before_.size(), reinterpret_cast<cpu_set_t*>(before_.data())));
}

namespace {

// Pins each worker to the core of its number, when it starts.
class pin_workers final : public caf::thread_hook {
 public:
  explicit pin_workers(std::vector<unsigned> cpus) : cpus_{std::move(cpus)} {}
  void init(caf::actor_system&) override {}
  void thread_started() override {
    // CAF tells no more than that a thread has started. Its workers go by this name (scheduler/worker.hpp).
    char name[16] = {};
    if (::pthread_getname_np(::pthread_self(), name, sizeof name) != 0 || std::string_view{name} != "caf.multiplexer")
      return;
    // sync(bench.worker) relaxed: which worker gets which core does not matter.
    const std::size_t n = next_.fetch_add(1, std::memory_order_relaxed);
    if (n < cpus_.size()) static_cast<void>(pin_this_thread(cpus_[n]));
  }
  void thread_terminates() override {}

 private:
  std::vector<unsigned> cpus_;
  std::atomic<std::size_t> next_{0};
};

struct stock_config : caf::actor_system_config {
  stock_config(const run& r, std::size_t workers) {
    caf::put(content, "scheduler.max-threads", workers);
    std::vector<unsigned> cpus;
    for (std::size_t i = 0; i < workers; ++i) cpus.push_back(r.cpu(i));
    add_thread_hook<pin_workers>(std::move(cpus));
  }
};

}  // namespace

stock_rig::stock_rig(const run& r, std::size_t workers)
    : config_{std::make_unique<stock_config>(r, workers)}, system_{std::make_unique<caf::actor_system>(*config_)} {}

void sample_conversation(run& r, actor_rig& rig, const std::function<void(std::uint64_t)>& start, finish_line& line,
                         row& into) {
  const timed_operations operations = [&](std::uint64_t count) {
    start(count);
    return line.wait();
  };
  sampling_plan plan = r.plan();
  plan.with_floor = rig.drivers().size() > 1;
  sample_windows(rig.drivers(), r.floor(), operations, {}, plan, into);
}

void sample_apart(run& r, const std::function<void(std::uint64_t)>& start, finish_line& line, row& into) {
  std::counting_semaphore<> over{0};
  r.threads().lead([&](session& on) {
    const timed_operations operations = [&](std::uint64_t count) {
      double ns = 0;
      on.run([&](std::size_t member) {
        if (member != 0) return over.acquire();
        start(count);
        ns = line.wait();
        over.release(static_cast<std::ptrdiff_t>(on.size()) - 1);
      });
      return ns;
    };
    sample_windows(on, r.floor(), operations, {}, r.plan(), into);
  });
}

row measure_on_drivers(run& r, row out, const actor_conversation& what) {
  auto rig = actor_rig::boot(r, what.cores, what.placement);
  if (!rig) {
    explain_failure(out, rig.error());
    return out;
  }
  finish_line line;
  caf::actor_system& system = (*rig)->system();
  {
    const actor_pair two = what.spawn(system, line);
    sample_conversation(
        r, **rig, [&](std::uint64_t count) { what.start(two.one, count); }, line, out);
    caf::anon_send_exit(two.one, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(two.other, caf::exit_reason::user_shutdown);
  }
  system.await_all_actors_done();
  return out;
}

}  // namespace cooper::bench
