// SPDX-License-Identifier: BSD-3-Clause
// CAF's scheduler, with one pinned CPU driver a core in place of a pool of workers.
//
//   struct config : caf::actor_system_config {
//     config() { load<cooper::actors::core_scheduler>(); }
//   };
//
// With that line an unmodified CAF program runs on the machine's cores. Every event-based actor has a home core, on
// which all its handlers run; nothing is stolen: a home changes only on that core, between two runs of the actor, when
// the placement finds that it talks mostly to another core, or that its core has too much to do (placement.hpp).
// Blocking and detached actors, scoped_actor and brokers keep the threads that CAF gives them.
//
// Settings, read from CAF's configuration (file or program):
//   cooper.cores          string "0,2-3": the hardware threads to run on, by the operating system's numbers; otherwise
//                         all that this process may use and can claim
//   cooper.placement      string: adaptive (default), spread, pack, spawner
//   cooper.poll-budget    timespan: how long an idle core polls before it sleeps; otherwise measured
//   cooper.tick           timespan: of the protocols between cores (agreement.hpp), 1 ms unless told
//   scheduler.max-threads an upper bound on the number of cores
//
// A second actor_system of one process names its own cores, or is handed a machine with run_on().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <cooper/actors/monitor.hpp>
#include <cooper/runtime/machine.hpp>

namespace cooper::actors {

class core_unit;
class system_clock;

class core_scheduler final : public caf::scheduler::abstract_coordinator {
 public:
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);

  // given: a machine that outlives the actor system and belongs to no other; null: one of its own is booted.
  explicit core_scheduler(caf::actor_system& system, machine* given = nullptr);
  ~core_scheduler() override;

  // The scheduler of a system, or null if that runs on another.
  static core_scheduler* of(caf::actor_system& system) noexcept;

  machine& on() const noexcept { return *machine_; }
  // One for each core of the machine, by core_id. Any thread.
  const std::vector<std::unique_ptr<core_unit>>& units() const noexcept { return units_; }
  // The execution unit of a core, for caf::actor_config. Errors: no_such_core, core_down.
  result<caf::execution_unit*> unit_of(core_id where) const;
  // The cores in turn, for actors that are to be spread. Any thread.
  core_id next_core() noexcept;

  // Takes a core out of service while the others run, and into it again; from a thread that is no core. Unmodified
  // actors of that core go on elsewhere. Its core actors end with errc::core_down, and every call to them ends with
  // that or with no_receiver; a request that was under way is answered with an error. Errors: as machine::down and up.
  result<void> down(core_id which, duration deadline = std::chrono::seconds{5});
  result<void> up(core_id which);

  // -- caf::actor_system::module, abstract_coordinator: called by CAF -----------------------------------------------
  // Throws std::runtime_error if there is no machine to be had; the text says what to do.
  void init(caf::actor_system_config& cfg) override;
  void start() override;
  void stop() override;
  // Any thread: runs `what` at its home.
  void enqueue(caf::resumable* what) override;
  caf::actor_clock& clock() noexcept override;
  bool detaches_utility_actors() const override { return false; }

  // For this module: the home of an actor that is to run, chosen if it has none. The caller has unblocked its mailbox
  // or launches it, and so may look at it.
  core_unit& home_of(caf::resumable& what);
  // Runs `work` on a core, from any thread. False: the machine or that core takes nothing any more.
  bool post(core_unit& where, std::function<void()> work);
  // The same on the first core in service.
  bool post_anywhere(const std::function<void(core_unit&)>& work);
  // What is to run has a home that is down.
  void home_is_gone(caf::resumable* what);
  std::size_t messages_per_run() const noexcept;
  duration tick() const noexcept;
  // The monitors of the cores in service, in their order; of one core, or none. Any thread.
  std::vector<caf::actor> monitors() const;
  caf::actor monitor_of(core_id which) const;

 private:
  result<void> boot();
  result<void> leave(core_unit& unit, duration deadline);
  void stop_actors_by_hand();
  void start_monitor(core_unit& unit);
  void announce(core_event event);
  static void look_at_newcomer(core_unit* here, caf::resumable* what);
  core_unit& next_in_turn();

  struct settings;
  std::unique_ptr<settings> settings_;
  std::unique_ptr<machine> own_;
  machine* machine_;
  // sync(scheduler.stopped) release <-> scheduler.stopped: what came before the stop.
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> turn_{0};
  std::vector<std::unique_ptr<core_unit>> units_;
  std::unique_ptr<system_clock> clock_;
  mutable std::mutex monitors_mutex_;
  std::vector<caf::actor> monitors_;  // by core
};

// How many asynchronous CAF messages between cores a system has refused for want of room. Any thread.
std::uint64_t parcels_refused(caf::actor_system& system);

// As caf::actor_system::await_all_actors_done(), also for a thread that is itself a core of the system: it makes its
// core's turns meanwhile. Such a thread calls it before the system's end, which waits without turning:
//
//   options.stepped = {core_id{0}};                        // of machine::boot
//   m->adopt(core_id{0});                                  // this thread is core 0
//   run_on(cfg, *m); caf::actor_system system{cfg}; ...    // spawn
//   await_all_actors_done(system);
void await_all_actors_done(caf::actor_system& system);

// Has the system that is made from cfg run on `m`. In place of cfg.load<core_scheduler>().
void run_on(caf::actor_system_config& cfg, machine& m);

}  // namespace cooper::actors
