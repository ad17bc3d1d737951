// SPDX-License-Identifier: BSD-3-Clause
// The memory of the model: release/acquire C++20 as an abstract machine, without any scheduling.
//
// Every word keeps all stores it ever got, in modification order; a load may read any of them that the reader's view
// does not rule out. A store is issued in program order and committed later, when it enters its word's history: between
// the two lies what compilers and store buffers do. What a store releases is fixed when it is issued.
//
// Rules, enforced by commit() and by who calls it:
//   R1  stores of one thread to one word commit in program order;
//   R2  a release store commits after all earlier stores of its thread;
//   R3  barriers, read-modify-writes and the end of a thread come after all its commits.
//
// Not covered, as in most such machines: a store placed in the modification order before one that was committed
// earlier (seen only where two threads store to one word without a read-modify-write; ours have one writer each, and
// the words that are exchanged are written by exchange or by their owner), and loads that see a store of their own
// future ("load buffering" across a dependency, which no compiler produces).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "view.hpp"

namespace cooper::model {

// One more than options::delayed_stores may ask for: a store is issued before its thread waits for room.
inline constexpr std::size_t delayed_stores_max = 9;

struct stored_value {
  std::uint64_t value = 0;
  knowledge released;
  std::uint8_t writer = 0;
  // Line of the transcript that committed it, for those that print one.
  std::uint32_t line = 0;
};

struct delayed_store {
  std::uint16_t location = 0;
  std::uint16_t serial = 0;  // the how manieth store of its thread
  std::uint64_t value = 0;
  bool release = false;
  const site_info* site = nullptr;
  knowledge released;
};

struct race {
  std::uint8_t other;
  bool other_wrote;
};

class memory {
 public:
  // Forgets everything; thread 0 is the only one.
  void reset();
  std::uint16_t add_location();
  std::size_t location_count() const { return location_count_; }
  // Thread t comes to be, and knows all that thread 0 knows.
  void fork(std::size_t t);
  // Thread 0 learns all that thread t knows.
  void join(std::size_t t);

  // A load of t may read the stores oldest()..latest(), except that its own delayed store hides them all.
  stamp oldest(std::size_t t, std::size_t location) const { return threads_[t].current.seen.at(location); }
  stamp latest(std::size_t location) const { return static_cast<stamp>(locations_[location].length - 1); }
  const stored_value& at(std::size_t location, stamp s) const { return locations_[location].history[s]; }
  stored_value& at(std::size_t location, stamp s) { return locations_[location].history[s]; }
  const delayed_store* own_delayed(std::size_t t, std::size_t location) const;
  std::uint64_t read(std::size_t t, std::size_t location, stamp s, std::memory_order order);

  // Delayed stores of t, oldest first.
  std::size_t delayed_count(std::size_t t) const { return threads_[t].delayed_count; }
  const delayed_store& delayed(std::size_t t, std::size_t i) const {
    const thread_state& me = threads_[t];
    return me.delayed[me.order[i]];
  }
  bool may_commit(std::size_t t, std::size_t i) const;
  void issue(std::size_t t, std::size_t location, std::uint64_t value, const site_info& site, std::memory_order order);
  // Returns where it stands in its word's history.
  stamp commit(std::size_t t, std::size_t i);

  // Reads the latest and stores `value`, or the sum of both. Nothing of t may be delayed.
  std::uint64_t read_modify_write(std::size_t t, std::size_t location, std::uint64_t value, bool add,
                                  std::memory_order order);
  // A store that is at once the latest for all and orders nothing (the clock).
  void put(std::size_t t, std::size_t location, std::uint64_t value);

  // std::atomic_thread_fence(seq_cst). Nothing of t may be delayed.
  void fence(std::size_t t);
  // membarrier(2) called by t: as if every thread executed a full barrier now. It orders views only: no happens-before.
  void barrier_on_all(std::size_t t, std::size_t thread_count);
  // Whether it is all the same for both if thread `reader` reads stamp s before or after that barrier of t: the read
  // teaches the reader nothing, and the barrier does not forbid it.
  bool barrier_ignores_read(std::size_t t, std::size_t reader, std::size_t location, stamp s) const;
  // Eventually every store is seen.
  void see_all(std::size_t t);

  std::optional<race> payload_write(std::size_t t, const void* location);
  std::optional<race> payload_read(std::size_t t, const void* location);

  const knowledge& known_by(std::size_t t) const { return threads_[t].current; }

 private:
  struct location_state {
    std::vector<stored_value> history;  // only the first `length` belong to this execution
    std::size_t length = 0;
  };
  struct thread_state {
    knowledge current;     // what the next load respects
    knowledge acquirable;  // what relaxed loads brought, for a later fence
    knowledge fenced;      // what relaxed stores release: the state at the last fence
    std::array<delayed_store, delayed_stores_max> delayed;
    std::array<std::uint8_t, delayed_stores_max> order{};  // indices into `delayed`, the first delayed_count in use
    std::size_t delayed_count = 0;
    std::uint16_t issued = 0;
  };
  struct payload_state {
    std::uint32_t execution = 0;
    std::uint8_t writer = 0;
    std::uint32_t written = 0;  // the writer's clock, 0 for never
    vector_clock read{};
  };

  stored_value& append(std::size_t location);
  payload_state& payload(const void* location);

  std::vector<location_state> locations_;
  std::size_t location_count_ = 0;
  std::array<thread_state, threads_max> threads_;
  view total_;  // what the sequentially consistent fences so far agree on
  std::unordered_map<const void*, payload_state> payloads_;
  std::uint32_t execution_ = 0;
};

}  // namespace cooper::model
