// SPDX-License-Identifier: BSD-3-Clause
// Faults of a simulated machine, as data: what goes wrong, where, when, and for how long.
//
//   options.faults = {{.kind = fault_kind::pause, .begin = 2ms, .length = 1ms, .core = core_id{3}}};
//   options.faults = draw_faults({.faults = 5, .within = 10ms}, cores, seed);      // or drawn: a swarm
//
// They are known before the run, so that they can be printed first and the run repeated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper {

enum class fault_kind : std::uint8_t {
  stop,   // the core makes no turn any more; nobody is told
  pause,  // it makes none for a while
  slow,   // all that it does costs `factor` times as much
  delay,  // lines on the link from `core` to `to` take `by` longer
  fill,   // that link takes no credit back: once its ring is full, nothing more can be sent on it
  late,   // timers of the core ring `by` late
};
inline constexpr std::size_t fault_kind_count = 6;
std::string_view name_of(fault_kind) noexcept;

struct fault {
  fault_kind kind = fault_kind::pause;
  duration begin{};   // since the machine was made
  duration length{};  // of all but stop
  core_id core{};
  core_id to{};              // delay and fill
  duration by{};             // delay and late
  std::uint32_t factor = 1;  // slow: 2 to 1000
  friend bool operator==(const fault&, const fault&) = default;
};

// "core 3 pauses from 2 ms for 1 ms"
std::string words_of(const fault&);

// What a swarm may draw: which kinds, how many, and how bad. Equal seed, equal faults.
struct swarm {
  std::size_t faults = 3;
  duration within{};      // they begin before this
  duration length_max{};  // and last at most so long; 0: a tenth of `within`
  duration by_max{};      // 0: the same
  std::uint32_t factor_max = 10;
  std::uint32_t kinds = (1u << fault_kind_count) - 2;  // as bits, 1 << fault_kind; all but stop, unless told
};
// In the order in which they begin; no two of one kind overlap on the same core or link. Errors: bad_option, also when
// there is no room for so many.
result<std::vector<fault>> draw_faults(const swarm& plan, std::size_t cores, std::uint64_t seed);

// Errors: bad_option (times that are negative, or 0 where nothing would happen, a core that is not there, a factor out
// of range, a link of one core, two of a kind at the same time and place); the detail begins with "fault 2: ", counted
// from 1.
result<void> check(const std::vector<fault>& faults, std::size_t cores);

}  // namespace cooper
