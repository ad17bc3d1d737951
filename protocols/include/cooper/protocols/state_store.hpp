// SPDX-License-Identifier: BSD-3-Clause
// The states that an exploration has met: which of them are new, how each was reached, and those still to be expanded,
// first come, first served. One thread.
//
// A state is bytes. Of one that was met only a 64-bit hash is kept (hash compaction: Wolper, Leroy, CAV 1993), with its
// predecessor and the action that led from there; its bytes are kept until it is taken out. Two states that share a
// hash are taken for one: with n states the chance that any is missed is about n * n / 2^65.
//
//   I1  bytes() stays within the bound if nothing is taken while has_room() is false, and what is inserted between two
//       takes fits into one chunk. The table of hashes has many segments that grow one by one, and everything else
//       grows by chunks, so no growth needs twice the memory for a moment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace cooper::protocols {

std::uint64_t hash_of(std::span<const std::byte> bytes) noexcept;

class state_store {
 public:
  using number = std::uint32_t;
  static constexpr number none = ~number{0};

  // The bound is of bytes().
  explicit state_store(std::size_t bytes_max = ~std::size_t{0});

  // The state's number if it is new; it is then to be expanded.
  std::optional<number> insert(std::span<const std::byte> state, number parent, std::uint32_t action);
  bool contains(std::span<const std::byte> state) const { return contains(hash_of(state)); }

  // The next state to be expanded, valid until the next call; nothing if there is none.
  struct taken {
    number which;
    std::span<const std::byte> bytes;
  };
  std::optional<taken> take();
  // The same, and it stays; valid until the next call that is not const.
  std::optional<taken> next() const;

  std::size_t size() const { return size_; }
  std::size_t waiting() const { return size_ - next_; }
  // Memory in use.
  std::size_t bytes() const;
  // Whether what one more state leads to fits into the bound, and into numbers.
  bool has_room() const;
  // The actions that led to a state, from the first.
  std::vector<std::uint32_t> actions_to(number which) const;

  // All of it as bytes: hashes, arrivals, and states that wait, each with its size.
  struct extent {
    std::uint64_t states = 0, waiting = 0, waiting_bytes = 0;
    // 0 if a number is none that a store can have.
    std::uint64_t bytes() const;
  };
  extent size_when_written() const;
  void write(const std::function<void(std::span<const std::byte>)>& out) const;
  enum class reading { done, malformed, no_room };
  // Into an empty store. `in` fills what it is given, or says false; `legible` judges each state that waits.
  reading read(const extent& of, const std::function<bool(std::span<std::byte>)>& in,
               const std::function<bool(std::span<const std::byte>)>& legible);

 private:
  struct arrival {
    number parent;
    std::uint32_t action;
  };
  // Hashes with the same upper bits, by open addressing; 0 is empty.
  struct segment {
    std::unique_ptr<std::uint64_t[]> slots;
    std::uint32_t mask = 0;
    std::uint32_t used = 0;
  };
  static constexpr std::size_t segment_count = 256;
  static constexpr std::size_t chunk_bytes = std::size_t{256} << 10;  // of states that wait
  static constexpr std::size_t arrivals_a_chunk = std::size_t{1} << 13;

  segment& segment_of(std::uint64_t hash) { return table_[hash >> 56]; }
  const segment& segment_of(std::uint64_t hash) const { return table_[hash >> 56]; }
  void begin_with(std::size_t slots);
  bool contains(std::uint64_t hash) const;
  bool note(std::uint64_t hash);
  void make_room(segment& in);
  void keep(std::span<const std::byte> state);
  void arrived(arrival how);
  const arrival& arrival_of(number which) const {
    return arrivals_[which / arrivals_a_chunk][which % arrivals_a_chunk];
  }

  std::size_t bytes_max_;
  bool full_ = false;  // a segment ought to have grown, and must not
  std::array<segment, segment_count> table_;
  std::size_t table_bytes_ = 0;
  std::vector<std::unique_ptr<arrival[]>> arrivals_;  // by number
  // States that wait, each behind its size, one behind the other in chunks; and the number of the first.
  std::deque<std::vector<std::byte>> chunks_;
  std::size_t begun_ = 0;  // of the first chunk
  std::size_t size_ = 0;
  number next_ = 0;
};

}  // namespace cooper::protocols
