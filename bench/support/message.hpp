// SPDX-License-Identifier: BSD-3-Clause
// The message that all contenders carry: 64 bytes, of which 56 are payload, as a line has.
//
// A round trip stamps the first and the last payload word and both ends check both. A stream writes all 56 bytes and
// the receiver sums them. The same functions serve the contenders that write in place and those that copy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cooper::bench {

inline constexpr std::size_t payload_words = 7;

struct alignas(64) message {
  std::uint64_t word[payload_words + 1];
};
static_assert(sizeof(message) == 64);

inline void stamp(std::uint64_t* words, std::uint64_t sequence) {
  words[0] = sequence;
  words[payload_words - 1] = ~sequence;
}

// Zero if the message is the one expected: errors are added up, so the loop carries no branch for them.
inline std::uint64_t stamp_error(const std::uint64_t* words, std::uint64_t sequence) {
  return (words[0] ^ sequence) | (words[payload_words - 1] ^ ~sequence);
}

inline void fill(std::uint64_t* words, std::uint64_t sequence) {
  for (std::size_t i = 0; i < payload_words; ++i) words[i] = sequence + i;
}

inline std::uint64_t sum(const std::uint64_t* words) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < payload_words; ++i) total += words[i];
  return total;
}

// What the sums of the filled messages first, first + 1, ... add up to.
inline std::uint64_t expected_sum(std::uint64_t first, std::uint64_t count) {
  const std::uint64_t sequences =
      count % 2 == 0 ? count / 2 * (first + first + count - 1) : count * (first + (count - 1) / 2);
  return payload_words * sequences + count * (payload_words * (payload_words - 1) / 2);
}

}  // namespace cooper::bench
