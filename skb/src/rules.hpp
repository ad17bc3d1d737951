// SPDX-License-Identifier: BSD-3-Clause
// The shipped rules, compiled in: no path can fail to be found. Made of rules/*.pl when Cooper is built.
#pragma once

#include <span>
#include <string_view>

namespace cooper::skb {

struct rules_file {
  std::string_view name;
  std::string_view text;
};

std::string_view guard_rules();
// Those of the module `skb`, the vocabulary first.
std::span<const rules_file> shipped_rules();

}  // namespace cooper::skb
