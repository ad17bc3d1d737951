// SPDX-License-Identifier: BSD-3-Clause
#include "flow_control/flow_control.hpp"

namespace cooper::bench::flow_control {
namespace {

constexpr contender contenders[] = {
    {"credit_word", "the product's channel: credit in a line that the receiver overwrites", 2, measure_credit_word},
    {"used_flag", "the receiver clears a flag in each slot, the sender looks at it", 2, measure_used_flag},
    {"piggyback", "acknowledgements ride on the messages of the way back", 2, measure_piggyback},
};

}  // namespace

const workload table{"flow_control", "how a sender learns that a slot is free: three ways, same rings", contenders};

}  // namespace cooper::bench::flow_control
