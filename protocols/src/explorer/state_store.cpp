// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/protocols/state_store.hpp>

#include <algorithm>
#include <cstring>

#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/random.hpp>

namespace cooper::protocols {
namespace {

constexpr std::uint64_t mix(std::uint64_t z) { return random{z}.next(); }

}  // namespace

std::uint64_t hash_of(std::span<const std::byte> bytes) noexcept {
  // Two lanes, so that one multiplication does not wait for the other.
  std::uint64_t a = 0x9e3779b97f4a7c15u ^ bytes.size(), b = 0xc2b2ae3d27d4eb4fu;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) {
    std::uint64_t x = 0, y = 0;
    std::memcpy(&x, at, 8);
    std::memcpy(&y, at + 8, 8);
    a = (a ^ x) * 0x9fb21c651e98df25u;
    b = (b ^ y) * 0xa24baed4963ee407u;
    a ^= a >> 29;
    b ^= b >> 31;
  }
  std::uint64_t tail[2]{};
  if (left != 0) std::memcpy(tail, at, left);
  const std::uint64_t hash = mix(a ^ mix(tail[0] + b)) ^ mix(b + mix(tail[1] ^ a));
  return hash != 0 ? hash : 1;
}

state_store::state_store() : table_(std::size_t{1} << 16) {}

bool state_store::note(std::uint64_t hash) {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    if (table_[at] == hash) return false;
    if (table_[at] == 0) {
      table_[at] = hash;
      ++used_;
      return true;
    }
  }
}

void state_store::grow() {
  std::vector<std::uint64_t> old(table_.size() * 2);
  old.swap(table_);
  used_ = 0;
  for (const std::uint64_t hash : old) {
    if (hash != 0) note(hash);
  }
}

bool state_store::contains(std::span<const std::byte> state) const {
  const std::uint64_t hash = hash_of(state);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask; table_[at] != 0; at = (at + 1) & mask) {
    if (table_[at] == hash) return true;
  }
  return false;
}

std::optional<state_store::number> state_store::insert(std::span<const std::byte> state, number parent,
                                                       std::uint32_t action) {
  if (10 * (used_ + 1) > 7 * table_.size()) grow();
  if (!note(hash_of(state))) return {};
  COOPER_ASSERT(how_.size() < none, "an exploration has at most 2^32 - 1 states");
  how_.push_back({parent, action});
  if (chunks_.empty() || chunks_.back().size() + state.size() > chunk_bytes) {
    chunks_.emplace_back().reserve(std::max(chunk_bytes, state.size()));
  }
  chunks_.back().insert(chunks_.back().end(), state.begin(), state.end());
  sizes_.push_back(static_cast<std::uint32_t>(state.size()));
  return static_cast<number>(how_.size() - 1);
}

std::optional<state_store::taken> state_store::take() {
  if (sizes_.empty()) return {};
  if (begun_ == chunks_.front().size()) {
    chunks_.pop_front();
    begun_ = 0;
  }
  const std::size_t size = sizes_.front();
  sizes_.pop_front();
  const std::span<const std::byte> bytes{chunks_.front().data() + begun_, size};
  begun_ += size;
  return taken{next_++, bytes};
}

std::size_t state_store::bytes() const {
  return table_.size() * sizeof(std::uint64_t) + how_.capacity() * sizeof(arrival) + chunks_.size() * chunk_bytes +
         sizes_.size() * sizeof(std::uint32_t);
}

std::vector<std::uint32_t> state_store::actions_to(number which) const {
  std::vector<std::uint32_t> actions;
  for (; how_[which].parent != none; which = how_[which].parent) actions.push_back(how_[which].action);
  return {actions.rbegin(), actions.rend()};
}

}  // namespace cooper::protocols
