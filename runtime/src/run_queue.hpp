// SPDX-License-Identifier: BSD-3-Clause
// What a core owes itself: lines to its own endpoints (LRPC: no atomic, no ring) and deferred jobs. Driver only.
//
// Two vectors that change places: handlers add to one while the other is worked off, so a line stays in place while
// its handler runs, and after the first rounds nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <cooper/runtime/job.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper::detail {

template <class T>
class run_queue {
 public:
  bool empty() const { return at_ == now_.size() && next_.empty(); }
  std::size_t size() const { return now_.size() - at_ + next_.size(); }
  T& add() { return next_.emplace_back(); }
  void add(T item) { next_.push_back(std::move(item)); }

  // The next item, valid until the call after; null where there is none.
  T* take() {
    if (at_ == now_.size()) {
      now_.clear();
      at_ = 0;
      if (next_.empty()) return nullptr;
      std::swap(now_, next_);
    }
    return &now_[at_++];
  }

 private:
  std::vector<T> now_, next_;
  std::size_t at_ = 0;
};

// A line that waits: in the run queue, or in the overflow of a lane.
struct waiting_line {
  alignas(8) std::byte payload[line_payload_bytes];
  line_header header;
  lane via;

  void fill(line_header h, lane l, const std::uint64_t* words, std::size_t word_count) {
    header = h;
    via = l;
    // Without words the pointer may be null, which memcpy does not allow.
    if (word_count != 0) std::memcpy(payload, words, word_count * 8);
  }
};

}  // namespace cooper::detail
