// SPDX-License-Identifier: BSD-3-Clause
#include "scenarios.hpp"

#include "parts.hpp"

namespace cooper::model {

const std::vector<scenario>& scenarios() {
  static const std::vector<scenario> all = [] {
    std::vector<scenario> v;
    add_channel_scenarios(v);
    add_parking_scenarios(v);
    add_lifetime_scenarios(v);
    add_binding_scenarios(v);  // last: the only one that is not explored completely
    return v;
  }();
  return all;
}

report explore(options how, const scenario& s) {
#if defined(__SANITIZE_THREAD__)
  // There is one thread of the operating system here, so ThreadSanitizer has little to find, and makes it all slow.
  how.random_seed = 1;
  how.executions_max = 200;
#endif
  if (!how.random_seed && s.random_executions != 0 && how.barriers == barrier_mode::membarrier) {
    how.random_seed = 1;
    how.executions_max = s.random_executions;
  }
  return explore(how, s.setup);
}

}  // namespace cooper::model
