// SPDX-License-Identifier: BSD-3-Clause
// The states that an exploration has met: which of them are new, how each was reached, and those still to be expanded,
// first come, first served. One thread.
//
// A state is bytes. Of one that was met only a 64-bit hash is kept (hash compaction: Wolper, Leroy, CAV 1993), with its
// predecessor and the action that led from there; its bytes are kept until it is taken out. Two states that share a
// hash are taken for one: with n states the chance that any is missed is about n * n / 2^65.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace cooper::protocols {

std::uint64_t hash_of(std::span<const std::byte> bytes) noexcept;

class state_store {
 public:
  using number = std::uint32_t;
  static constexpr number none = ~number{0};

  state_store();

  // The state's number if it is new; it is then to be expanded.
  std::optional<number> insert(std::span<const std::byte> state, number parent, std::uint32_t action);
  bool contains(std::span<const std::byte> state) const;

  // The next state to be expanded, valid until the next call; nothing if there is none.
  struct taken {
    number which;
    std::span<const std::byte> bytes;
  };
  std::optional<taken> take();

  std::size_t size() const { return how_.size(); }
  std::size_t waiting() const { return sizes_.size(); }
  // Memory in use.
  std::size_t bytes() const;
  // The actions that led to a state, from the first.
  std::vector<std::uint32_t> actions_to(number which) const;

 private:
  struct arrival {
    number parent;
    std::uint32_t action;
  };
  static constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

  bool note(std::uint64_t hash);
  void grow();

  std::vector<std::uint64_t> table_;  // of hashes, by open addressing; 0 is empty
  std::size_t used_ = 0;
  std::vector<arrival> how_;  // by number
  // States that wait, one behind the other in chunks; their sizes, and the number of the first.
  std::deque<std::vector<std::byte>> chunks_;
  std::deque<std::uint32_t> sizes_;
  std::size_t begun_ = 0;  // of the first chunk
  number next_ = 0;
};

}  // namespace cooper::protocols
