// SPDX-License-Identifier: BSD-3-Clause
// What a burst of lines costs its sender and its receiver, through two CPU drivers, and what an idle turn takes.
//
// The receiver's driver is held in a job while the sender fills the ring, so that sending is timed alone; then it is
// let go, and drains them all in one turn, alone. A longer burst goes to a receiver that takes the lines as they come.
#pragma once

#include <cstdint>
#include <memory>

#include "support/driver_rig.hpp"

namespace cooper::bench {

// Nanoseconds.
struct burst_times {
  double send = 0;    // a line, to a receiver that does not look; each after the first few
  double beside = 0;  // a line, to a receiver that takes them meanwhile
  double drain = 0;   // a line, until its handler; each after the first
};

class burst_probe {
 public:
  // Lines that count as few; and as many as a ring of 32 has room for whenever its receiver has taken all: credit comes
  // back for every eight, so up to seven may be owed.
  static constexpr unsigned few = 8, all = 24;
  static constexpr unsigned many = 500;

  // On the rig's first two cores. Errors: those of core::open.
  static result<std::unique_ptr<burst_probe>> make(driver_rig& rig);
  ~burst_probe();
  // Medians of many bursts.
  burst_times measure();
  // Nanoseconds that a turn of an idle driver takes.
  double idle_turn();
  // ... that a line to the same core takes until its handler, which does nothing, has sent the next.
  double dispatch(std::size_t member);

 private:
  explicit burst_probe(driver_rig& rig);
  struct state;
  driver_rig& rig_;
  std::unique_ptr<state> state_;
};

}  // namespace cooper::bench
