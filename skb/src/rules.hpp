// SPDX-License-Identifier: BSD-3-Clause
// The shipped rules, compiled in: no path can fail to be found.
#pragma once

#include <span>

namespace cooper::skb {

// A saved state of SWI-Prolog, for PL_set_resource_db_mem: rules/*.pl and the libraries they use, as save_rules.pl made
// it when Cooper was built. Only the version that saved it reads it.
std::span<const unsigned char> rules_state();

}  // namespace cooper::skb
