// SPDX-License-Identifier: BSD-3-Clause
// What tests of the knowledge base begin with: an engine, a described machine; and what words must be like.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include <cooper/runtime/topology.hpp>
#include <cooper/skb/engine.hpp>

namespace cooper::test {

inline std::unique_ptr<skb::engine> started() {
  auto made = skb::engine::start();
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
  return std::move(*made);
}

inline topology described(const std::string& description) {
  auto made = topology::from_synthetic(description);
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
  return std::move(*made);
}

// A line that a terminal can show.
inline bool readable(std::string_view words) {
  return words.size() <= 500 && std::all_of(words.begin(), words.end(),
                                            [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

}  // namespace cooper::test
