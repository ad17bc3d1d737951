// SPDX-License-Identifier: BSD-3-Clause
// A set of the cores below Count, as bytes without holes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <cooper/vocabulary/ids.hpp>

namespace cooper::protocols {

template <std::size_t Count>
class core_set {
 public:
  // Cores 0 to n - 1.
  static constexpr core_set first(std::size_t n) {
    core_set all;
    for (std::size_t i = 0; i < n; ++i) all.insert(core_number(i));
    return all;
  }
  constexpr void insert(core_id c) { words_[c.value / word_bits] |= bit(c); }
  constexpr void erase(core_id c) { words_[c.value / word_bits] &= ~bit(c); }
  constexpr bool contains(core_id c) const { return (words_[c.value / word_bits] & bit(c)) != 0; }
  constexpr bool empty() const { return *this == core_set{}; }
  constexpr std::size_t size() const {
    std::size_t n = 0;
    for (const std::uint64_t word : words_) n += static_cast<std::size_t>(std::popcount(word));
    return n;
  }
  // In rising order.
  template <class F>
  constexpr void for_each(F f) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      for (std::uint64_t left = words_[w]; left != 0; left &= left - 1) {
        f(core_number(w * word_bits + static_cast<std::size_t>(std::countr_zero(left))));
      }
    }
  }
  friend constexpr bool operator==(const core_set&, const core_set&) = default;

 private:
  static constexpr std::size_t word_bits = 64;
  static constexpr std::uint64_t bit(core_id c) { return std::uint64_t{1} << c.value % word_bits; }
  std::array<std::uint64_t, (Count + word_bits - 1) / word_bits> words_{};
};

}  // namespace cooper::protocols
