// SPDX-License-Identifier: BSD-3-Clause
// Actor systems as the subjects of a measurement: on the drivers of a rig, or CAF's own on pinned threads.
//
// A conversation is started by a message that holds a count and ends with done(ns); between, the floor runs as a job of
// the same drivers, or on a team whose threads sleep while CAF's run.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <caf/all.hpp>

#include <cooper/actors/spawn.hpp>
#include <cooper/runtime/native_environment.hpp>
#include "support/conversation.hpp"
#include "support/driver_rig.hpp"

namespace cooper::bench {

// A drop-in or core actor system on the drivers of a rig. The drivers poll and never park.
class actor_rig {
 public:
  static result<std::unique_ptr<actor_rig>> boot(const run& r, std::size_t cores,
                                                 const std::string& placement = "adaptive");
  ~actor_rig();

  caf::actor_system& system() { return *system_; }
  driver_rig& drivers() { return *rig_; }

 private:
  explicit actor_rig(std::unique_ptr<driver_rig> rig) : rig_{std::move(rig)} {}

  std::unique_ptr<driver_rig> rig_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

// CAF's own scheduler with this many workers, pinned to the run's first cores, one each.
class stock_rig {
 public:
  stock_rig(const run& r, std::size_t workers);
  caf::actor_system& system() { return *system_; }

 private:
  std::unique_ptr<caf::actor_system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
};

// Threads that are started in this scope begin on one core (they inherit the affinity).
class starting_on {
 public:
  explicit starting_on(unsigned cpu);
  ~starting_on();
  starting_on(const starting_on&) = delete;
  starting_on& operator=(const starting_on&) = delete;

 private:
  std::vector<unsigned char> before_;
};

// A conversation on the drivers of a rig: boots it, has the actors brought up, samples, ends them. Gives the row back;
// one whose rig could not be booted says why.
row measure_on_drivers(run& r, row out, const actor_conversation& what);

// Windows on an actor rig: `start` begins a conversation of so many operations, `line` tells when it is over.
void sample_conversation(run& r, actor_rig& rig, const std::function<void(std::uint64_t)>& start, finish_line& line,
                         row& into);
// The same for threads that are not ours: the team's sleep meanwhile. Both sleep on semaphores, not on the cores.
void sample_apart(run& r, const std::function<void(std::uint64_t)>& start, finish_line& line, row& into);

}  // namespace cooper::bench
