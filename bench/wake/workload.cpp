// SPDX-License-Identifier: BSD-3-Clause
#include "wake/wake.hpp"

namespace cooper::bench::wake {
namespace {

constexpr contender contenders[] = {
    {"cooper", "a line to a parked driver, until its handler has run", 2, measure_cooper},
    {"condvar", "std::condition_variable, until the woken thread has stored its answer", 2, measure_condvar},
    {"disturbance", "what a computing core loses while another parks often", 2, measure_disturbance},
};

}  // namespace

const workload table{"wake", "waking a sleeping receiver, against a blocking read of an eventfd", contenders};

}  // namespace cooper::bench::wake
