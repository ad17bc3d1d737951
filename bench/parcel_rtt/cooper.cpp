// SPDX-License-Identifier: BSD-3-Clause
// On the drivers: as core actors, and as unmodified ones.
#include "parcel_rtt/parcel_rtt.hpp"

namespace cooper::bench::parcel_rtt {
namespace {

template <class Self>
void measure_on_drivers(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  // Placement must not bring the two together.
  auto rig = actor_rig::boot(r, 2, "spawner");
  if (!rig) {
    explain_failure(out, rig.error());
    return r.add(std::move(out));
  }
  {
    finish_line line;
    caf::actor_system& system = (*rig)->system();
    const caf::actor other = *actors::spawn_on(system, core_id{1}, wall<Self>);
    const caf::actor one = *actors::spawn_on(system, core_id{0}, player<Self>, &line, other);
    sample_conversation(
        r, **rig, [&](std::uint64_t count) { caf::anon_send(one, caf::ok_atom::value, count); }, line, out);
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
    system.await_all_actors_done();
  }
  r.add(std::move(out));
}

}  // namespace

void measure_cooper(run& r, const contender& self) { measure_on_drivers<actors::basic_core_actor<>>(r, self); }
void measure_drop_in(run& r, const contender& self) { measure_on_drivers<caf::event_based_actor>(r, self); }

}  // namespace cooper::bench::parcel_rtt
