// SPDX-License-Identifier: BSD-3-Clause
// parcel_rtt: a CAF message from one actor to another and back. The same two behaviours for every contender.
#pragma once

#include <caf/all.hpp>

#include <cooper/runtime/native_environment.hpp>

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
  struct state {
    std::uint64_t left = 0, warm_up = 0;
    instant begun{};
  };
  auto s = std::make_shared<state>();
  const auto play = [self, line, to, s] {
    if (s->warm_up-- == 0) s->begun = native::now();
    if (s->left-- == 0) {
      line->cross(static_cast<double>((native::now() - s->begun).count()));
    } else {
      self->send(to, s->left);
    }
  };
  return {[s, play](caf::ok_atom, std::uint64_t count) {
            s->warm_up = count / 50 + 4;
            s->left = count + s->warm_up;
            play();
          },
          [play](std::uint64_t) { play(); }};
}

extern const workload table;

}  // namespace cooper::bench::parcel_rtt
