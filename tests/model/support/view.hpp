// SPDX-License-Identifier: BSD-3-Clause
// What a thread of the model knows: for each word the oldest store it may still read (its view), and for each thread
// how much of it happened before (its vector clock).
//
// The two travel together along release/acquire edges, but they are not the same: a sequentially consistent fence and
// the heavy barrier forbid stale reads (views), yet give no happens-before, so they excuse no data race (clocks).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cooper/runtime/sync.hpp>

namespace cooper::model {

inline constexpr std::size_t words_max = 256;
// Including thread 0, which runs the setup and the final checks.
inline constexpr std::size_t threads_max = 9;

// Position of a store in the modification order of its word; 0 is the initial value.
using stamp = std::uint16_t;

class view {
 public:
  view() = default;
  view(const view& other) { *this = other; }
  view& operator=(const view& other) {
    count_ = other.count_;
    std::copy_n(other.stamps_.begin(), count_, stamps_.begin());
    return *this;
  }

  stamp at(std::size_t word) const { return word < count_ ? stamps_[word] : stamp{0}; }
  void clear() { count_ = 0; }
  void raise(std::size_t word, stamp to) {
    if (word >= count_) grow(word + 1);
    stamps_[word] = std::max(stamps_[word], to);
  }
  void join(const view& other) {
    if (other.count_ > count_) grow(other.count_);
    for (std::size_t i = 0; i < other.count_; ++i) stamps_[i] = std::max(stamps_[i], other.stamps_[i]);
  }
  bool includes(const view& other) const {
    for (std::size_t i = 0; i < other.count_; ++i) {
      if (other.stamps_[i] > at(i)) return false;
    }
    return true;
  }

 private:
  void grow(std::size_t count) {
    std::fill(stamps_.begin() + static_cast<std::ptrdiff_t>(count_),
              stamps_.begin() + static_cast<std::ptrdiff_t>(count), stamp{0});
    count_ = count;
  }

  // Entries from count_ on are zero and not kept, so that copies cost what the program uses.
  std::size_t count_ = 0;
  std::array<stamp, words_max> stamps_;
};

using vector_clock = std::array<std::uint32_t, threads_max>;

struct knowledge {
  view seen;
  vector_clock happened{};

  void clear() {
    seen.clear();
    happened.fill(0);
  }
  void join(const knowledge& other) {
    seen.join(other.seen);
    for (std::size_t i = 0; i < threads_max; ++i) happened[i] = std::max(happened[i], other.happened[i]);
  }
};

constexpr bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel;
}
constexpr bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel;
}

// A site of sync.hpp at run time.
struct site_info {
  std::size_t index;
  std::memory_order order;
  std::string_view name;
};

template <class Site>
constexpr site_info describe_site() {
  static_assert(Site::order != std::memory_order_seq_cst && Site::order != std::memory_order_consume,
                "Cooper's sites are relaxed, acquire, release or both; total order comes from the barriers");
  if constexpr (requires { Site::name; }) {
    return {Site::index, Site::order, Site::name};
  } else if constexpr (Site::index < sync::site_count) {
    return {Site::index, Site::order, sync::table[Site::index].name};
  } else {
    return {Site::index, Site::order, "site"};
  }
}

template <class Site>
inline constexpr site_info info_of = describe_site<Site>();

}  // namespace cooper::model
