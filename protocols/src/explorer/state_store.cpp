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
  // Four lanes, so that one multiplication does not wait for the others. Each is shifted by another amount: else
  // compilers use vectors, which have no multiplication of 64 bits and are slower.
  std::uint64_t a = 0x9e3779b97f4a7c15u ^ bytes.size(), b = 0xc2b2ae3d27d4eb4fu, c = 0x165667b19e3779f9u,
                d = 0x27d4eb2f165667c5u;
  const auto take = [&](const std::byte* at) {
    std::uint64_t words[4];
    std::memcpy(words, at, sizeof words);
    a = (a ^ words[0]) * 0x9fb21c651e98df25u;
    b = (b ^ words[1]) * 0xa24baed4963ee407u;
    c = (c ^ words[2]) * 0xd6e8feb86659fd93u;
    d = (d ^ words[3]) * 0xff51afd7ed558ccdu;
    a ^= a >> 29;
    b ^= b >> 31;
    c ^= c >> 30;
    d ^= d >> 32;
  };
  for (; bytes.size() >= 32; bytes = bytes.subspan(32)) take(bytes.data());
  if (!bytes.empty()) {
    std::byte tail[32]{};
    std::memcpy(tail, bytes.data(), bytes.size());
    take(tail);
  }
  const std::uint64_t hash = mix(mix(mix(mix(a) ^ b) ^ c) ^ d);
  return hash != 0 ? hash : 1;
}

state_store::state_store(std::size_t bytes_max) : bytes_max_{bytes_max} { begin_with(64); }

void state_store::begin_with(std::size_t slots) {
  for (segment& s : table_) {
    s.slots = std::make_unique<std::uint64_t[]>(slots);
    s.mask = static_cast<std::uint32_t>(slots - 1);
  }
  table_bytes_ = segment_count * slots * sizeof(std::uint64_t);
}

bool state_store::contains(std::uint64_t hash) const {
  const segment& in = segment_of(hash);
  for (std::size_t at = hash & in.mask; in.slots[at] != 0; at = (at + 1) & in.mask) {
    if (in.slots[at] == hash) return true;
  }
  return false;
}

bool state_store::note(std::uint64_t hash) {
  segment& in = segment_of(hash);
  std::size_t at = hash & in.mask;
  for (; in.slots[at] != 0; at = (at + 1) & in.mask) {
    if (in.slots[at] == hash) return false;
  }
  if (10 * (std::size_t{in.used} + 1) > 7 * (std::size_t{in.mask} + 1)) {
    make_room(in);
    for (at = hash & in.mask; in.slots[at] != 0;) at = (at + 1) & in.mask;
  }
  in.slots[at] = hash;
  ++in.used;
  return true;
}

void state_store::make_room(segment& in) {
  const std::size_t slots = std::size_t{in.mask} + 1;
  const std::size_t after = bytes() + slots * sizeof(std::uint64_t);
  // Until the segment is really full there is room for what one state leads to: then the search sees full_.
  if (after > bytes_max_ && in.used < slots - slots / 16) {
    full_ = true;
    return;
  }
  auto larger = std::make_unique<std::uint64_t[]>(2 * slots);
  const std::size_t mask = 2 * slots - 1;
  for (std::size_t i = 0; i < slots; ++i) {
    const std::uint64_t hash = in.slots[i];
    if (hash == 0) continue;
    std::size_t at = hash & mask;
    while (larger[at] != 0) at = (at + 1) & mask;
    larger[at] = hash;
  }
  in.slots = std::move(larger);
  in.mask = static_cast<std::uint32_t>(mask);
  table_bytes_ += slots * sizeof(std::uint64_t);
}

void state_store::arrived(arrival how) {
  COOPER_ASSERT(size_ < none, "an exploration has at most 2^32 - 1 states");
  if (size_ % arrivals_a_chunk == 0) arrivals_.push_back(std::make_unique<arrival[]>(arrivals_a_chunk));
  arrivals_.back()[size_ % arrivals_a_chunk] = how;
  ++size_;
}

void state_store::keep(std::span<const std::byte> state) {
  const auto size = static_cast<std::uint32_t>(state.size());
  COOPER_ASSERT(sizeof size + size <= chunk_bytes, "a state fits into a chunk");
  if (chunks_.empty() || chunks_.back().size() + sizeof size + size > chunk_bytes) {
    chunks_.emplace_back().reserve(chunk_bytes);
  }
  std::vector<std::byte>& last = chunks_.back();
  const std::size_t at = last.size();
  last.resize(at + sizeof size + size);
  std::memcpy(last.data() + at, &size, sizeof size);
  if (size != 0) std::memcpy(last.data() + at + sizeof size, state.data(), size);
}

std::optional<state_store::number> state_store::insert(std::span<const std::byte> state, number parent,
                                                       std::uint32_t action) {
  if (!note(hash_of(state))) return {};
  arrived({parent, action});
  keep(state);
  return static_cast<number>(size_ - 1);
}

