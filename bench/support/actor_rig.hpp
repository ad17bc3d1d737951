// SPDX-License-Identifier: BSD-3-Clause
// Actor systems as the subjects of a measurement: on the drivers of a rig, or CAF's own on pinned threads.
//
// A conversation is started by a message that holds a count and ends with done(ns); between, the floor runs as a job of
// the same drivers, or on a team whose threads sleep while CAF's run.
#pragma once

#include <functional>
#include <memory>
#include <semaphore>
#include <string>

#include <caf/all.hpp>

#include <cooper/actors/spawn.hpp>
#include <cooper/runtime/native_environment.hpp>
#include "support/driver_rig.hpp"

namespace cooper::bench {

// What an actor tells the thread that measures.
struct finish_line {
  std::binary_semaphore reached{0};
  double ns = 0;
  void cross(double spent) {
    ns = spent;
    reached.release();
  }
  double wait() {
    reached.acquire();
    return ns;
  }
};

// A conversation of `count` operations after a short warm-up, and its time.
class timed_count {
 public:
  explicit timed_count(finish_line& line) : line_{line} {}
  void begin(std::uint64_t count) {
    warm_up_ = count / 50 + 4;
    left_ = count + warm_up_;
  }
  // Before each operation: false if there is none left, and the line is crossed.
  bool next() {
    if (warm_up_-- == 0) begun_ = native::now();
    if (left_-- != 0) return true;
    line_.cross(static_cast<double>((native::now() - begun_).count()));
    return false;
  }
  std::uint64_t left() const { return left_; }

 private:
  finish_line& line_;
  std::uint64_t warm_up_ = 0, left_ = 0;
  instant begun_{};
};

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

// Two actors on the drivers of a rig: boots it, has `spawn` bring them up, samples conversations that `start` begins
// with the first of them, ends them. Gives the row back; one whose rig could not be booted says why.
struct actor_pair {
  caf::actor one, other;
};
row measure_on_drivers(run& r, row out, std::size_t cores, const std::string& placement,
                       const std::function<actor_pair(caf::actor_system&, finish_line&)>& spawn,
                       const std::function<void(const caf::actor&, std::uint64_t)>& start);

// Windows on an actor rig: `start` begins a conversation of so many operations, `line` tells when it is over.
void sample_conversation(run& r, actor_rig& rig, const std::function<void(std::uint64_t)>& start, finish_line& line,
                         row& into);
// The same for threads that are not ours: the team's sleep meanwhile. Both sleep on semaphores, not on the cores.
void sample_apart(run& r, const std::function<void(std::uint64_t)>& start, finish_line& line, row& into);

}  // namespace cooper::bench
