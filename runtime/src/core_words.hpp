// SPDX-License-Identifier: BSD-3-Clause
// The words of one core that others read, and how they are used: attention, progress, hints.
//
// Each word has one writer, but for `parked`, which a sender takes back when it wakes the core. Words of different
// writers stand in different lines, except the hints: eight senders share one there, so that a core with many quiet
// peers looks at one line in place of twenty-four.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <cooper/runtime/environment.hpp>
#include <cooper/runtime/footprint.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper::detail {

// What `parked` holds. A core that waits for credit also wants to hear of credit.
enum parked_value : std::uint64_t { awake = 0, parked_for_lines = 1, parked_for_credit = 2 };

// What `rest` holds: a core at rest is in no turn, so a grace period need not wait for it.
enum rest_value : std::uint64_t { in_turns = 0, resting = 1, out_of_service = 2 };

template <environment Env>
struct core_words {
  explicit core_words(std::size_t core_count) : hints{new typename Env::word[core_count]{}} {
    footprint::declare(&attention.parked, sizeof attention.parked, footprint::rule::many_writers);
    footprint::declare(hints.get(), core_count * sizeof hints[0], footprint::rule::word_by_word);
  }

  struct alignas(destructive_bytes) {
    typename Env::word parked{};        // written by the core; taken back by the sender that wakes it
    typename Env::word hints_wanted{};  // written by the core: senders raise hints
  } attention;

  struct alignas(destructive_bytes) {
    typename Env::word turn{};
    typename Env::word rest{};
  } progress;

  // hints[s]: how many lines core s has published here while hints were wanted. Written by core s only; the receiver
  // compares with a private copy and clears nothing.
  std::unique_ptr<typename Env::word[]> hints;
};

// The sender's half of poll-then-park, after whatever it published: does the core sleep? No locked instruction.
template <environment Env>
bool seems_parked(Env& env, const core_words<Env>& peer, std::uint64_t threshold = parked_for_lines) {
  env.light_barrier();
  return env.load(sync::park_peek, peer.attention.parked) >= threshold;
}

// The cold half: one sender wins the right to wake the core, and must signal. True for the winner.
template <environment Env>
bool claim_wake(Env& env, core_words<Env>& peer) {
  return env.exchange(sync::park_claim, peer.attention.parked, awake) != awake;
}

// Both in one.
template <environment Env>
bool must_wake(Env& env, core_words<Env>& peer, std::uint64_t threshold = parked_for_lines) {
  return seems_parked(env, peer, threshold) && claim_wake(env, peer);
}

// The core's half: announce, then look for work again. heavy_barrier stands between, so of a store by a sender and
// this announcement at least one is seen by the other side.
template <environment Env>
void announce_park(Env& env, core_words<Env>& own, bool waits_for_credit) {
  env.store(sync::park_set, own.attention.parked, waits_for_credit ? parked_for_credit : parked_for_lines);
  env.store(sync::rest_set, own.progress.rest, resting);
  env.heavy_barrier();
}

template <environment Env>
void end_park(Env& env, core_words<Env>& own) {
  env.store(sync::rest_clear, own.progress.rest, in_turns);
  env.store(sync::park_clear, own.attention.parked, awake);
}

}  // namespace cooper::detail
