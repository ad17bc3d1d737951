// SPDX-License-Identifier: BSD-3-Clause
// Faults that one test's build of this module can switch on (tests/model/actors), to show that the test would notice
// them. In the product there is nothing of them.
#pragma once

#include <cstdint>

namespace cooper::actors {

enum class fault : std::uint8_t {
  none,
  no_flush,        // nobody waits for what is on its way before an actor or a core goes
  lines_lost,      // a line without a receiver is dropped, and nobody told
  line_forgotten,  // a line in a bounced mailbox element is nobody's
  room_forgotten,  // lines that still find no room are not tried again
  overtaking,      // a line does not wait behind those that are kept for its core
  late_settlers,   // a core that is leaving takes in newcomers
  count
};

#ifdef COOPER_PLANTED_FAULTS
inline fault planted_fault = fault::none;
inline bool planted(fault f) { return planted_fault == f; }
#else
constexpr bool planted(fault) { return false; }
#endif

}  // namespace cooper::actors
