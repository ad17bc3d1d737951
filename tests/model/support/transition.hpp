// SPDX-License-Identifier: BSD-3-Clause
// One step of an execution, as the explorer chooses it: plain data, equal if it is the same step.
#pragma once

#include <cstdint>

namespace cooper::model {

enum class action : std::uint8_t {
  none,
  commit,    // a delayed store enters its word's history; detail: which store of its thread
  load,      // detail: the stamp that is read
  forward,   // a load that reads the thread's own delayed store
  exchange,  // a read-modify-write
  fence,
  heavy,    // the barrier on all threads
  pause,    // goes on after an empty turn
  now,      // reads the clock
  advance,  // moves the clock
  signal,
  wait,
  quiesce,  // nothing else can happen: all stores become visible, or time passes
  drain     // never chosen: the thread goes on by itself when enough of its stores are committed
};

struct transition {
  action what = action::none;
  std::uint8_t thread = 0;
  std::uint16_t location = 0;  // a word, or a sleeper for signal and wait
  std::uint16_t detail = 0;
  friend constexpr bool operator==(const transition&, const transition&) = default;
};

}  // namespace cooper::model
