// SPDX-License-Identifier: BSD-3-Clause
#include "bulk_rtt/bulk_rtt.hpp"

namespace cooper::bench::bulk_rtt {
namespace {

constexpr contender contenders[] = {
    {"moved", "the buffer's ownership travels in a line; each side writes and reads its first 64 bytes", 2,
     measure_moved},
    {"copied", "the same conversation, but each side copies all of it into a buffer of its own", 2, measure_copied},
};

}  // namespace

const workload table{"bulk_rtt", "a payload larger than a line, to an actor on another core and back", contenders};

}  // namespace cooper::bench::bulk_rtt
