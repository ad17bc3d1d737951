// SPDX-License-Identifier: BSD-3-Clause
// One cache line that several cores share: what Cooper's own code does without, and what it is compared with.
//
// Eight words. On a real machine they are atomics, and the caches do what they do. On a simulated one each access is
// charged: reading what another core wrote since costs a fetch, and writing takes the line from whoever has it; the
// line is one, so who comes while another is served waits. The contenders of benchmarks that share memory use this, so
// that the same code is measured and simulated.
//
// Any core; a core passes itself.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <cooper/runtime/core.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper {

class shared_line {
 public:
  static constexpr std::size_t words = line_bytes / sizeof(std::uint64_t);

  // Wait-free, like the two below. What was stored before a value that is read here is seen by the reader.
  std::uint64_t load(core& here, std::size_t i = 0) {
    if (cost_meter* meter = here.meter()) {
      meter->read_shared(state_);
      if (!meter->can_see(state_)) return before_[i];
    }
    // sync(shared_line.load) acquire <-> shared_line.store, <-> shared_line.add: what was written before that word.
    return words_[i].load(std::memory_order_acquire);
  }
  void store(core& here, std::uint64_t value, std::size_t i = 0) {
    taken_by(here);
    // sync(shared_line.store) release <-> shared_line.load: what this core wrote before.
    words_[i].store(value, std::memory_order_release);
  }
  // What it was before.
  std::uint64_t add(core& here, std::uint64_t value, std::size_t i = 0) {
    taken_by(here);
    // sync(shared_line.add) acq_rel <-> shared_line.load: both, a reading and a writing; as shared_line.store.
    return words_[i].fetch_add(value, std::memory_order_acq_rel);
  }

  // For who looks on from outside, on any thread: charged to nobody; it orders nothing.
  std::uint64_t peek(std::size_t i = 0) const {
    // sync(shared_line.peek) relaxed: a count.
    return words_[i].load(std::memory_order_relaxed);
  }

  // How often it went from one core to another on a simulated machine; 0 on a real one, where nobody knows.
  std::uint64_t moves() const { return state_.moves; }

 private:
  void taken_by(core& here) {
    cost_meter* meter = here.meter();
    if (meter == nullptr) return;
    // What others see until their clocks have come to this.
    for (std::size_t w = 0; w < words; ++w) {
      // sync(shared_line.before) relaxed: a simulated machine has one thread.
      before_[w] = words_[w].load(std::memory_order_relaxed);
    }
    meter->write_shared(state_);
  }

  alignas(destructive_bytes) std::array<std::atomic<std::uint64_t>, words> words_{};
  // A simulated machine's; in lines of their own, and untouched on a real one.
  alignas(destructive_bytes) shared_state state_;
  std::array<std::uint64_t, words> before_{};
};

}  // namespace cooper
