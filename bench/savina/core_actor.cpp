// SPDX-License-Identifier: BSD-3-Clause
#include "savina/programs.hpp"

namespace cooper::bench::savina {

double run_core_actors(caf::actor_system& on, program p, const sizes& s) {
  return programs<actors::basic_core_actor<>>::run(on, p, s);
}

}  // namespace cooper::bench::savina
