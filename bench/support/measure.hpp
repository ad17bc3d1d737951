// SPDX-License-Identifier: BSD-3-Clause
// From a link to rows: round trips against the floor, streams against the floor and a peer.
#pragma once

#include <memory>
#include <utility>

#include "support/run.hpp"
#include "support/traffic.hpp"

namespace cooper::bench {

inline constexpr const char* damaged = "a message arrived damaged: the payload check failed";

// ask() and answer() of `pair` on the first two members. The pair must outlive what is returned.
template <class Pair>
timed_operations timed_round_trips(session& on, Pair& pair) {
  return [&on, &pair](std::uint64_t count) {
    double ns = 0;
    on.run([&](std::size_t member) {
      if (member == 0) ns = pair.ask(count);
      if (member == 1) pair.answer(count);
    });
    return ns;
  };
}

template <class Pair>
timed_operations timed_stream(session& on, Pair& pair) {
  return [&on, &pair](std::uint64_t count) {
    double ns = 0;
    on.run([&](std::size_t member) {
      if (member == 0) pair.produce(count);
      if (member == 1) ns = pair.consume(count);
    });
    return ns;
  };
}

// Each member in turn, so that a link may be put together across both.
template <class Pair>
void prepare_in_turn(session& on, Pair& pair) {
  for (std::size_t turn = 0; turn < 2; ++turn) {
    on.run([&](std::size_t member) {
      if (member == turn) pair.prepare(member);
    });
  }
}

// Round trips over a fresh Link(arguments...), alternating with the floor.
template <class Link, class... Arguments>
void sample_round_trips(run& r, const sampling_plan& plan, row& into, Arguments... arguments) {
  const auto link = std::make_unique<Link>(arguments...);
  round_trips<Link> pair{*link};
  r.threads().lead([&](session& on) {
    prepare_in_turn(on, pair);
    sample_windows(on, r.floor(), timed_round_trips(on, pair), {}, plan, into);
  });
  if (!pair.intact()) into.error = damaged;
}

// A stream over a fresh Link(arguments...), alternating with the floor and, where Peer is not void, with an open
// stream over Peer(256).
template <class Link, class Peer = void, class... Arguments>
void sample_stream(run& r, const sampling_plan& plan, std::uint64_t window, row& into, Arguments... arguments) {
  const auto link = std::make_unique<Link>(arguments...);
  one_way<Link> pair{*link, window};
  into.rate = true;
  into.unit = "messages/s";
  r.threads().lead([&](session& on) {
    prepare_in_turn(on, pair);
    if constexpr (std::is_void_v<Peer>) {
      sample_windows(on, r.floor(), timed_stream(on, pair), {}, plan, into);
    } else {
      const auto peer_link = std::make_unique<Peer>(std::size_t{256});
      one_way<Peer> peer{*peer_link, window};
      prepare_in_turn(on, peer);
      sample_windows(on, r.floor(), timed_stream(on, pair), timed_stream(on, peer), plan, into);
      if (!peer.intact()) into.error = damaged;
    }
  });
  if (!pair.intact()) into.error = damaged;
}

}  // namespace cooper::bench
