// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/skb/engine.hpp>

#include <algorithm>

namespace cooper::skb {

const term* answer::find(std::size_t row, std::string_view name) const noexcept {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() || row >= rows.size() ? nullptr : &rows[row][static_cast<std::size_t>(at - names.begin())];
}

}  // namespace cooper::skb
