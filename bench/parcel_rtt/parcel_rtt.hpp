// SPDX-License-Identifier: BSD-3-Clause
// parcel_rtt: a CAF message from one actor to another and back. The same two behaviours for every contender.
#pragma once

#include <caf/all.hpp>

#include "support/actor_rig.hpp"
#include "support/run.hpp"

namespace cooper::bench::parcel_rtt {

void measure_cooper(run& r, const contender& self);
void measure_drop_in(run& r, const contender& self);
void measure_caf_same_worker(run& r, const contender& self);
void measure_caf_detached(run& r, const contender& self);
void measure_caf_scoped(run& r, const contender& self);

// Returns every number to its sender.
template <class Self>
caf::behavior wall(Self* self) {
  return {[self](std::uint64_t n) { self->send(caf::actor_cast<caf::actor>(self->current_sender()), n); },
          [](std::uint32_t n) { return n; }};
}

// Told a count, with the wall: plays so many balls, after a short warm-up.
template <class Self>
caf::behavior player(Self* self, finish_line* line, caf::actor to) {
  auto balls = std::make_shared<timed_count>(*line);
  const auto play = [self, to, balls] {
    if (balls->next()) self->send(to, balls->left());
  };
  return {[balls, play](caf::ok_atom, std::uint64_t count) {
            balls->begin(count);
            play();
          },
          [play](std::uint64_t) { play(); }};
}

// The conversation of measure_cooper, for a simulated machine too.
actor_conversation core_actors(bool same_core);

extern const workload table;

}  // namespace cooper::bench::parcel_rtt
