// SPDX-License-Identifier: BSD-3-Clause
#include "savina/programs.hpp"

namespace cooper::bench::savina {

double run_stock(caf::actor_system& on, program p, const sizes& s) {
  return programs<caf::event_based_actor>::run(on, p, s);
}

}  // namespace cooper::bench::savina
