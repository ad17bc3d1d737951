// SPDX-License-Identifier: BSD-3-Clause
// The knowledge base as the commands open it: the machine's facts, and the costs of its links. Main thread.
#pragma once

#include <memory>
#include <string>

#include <cooper/runtime/topology.hpp>
#include <cooper/skb/knowledge_base.hpp>

namespace cooper::tools {

struct knowledge {
  std::unique_ptr<skb::knowledge_base> base;
  // Where the costs are from, for people; empty without an engine.
  std::string costs;
  std::vector<std::string> warnings;
};

// Costs of this machine are measured once, and kept in the user's cache folder; --remeasure measures again. Of another
// machine they are assumed, and said to be. Without an engine it is opened all the same: trees are direct.
result<knowledge> open_knowledge(const topology& machine, bool remeasure);

// Says on standard error where costs come from, as far as somebody should know.
void print_warnings(const knowledge& from);

}  // namespace cooper::tools
