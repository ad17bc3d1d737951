// SPDX-License-Identifier: BSD-3-Clause
// A small seeded generator (SplitMix64; Steele, Lea, Flood, OOPSLA 2014). Equal seed, equal sequence on every compiler;
// the standard library's distributions promise no such thing, so tests and simulations draw from here.
#pragma once

#include <cstdint>

namespace cooper {

class random {
 public:
  explicit constexpr random(std::uint64_t seed) : state_{seed} {}

  constexpr std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }

  // Uniform below bound (bound > 0); the bias of at most bound / 2^64 is below anything we measure.
  constexpr std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace cooper
