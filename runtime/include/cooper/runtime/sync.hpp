// SPDX-License-Identifier: BSD-3-Clause
// Every atomic access between cores, by name: its memory order, what it synchronises with, and why.
//
// The code names a site and never an order, so the order stands in one place, beside its reason and the other end of
// its edge. The model environment reads the same table: it weakens each ordered site in turn, and each must fail.
// tests/lint checks that every site is used, and that every "<->" is answered.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>

namespace cooper::sync {

template <std::size_t Index, std::memory_order Order>
struct site {
  static constexpr std::size_t index = Index;
  static constexpr std::memory_order order = Order;
};

// X(name, order, note)
// clang-format off
#define COOPER_SYNC_TABLE(X)                                                                                      \
  X(line_publish, release, "<-> line_observe: the payload is written before the control word")                    \
  X(line_observe, acquire, "<-> line_publish: the payload is read after the control word")                        \
  X(credit_return, release, "<-> credit_observe: the handler has read the slots before they are given back")      \
  X(credit_observe, acquire, "<-> credit_return: a slot is overwritten only after its handler has returned")      \
  X(hint_raise, release, "<-> hint_read: who sees the hint also sees the line that it announces")                 \
  X(hint_read, acquire, "<-> hint_raise: the receiver compares with a private copy, so a hint seen early is lost") \
  X(park_set, relaxed, "ordered against the re-checks by the heavy barrier that follows")                         \
  X(park_clear, relaxed, "only ends what a sender may do in vain; a late sender's signal is one spurious wake-up") \
  X(park_peek, relaxed, "ordered after the publishing store by the light barrier before it")                      \
  X(park_claim, relaxed, "atomicity decides who signals; the signal itself orders nothing that lines do not")     \
  X(turn_advance, release, "<-> turn_read: all reads of the turn before have ended")                              \
  X(turn_read, acquire, "<-> turn_advance: what the grace period protected may be reused")                        \
  X(hints_ask, relaxed, "ordered against the scan of all rings by the heavy barrier that follows")                \
  X(hints_peek, relaxed, "ordered after the publishing store by the light barrier before it")                     \
  X(rest_clear, relaxed, "followed by the turn's light barrier: a grace period that misses it is one we see")     \
  X(rest_set, release, "<-> rest_read: a core at rest holds no reference from an earlier turn")                   \
  X(rest_read, acquire, "<-> rest_set: as turn_read, for a core that is parked or down")
// clang-format on

enum class index : std::size_t {
#define COOPER_SYNC_INDEX(name, order, note) name,
  COOPER_SYNC_TABLE(COOPER_SYNC_INDEX)
#undef COOPER_SYNC_INDEX
      count
};

inline constexpr std::size_t site_count = static_cast<std::size_t>(index::count);

#define COOPER_SYNC_SITE(name, order, note) \
  inline constexpr site<static_cast<std::size_t>(index::name), std::memory_order_##order> name{};
COOPER_SYNC_TABLE(COOPER_SYNC_SITE)
#undef COOPER_SYNC_SITE

struct description {
  std::string_view name;
  std::memory_order order;
  std::string_view note;
};

inline constexpr std::array<description, site_count> table{{
#define COOPER_SYNC_ROW(name, order, note) {#name, std::memory_order_##order, note},
    COOPER_SYNC_TABLE(COOPER_SYNC_ROW)
#undef COOPER_SYNC_ROW
}};

}  // namespace cooper::sync
