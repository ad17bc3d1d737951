// SPDX-License-Identifier: BSD-3-Clause
// The calls of one core that wait for an answer. Its thread only.
//
// A request carries a call word: where in this table its answer belongs, with a generation, so that an answer that
// comes after the call was given up finds nobody. Answers travel to the unit's endpoint on the lane for replies. A call
// reserves room for its answer: at most window_max calls from one core to another are under way, which is what the
// answering core's overflow takes.
#pragma once

#include <cstdint>
#include <vector>

#include <cooper/actors/call_base.hpp>
#include <cooper/runtime/core.hpp>
#include "earliest_timer.hpp"

namespace cooper::actors {

class core_unit;

class call_table {
 public:
  static constexpr std::size_t window_max = 1024;
  static constexpr std::size_t size_max = 1u << 20;

  explicit call_table(std::size_t core_count) : under_way_(core_count) {}

  void attach(core& here) {
    here_ = &here;
    timer_.attach(here);
  }
  // No timer of the core refers to this table any more.
  void detach();

  // A word for a new call to `to`, or nothing: the window to that core is used up.
  std::uint64_t begin(call_base& call, core_id to);
  // The call wants no answer any more.
  void forget(call_base& call);
  // An answer, or a failure, for the call with that word; null if nobody waits for it any more.
  call_base* take(std::uint64_t word);

  void set_deadline(call_base& call, instant when);
  // Ends all calls to a core, or all there are.
  void fail_all(errc why, core_id to);
  void fail_all(errc why);
  std::size_t size() const { return in_use_; }
  std::size_t under_way(core_id to) const { return under_way_[to.value]; }

 private:
  // Index in the table (20 bits), and how often that was used (44): it does not come round.
  static std::uint32_t index_of(std::uint64_t word) { return static_cast<std::uint32_t>(word & 0xfffff); }
  static std::uint64_t life_of(std::uint64_t word) { return word >> 20; }

  struct slot {
    call_base* call = nullptr;
    core_id to;
    std::uint64_t life = 1;  // never 0: a word of 0 means that there is no call
  };
  struct deadline {
    instant when;
    std::uint64_t word;
    friend bool operator>(const deadline& a, const deadline& b) { return a.when > b.when; }
  };

  void release(std::uint32_t index);
  bool waits(std::uint64_t word) const;
  void arm();
  void expire();

  core* here_ = nullptr;
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::size_t> under_way_;  // by core
  std::size_t in_use_ = 0;
  std::vector<deadline> deadlines_;  // a heap; entries of calls that were answered stay until they outnumber the others
  earliest_timer timer_;
};

}  // namespace cooper::actors
