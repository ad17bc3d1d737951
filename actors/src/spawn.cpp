// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/actors/spawn.hpp>

namespace cooper::actors {
namespace {

// The running core nearest to `core` that shares a cache with it, or itself.
core_id nearest(const machine& m, core_id core) {
  const auto status = m.status();
  const topology& where = m.where();
  const auto place_of = [&](core_id id) { return where.find_pu(status[id.value].pu_index).value_or(core_id{}); };
  core_id best = core;
  link_class closest = link_class::package;
  for (const core_status& other : status) {
    if (other.id == core || other.state == core_state::down) continue;
    const link_class between = where.relation(place_of(core), place_of(other.id));
    if (between >= closest) continue;
    best = other.id;
    closest = between;
  }
  return best;
}

}  // namespace

result<caf::execution_unit*> place::resolve(caf::actor_system& system) const {
  core_scheduler* scheduler = core_scheduler::of(system);
  if (scheduler == nullptr) {
    return error{errc::not_supported_here,
                 "this actor system runs on CAF's own scheduler: "
                 "load<cooper::actors::core_scheduler>() into its configuration"};
  }
  switch (kind_) {
    case kind::near:
      return scheduler->unit_of(nearest(scheduler->on(), core_));
    case kind::spread:
      return scheduler->unit_of(scheduler->next_core());
    case kind::pack:
      return scheduler->unit_of(core_id{0});
    case kind::on:
    case kind::beside:
      break;
  }
  return scheduler->unit_of(core_);
}

}  // namespace cooper::actors
