// SPDX-License-Identifier: BSD-3-Clause
// Litmus tests: a few words, a few threads, and the exact set of what their registers may hold at the end.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "explorer.hpp"

namespace cooper::model::litmus {

template <label Name, std::memory_order Order>
inline constexpr named_site<Name, Order> at{};

inline constexpr auto read_relaxed = at<"read", std::memory_order_relaxed>;
inline constexpr auto read_acquire = at<"read", std::memory_order_acquire>;
inline constexpr auto write_relaxed = at<"write", std::memory_order_relaxed>;
inline constexpr auto write_release = at<"write", std::memory_order_release>;
inline constexpr auto update_relaxed = at<"update", std::memory_order_relaxed>;
inline constexpr auto update_both = at<"update", std::memory_order_acq_rel>;

struct cells {
  word x, y, z;
  std::uint64_t data = 0;  // payload
  std::vector<std::uint64_t> r;
};
using shared_cells = std::shared_ptr<cells>;
using outcome = std::vector<std::uint64_t>;
using outcomes = std::set<outcome>;

struct observed {
  report found;
  outcomes seen;
};

// Explores the threads that `setup` adds over fresh cells, and collects the registers of every execution.
template <class Setup>
observed observe(const options& how, std::size_t registers, Setup setup) {
  observed result;
  result.found = explore(how, [&](program& p) {
    auto c = std::make_shared<cells>();
    c->r.resize(registers);
    p.name(c->x, "x");
    p.name(c->y, "y");
    p.name(c->z, "z");
    p.name(&c->data, sizeof(c->data), "data");
    setup(p, c);
    p.finally([c, &result](model_environment) { result.seen.insert(c->r); });
  });
  return result;
}

// Of two sides that each store and then look for the other's store.
inline outcomes with_both_zero() { return {{0, 0}, {0, 1}, {1, 0}, {1, 1}}; }
inline outcomes without_both_zero() { return {{0, 1}, {1, 0}, {1, 1}}; }

inline std::string text_of(const outcomes& all) {
  std::string text;
  for (const outcome& o : all) {
    text += "{";
    for (const std::uint64_t r : o) text += " " + std::to_string(r);
    text += " } ";
  }
  return text;
}

}  // namespace cooper::model::litmus
