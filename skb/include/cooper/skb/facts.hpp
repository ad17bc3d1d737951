// SPDX-License-Identifier: BSD-3-Clause
// The vocabulary: which facts there are, what their arguments mean, and the facts of a machine.
//
// Numbers of hardware threads are core_id values; operating system numbers only where it says os. Times are whole
// nanoseconds, sizes bytes, unknown is -1. rules/vocabulary.pl says the same to whoever reads rules.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <cooper/runtime/topology.hpp>
#include <cooper/skb/term.hpp>
#include <cooper/vocabulary/error.hpp>

namespace cooper::skb {

inline constexpr std::int64_t schema_version = 1;

// What an argument of a fact may be.
enum class argument : std::uint8_t {
  thread,      // a core_id
  id,          // a position, from 0
  id_or_none,  // the same, or -1
  amount,      // 0 or more
  unknown_or,  // an amount, or -1
  time,        // nanoseconds, 1 to an hour
  transit,     // nanoseconds, 0 to an hour, or -1
  name,        // a name or a text, UTF-8
  any,         // any ground term that is not too deep
};

struct fact_shape {
  std::string_view name;
  std::vector<argument> arguments;
  std::string_view meaning;
};

inline constexpr std::int64_t time_max_ns = 3'600'000'000'000;  // an hour

// All facts but schema/1 and facts_version/1, which the engine keeps.
std::span<const fact_shape> vocabulary();

// Whether it is a fact of the vocabulary, with arguments in their ranges. Errors: facts_rejected, which names the fact,
// or how it begins, in a line of at most 500 bytes.
result<void> check_fact(const term& fact);
// The same for a pattern: an argument may be a variable.
result<void> check_pattern(const term& pattern);
// The pattern that matches all facts of that name; it must be one of the vocabulary.
term any_fact(std::string_view name);

// Everything that is known of a machine's structure.
std::vector<term> facts_of(const topology& machine);

// Costs for a machine that cannot be measured, a file or a description: class_cost facts of the order that servers have
// (own; near lines cost about 200 ns one way, those to another package 600). They order trees; times are not to be
// believed.
std::vector<term> assumed_costs(const topology& machine);

}  // namespace cooper::skb
