// SPDX-License-Identifier: BSD-3-Clause
#include "parcel_rtt/parcel_rtt.hpp"

namespace cooper::bench::parcel_rtt {
namespace {

constexpr contender contenders[] = {
    {"cooper", "core actors on two cores: the message crosses as a pointer in a line", 2, measure_cooper},
    {"drop_in", "unmodified CAF actors, one on each core of ours, kept there", 2, measure_drop_in},
    {"caf_same_worker", "stock CAF, both actors on one worker: crosses nothing", 2, measure_caf_same_worker},
    {"caf_detached", "stock CAF, a thread each on two cores; on a virtual machine nearly all of it is the wake-up", 2,
     measure_caf_detached},
    {"caf_scoped", "stock CAF, scoped_actor's request to a detached actor on the other core", 2, measure_caf_scoped},
};

}  // namespace

const workload table{"parcel_rtt", "a CAF message to an actor on another core and back", contenders};

}  // namespace cooper::bench::parcel_rtt
