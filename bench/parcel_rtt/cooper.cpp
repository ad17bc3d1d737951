// SPDX-License-Identifier: BSD-3-Clause
// On the drivers: as core actors, and as unmodified ones.
#include "parcel_rtt/parcel_rtt.hpp"

namespace cooper::bench::parcel_rtt {
namespace {

template <class Self>
actor_conversation pair_of(bool same_core) {
  // Placement must not bring the two together.
  return {.cores = same_core ? 1u : 2u,
          .placement = "spawner",
          .spawn =
              [same_core](caf::actor_system& system, finish_line& line) {
                const caf::actor other = *actors::spawn_on(system, core_number(same_core ? 0 : 1), wall<Self>);
                return actor_pair{*actors::spawn_on(system, core_id{0}, player<Self>, &line, other), other};
              },
          .start = [](const caf::actor& one, std::uint64_t count) { caf::anon_send(one, caf::ok_atom::value, count); }};
}

}  // namespace

actor_conversation core_actors(bool same_core) { return pair_of<actors::basic_core_actor<>>(same_core); }

void measure_cooper(run& r, const contender& self) {
  r.add(measure_on_drivers(r, r.new_row(self, 2), core_actors(false)));
  row same = r.new_row(self, 1);
  same.parameters = "same_core";
  r.add(measure_on_drivers(r, std::move(same), core_actors(true)));
}
void measure_drop_in(run& r, const contender& self) {
  r.add(measure_on_drivers(r, r.new_row(self, 2), pair_of<caf::event_based_actor>(false)));
}

}  // namespace cooper::bench::parcel_rtt
