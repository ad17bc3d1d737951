// SPDX-License-Identifier: BSD-3-Clause
// Which core touched which line of memory, and whether it might: the table of the footprint check.
//
// For each line, and each core, it keeps the last access of each kind with the code that made it. An access is compared
// with what the other cores have left there. Two accesses of two cores are a violation unless
//
//   R1  both read;
//   R2  both are atomic, and at most one writes: a word with one writer; or one reads constants beside such a word;
//   R3  the other core has let go of the line since (let_go), or an item that it pushed afterwards has been popped by
//       this core (push, pop), also by way of others: a vector clock, whose only edges are these;
//   R4  the line is declared (cooper/runtime/footprint.hpp), and its rule allows it.
//
// Threads that are no core (boot, tests, whoever looks) are not judged, ThreadSanitizer does that: what they write is
// nobody's afterwards, and what they push hands over all that was touched until then.
//
// Any thread; a spin lock a line. It uses no template of the standard library that instrumented code uses too: the
// linker keeps one copy of such, and it could be ours, which reports nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cooper/runtime/footprint.hpp>

namespace cooper::footprint {

inline constexpr std::size_t core_max = 4;
inline constexpr unsigned no_core = 0xff;

enum class access : std::uint8_t { plain_read, plain_write, atomic_read, atomic_write };
inline constexpr std::size_t access_count = 4;

// The code that touched: the place itself, and from where its function was called.
struct place {
  std::uintptr_t at = 0;
  std::uintptr_t called_from = 0;
};

struct touch {
  std::uint32_t when = 0;   // by the clock of its core; 0: never
  std::uint32_t words = 0;  // which of the line's eight words, one bit each
  place where;
};

struct party {
  unsigned core = no_core;
  access how{};
  touch what;
};

struct violation {
  std::uintptr_t line = 0;
  party before, now;
};

class lines {
 public:
  // Room for that many lines, a power of two. Memory is used as they are touched, and again when they are freed.
  explicit lines(std::size_t line_count);
  ~lines();
  lines(const lines&) = delete;
  lines& operator=(const lines&) = delete;

  // `releases`: an atomic write that publishes what was written before.
  void touched(unsigned core, std::uintptr_t address, std::size_t bytes, access how, place where,
               bool releases = false);
  // Nobody has touched it yet: allocated or freed.
  void fresh(std::uintptr_t address, std::size_t bytes);

  void declare(std::uintptr_t address, std::size_t bytes, rule what);
  void let_go(unsigned core, std::uintptr_t address, std::size_t bytes);
  void push(unsigned core, std::uintptr_t item);
  void pop(unsigned core, std::uintptr_t item);
  // A core's new thread knows all that has been before it.
  void start(unsigned core);

  // What was found since the last call, each pair of places once; at most `room`. Returns how many.
  std::size_t take(violation* out, std::size_t room);

 private:
  struct entry;
  struct clocks {
    std::uint32_t of[core_max];
  };
  static constexpr std::size_t item_max = 16 * 1024;
  static constexpr std::size_t violation_max = 1024;

  entry* lock_of(std::uintptr_t line, bool make);
  void enter(std::uintptr_t line);
  void judge(entry& e, unsigned core, std::uint32_t words, access how, place where);
  void report(const violation& found);
  clocks everything();

  entry* entries_;
  unsigned entering_ = 0;
  std::size_t mask_;

  std::uint32_t epoch_[core_max];  // of each core, from 1; moved on by whoever pushes for it
  clocks seen_[core_max];          // what each core may take of the others'

  struct item {
    std::uintptr_t which;
    clocks known;
  };
  unsigned items_lock_ = 0;
  item* items_;

  unsigned found_lock_ = 0;
  violation* found_;
  std::size_t found_count_ = 0;
  std::size_t found_taken_ = 0;
};

}  // namespace cooper::footprint
