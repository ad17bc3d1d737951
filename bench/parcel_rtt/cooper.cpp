// SPDX-License-Identifier: BSD-3-Clause
// On the drivers: as core actors, and as unmodified ones.
#include "parcel_rtt/parcel_rtt.hpp"

namespace cooper::bench::parcel_rtt {
namespace {

template <class Self>
void measure_pair(run& r, const contender& self) {
  // Placement must not bring the two together.
  r.add(measure_on_drivers(
      r, r.new_row(self, 2), 2, "spawner",
      [](caf::actor_system& system, finish_line& line) {
        const caf::actor other = *actors::spawn_on(system, core_id{1}, wall<Self>);
        return actor_pair{*actors::spawn_on(system, core_id{0}, player<Self>, &line, other), other};
      },
      [](const caf::actor& one, std::uint64_t count) { caf::anon_send(one, caf::ok_atom::value, count); }));
}

}  // namespace

void measure_cooper(run& r, const contender& self) { measure_pair<actors::basic_core_actor<>>(r, self); }
void measure_drop_in(run& r, const contender& self) { measure_pair<caf::event_based_actor>(r, self); }

}  // namespace cooper::bench::parcel_rtt
