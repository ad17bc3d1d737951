// SPDX-License-Identifier: BSD-3-Clause
// A core's two directions with one peer: the lanes it sends on, and the lanes it receives from. Driver only.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <cooper/runtime/channel.hpp>
#include <cooper/runtime/job.hpp>
#include "run_queue.hpp"

namespace cooper::detail {

// Lines per lane: ordinary requests and replies, monitors (DESIGN, section 4).
inline constexpr std::array<std::size_t, lane_count> lane_capacity{32, 32, 8};

using lane_positions = std::array<std::uint64_t, lane_count>;

template <environment Env>
struct outbound {
  enum class phase : std::uint8_t {
    unbound,  // nothing sent yet
    binding,  // asked the peer for rings; lines wait in overflow
    bound,
    closed,  // the peer is down, or going there
  };

  struct lane_end {
    basic_sender<Env> ring;
    std::deque<waiting_line> overflow;
    std::vector<job> waiters;
  };

  explicit outbound(core_id peer) : to{peer} {}

  core_id to;
  phase state = phase::unbound;
  std::uint64_t hint = 0;  // lines announced to the peer
  // Lines in overflow and waiters, of all lanes: what must be looked at again.
  std::size_t waiting = 0;
  std::array<lane_end, lane_count> lanes;
};

template <environment Env>
struct inbound {
  struct lane_end {
    basic_receiver<Env> ring;
    std::uint64_t credit_seen = 0;  // what the peer was last woken for
  };

  explicit inbound(core_id peer) : from{peer} {}

  bool drained() const {
    if (!final_positions) return false;
    for (std::size_t l = 0; l < lane_count; ++l) {
      if (lanes[l].ring.position() != (*final_positions)[l]) return false;
    }
    return true;
  }

  core_id from;
  std::uint64_t hint_seen = 0;
  // Where the sender's lanes end, once it has closed them.
  std::optional<lane_positions> final_positions;
  bool answer_when_drained = false;  // the sender waits to hear that all has arrived
  std::array<lane_end, lane_count> lanes;
};

// The senders of one direction, on their way to the core that asked for them.
template <environment Env>
using sender_set = std::array<basic_sender<Env>, lane_count>;

}  // namespace cooper::detail
