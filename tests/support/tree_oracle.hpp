// SPDX-License-Identifier: BSD-3-Clause
// How fast a broadcast can be at all: exact answers to hold multicast trees against, and synthetic machines to ask for.
//
// The model is that of the knowledge base's rules: a sender is busy for send(i, j) with each message, one after the
// other, and core j can use its message rest(i, j) after that send ended. Times are whole nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cooper::test {

// Row i is what core i pays to send to the others; the diagonal is not read.
struct broadcast_costs {
  std::vector<std::vector<std::int64_t>> send;
  std::vector<std::vector<std::int64_t>> rest;

  std::size_t cores() const { return send.size(); }
};

inline constexpr std::size_t oracle_cores_max = 16;

// The least time in which `root` can reach all cores, by a table over all subsets: about a second for 16 cores. Any
// costs from 0 to a second. Throws std::invalid_argument with more than oracle_cores_max cores, and for matrices that
// do not fit.
std::int64_t least_broadcast_ns(const broadcast_costs& costs, std::size_t root);

// What one kind of link costs: `send` of the `one_way` time is the sender's.
struct link_kind {
  std::int64_t send_ns;
  std::int64_t one_way_ns;

  std::int64_t rest_ns() const { return one_way_ns - send_ns; }
};

// Which packages are near each other.
enum class package_layout : std::uint8_t {
  alike,   // all
  ring,    // neighbours
  boards,  // those of the same half
};

// Equal packages of equal cores, numbered package by package; each package has one cache that its cores share.
struct synthetic_machine {
  std::string_view name;
  std::size_t packages;
  std::size_t cores_per_package;
  package_layout layout;
  link_kind inside;
  link_kind near;
  link_kind far;

  std::size_t cores() const { return packages * cores_per_package; }
  std::size_t package_of(std::size_t core) const { return core / cores_per_package; }
  bool are_near(std::size_t package, std::size_t other) const;
  const link_kind& link(std::size_t from, std::size_t to) const;
};

broadcast_costs costs_of(const synthetic_machine& machine);

// The machines of the feasibility study. "gap" sends at the published throughput, "small" with a small share of the
// latency; "boards" and "strong" are made up to be far from uniform.
std::span<const synthetic_machine> study_machines();

// The same exact time from any core, where all packages look alike from each other: members of a package are
// interchangeable, so a table over counts is enough. 8 packages of 4 take some seconds, unoptimized some more. Throws
// std::invalid_argument for a ring of more than 3 packages, and where the table would be too large.
std::int64_t least_broadcast_ns(const synthetic_machine& machine);

}  // namespace cooper::test