std::optional<state_store::taken> state_store::next() const {
  if (waiting() == 0) return {};
  const bool past = begun_ == chunks_.front().size();
  const std::byte* at = past ? chunks_[1].data() : chunks_.front().data() + begun_;
  std::uint32_t size = 0;
  std::memcpy(&size, at, sizeof size);
  return taken{next_, {at + sizeof size, size}};
}

std::optional<state_store::taken> state_store::take() {
  const auto first = next();
  if (!first) return {};
  if (begun_ == chunks_.front().size()) {
    chunks_.pop_front();
    begun_ = 0;
  }
  begun_ += sizeof(std::uint32_t) + first->bytes.size();
  ++next_;
  return first;
}

std::size_t state_store::bytes() const {
  return table_bytes_ + arrivals_.size() * (arrivals_a_chunk * sizeof(arrival) + sizeof(void*)) +
         chunks_.size() * chunk_bytes;
}

bool state_store::has_room() const {
  constexpr std::size_t numbers_spare = std::size_t{1} << 16;
  constexpr std::size_t spare = chunk_bytes + arrivals_a_chunk * sizeof(arrival);
  return !full_ && size_ < none - numbers_spare && bytes() + spare <= bytes_max_;
}

std::vector<std::uint32_t> state_store::actions_to(number which) const {
  std::vector<std::uint32_t> actions;
  for (; arrival_of(which).parent != none; which = arrival_of(which).parent) {
    actions.push_back(arrival_of(which).action);
  }
  return {actions.rbegin(), actions.rend()};
}

std::uint64_t state_store::extent::bytes() const {
  constexpr std::uint64_t most = std::uint64_t{1} << 48;
  if (states == 0 || states >= none || waiting > states || waiting_bytes > most) return 0;
  return states * (sizeof(std::uint64_t) + sizeof(arrival)) + waiting_bytes;
}

state_store::extent state_store::size_when_written() const {
  std::uint64_t waiting_bytes = 0;
  for (const auto& chunk : chunks_) waiting_bytes += chunk.size();
  return {size_, waiting(), waiting_bytes - begun_};
}

void state_store::write(const std::function<void(std::span<const std::byte>)>& out) const {
  for (const segment& s : table_) {
    for (std::size_t i = 0; i <= s.mask; ++i) {
      if (s.slots[i] != 0) out(std::as_bytes(std::span{&s.slots[i], 1}));
    }
  }
  for (std::size_t done = 0; done < size_; done += arrivals_a_chunk) {
    const std::size_t count = std::min(arrivals_a_chunk, size_ - done);
    out(std::as_bytes(std::span{arrivals_[done / arrivals_a_chunk].get(), count}));
  }
  std::size_t from = begun_;
  for (const auto& chunk : chunks_) {
    out(std::span{chunk}.subspan(from));
    from = 0;
  }
}

state_store::reading state_store::read(const extent& of, const std::function<bool(std::span<std::byte>)>& in,
                                       const std::function<bool(std::span<const std::byte>)>& legible) {
  COOPER_ASSERT(size_ == 0, "a store is read into an empty one");
  const auto fits = [&] { return !full_ && bytes() <= bytes_max_; };
  // Hashes come in the order of a table; into a smaller one, that order would be the worst there is.
  std::size_t slots = std::size_t{table_[0].mask} + 1;
  while (10 * of.states > 7 * slots * segment_count) slots *= 2;
  if (segment_count * slots * sizeof(std::uint64_t) > bytes_max_) return reading::no_room;
  begin_with(slots);
  for (std::uint64_t i = 0; i < of.states; ++i) {
    std::uint64_t hash = 0;
    if (!in(std::as_writable_bytes(std::span{&hash, 1})) || hash == 0 || !note(hash)) return reading::malformed;
    if (!fits()) return reading::no_room;
  }
  for (std::uint64_t i = 0; i < of.states; ++i) {
    arrival how{};
    if (!in(std::as_writable_bytes(std::span{&how, 1}))) return reading::malformed;
    // A predecessor came before; so ways end.
    if (i == 0 ? how.parent != none : how.parent >= i) return reading::malformed;
    if (!fits()) return reading::no_room;
    arrived(how);
  }
  next_ = static_cast<number>(of.states - of.waiting);
  std::vector<std::byte> state;
  std::uint64_t left = of.waiting_bytes;
  for (std::uint64_t i = 0; i < of.waiting; ++i) {
    std::uint32_t size = 0;
    if (left < sizeof size || !in(std::as_writable_bytes(std::span{&size, 1}))) return reading::malformed;
    left -= sizeof size;
    if (size > left || size > chunk_bytes - sizeof size) return reading::malformed;
    left -= size;
    state.resize(size);
    if (!in(state) || !legible(state)) return reading::malformed;
    if (!fits()) return reading::no_room;
    keep(state);
  }
  return left == 0 ? reading::done : reading::malformed;
}

}  // namespace cooper::protocols
