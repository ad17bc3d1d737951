// SPDX-License-Identifier: BSD-3-Clause
#include "simulated/programs.hpp"

#include <algorithm>

namespace cooper::bench::simulated {

std::span<const program> programs() {
  static const std::vector<program> all{ping_pong(), stream(), ring(), shared_vs_message(), shootdown_messages()};
  return all;
}

const program* find_program(std::string_view name) {
  const auto all = programs();
  const auto at = std::find_if(all.begin(), all.end(), [&](const program& p) { return p.about.name == name; });
  return at == all.end() ? nullptr : &*at;
}

std::vector<program_description> descriptions() {
  std::vector<program_description> all;
  for (const program& p : programs()) all.push_back(p.about);
  return all;
}

}  // namespace cooper::bench::simulated
