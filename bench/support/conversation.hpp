// SPDX-License-Identifier: BSD-3-Clause
// Conversations between cores that can be had on a real and on a simulated machine: what one measures the other
// predicts, with the same code.
//
// A conversation is made on a machine, begins when it is told how many operations to do, and crosses its line when they
// are done, with the time that they took by the clock of the core that counts them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>

#include <caf/all.hpp>

#include <cooper/runtime/machine.hpp>
#include <cooper/runtime/native_environment.hpp>

namespace cooper::bench {

// What a core tells the thread that measures.
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

// A count of operations after a short warm-up, and their time. On one core, in its handlers.
class timed_count {
 public:
  explicit timed_count(finish_line& line) : line_{line} {}
  void begin(std::uint64_t count) {
    warm_up_ = count / 50 + 4;
    left_ = count + warm_up_;
  }
  // Before each operation: false if there is none left, and the line is crossed.
  bool next() {
    if (warm_up_-- == 0) begun_ = now();
    if (left_-- != 0) return true;
    line_.cross(static_cast<double>((now() - begun_).count()));
    return false;
  }
  std::uint64_t left() const { return left_; }

 private:
  // A thread of CAF's own is no core.
  static instant now() {
    core* here = core::current();
    return here != nullptr ? here->now() : native::now();
  }

  finish_line& line_;
  std::uint64_t warm_up_ = 0, left_ = 0;
  instant begun_{};
};

// In lines, between endpoints. It must outlive the machine's use of it: the machine stops first.
class conversation {
 public:
  conversation() = default;
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;
  virtual ~conversation() = default;
  // The thread that measures; what follows goes on by itself.
  virtual void begin(std::uint64_t count) = 0;
  // Whether all that was said arrived whole.
  virtual bool intact() const = 0;
  finish_line line;
};
// An endpoint on a core. Errors: as machine::call and core::open.
result<address> open_on(machine& on, std::size_t core, line_handler handler, void* self);
// Errors: those of open_on.
using conversation_maker = std::function<result<std::unique_ptr<conversation>>(machine&)>;

// Between two actors; the first is told how many operations to do.
struct actor_pair {
  caf::actor one, other;
};
struct actor_conversation {
  std::size_t cores = 2;
  std::string placement = "adaptive";  // of actors that may move
  std::function<actor_pair(caf::actor_system&, finish_line&)> spawn;
  std::function<void(const caf::actor& one, std::uint64_t count)> start;
};

// On a simulated machine with so many cores of `where`: the nanoseconds of virtual time that an operation takes.
// Errors: those of machine::simulate; stopped (nothing is left to happen, and the conversation is not over).
result<double> simulate(const conversation_maker& make, const topology& where, simulation_options options,
                        std::uint64_t count);
result<double> simulate(const actor_conversation& what, const topology& where, simulation_options options,
                        std::uint64_t count);

}  // namespace cooper::bench
