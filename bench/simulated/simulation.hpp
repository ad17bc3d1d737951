// SPDX-License-Identifier: BSD-3-Clause
// What a program of programs.hpp is given: machines as the scenario has them, bounded runs, and a place for its rows.
//
//   auto m = on.make(cores, [](simulation_options& o) { o.channel_memory = core_id{0}; });
//   if (auto ended = on.run(**m, [&] { return done; }, "the answers"); !ended) return ended.error();
//
// Nothing here runs for ever: virtual time is bounded by the plan's `until`, turns by `turns_max`, and who interrupts
// is heard between turns.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cooper/runtime/machine.hpp>
#include <cooper/runtime/shared_line.hpp>

#include "simulated/programs.hpp"

namespace cooper::bench::simulated {

struct simulation_plan {
  topology where;
  profile costs;
  std::vector<core_id> cores;  // of `where`
  std::uint64_t seed = 1;
  std::vector<fault> faults = {};  // of each machine that the program makes, as far as it has their cores
  std::optional<duration> until = {};
  std::vector<std::pair<std::string, load_value>> load = {};
  std::vector<std::pair<std::string, cost>> handlers = {};
  std::uint64_t turns_max = 1'000'000'000;
  bool trace = false;  // of the first machine
  std::function<bool()> interrupted = {};
};

// How the host did; no part of the result.
struct host_account {
  std::uint64_t machines = 0, turns = 0, messages = 0;
  double seconds = 0;
  double messages_per_second() const { return seconds > 0 ? static_cast<double>(messages) / seconds : 0; }
};

class simulation {
 public:
  explicit simulation(simulation_plan plan) : plan_{std::move(plan)} {}
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  // Gives back what a machine knows when it ends, so machines must end before what runs on them, and before this.
  struct closer {
    simulation* of = nullptr;
    void operator()(machine* m) const;
  };
  using machine_ptr = std::unique_ptr<machine, closer>;
  // A machine of the first `cores` of the plan's. Errors: as machine::simulate's.
  result<machine_ptr> make(std::size_t cores, const std::function<void(simulation_options&)>& adjust = {});

  // Turns until `done`. Errors: deadline_passed (no more can happen, or a bound was met: `awaited` is in the message),
  // cancelled (interrupted).
  result<void> run(machine& m, const std::function<bool()>& done, std::string_view awaited);
  // `work` on that core, within the same bounds.
  result<void> call(machine& m, core_id where, const std::function<void(core&)>& work);
  // Lets so much virtual time go by. Errors: as run's.
  result<void> rest(machine& m, duration d);

  const topology& where() const { return plan_.where; }
  const profile& costs() const { return plan_.costs; }
  const std::vector<core_id>& cores() const { return plan_.cores; }
  std::int64_t number(std::string_view key) const;
  const std::string& text(std::string_view key) const;
  // What the scenario says a handler costs; nothing if it does not.
  cost handler(std::string_view name) const;
  // "2,4,8": ascending, from `least` to all cores; if the text is empty, powers of two and all. Errors: bad_option.
  result<std::vector<std::size_t>> counts(std::string_view key, std::size_t least) const;
  // "unicast,broadcast": those of `all` that the text names; all if it is empty. Errors: unknown_name.
  result<std::vector<std::string>> choices(std::string_view key, const std::vector<std::string>& all) const;

  void add(measurement row) { rows_.push_back(std::move(row)); }
  const std::vector<measurement>& rows() const { return rows_; }
  const host_account& host() const { return host_; }
  const std::string& trace() const { return trace_; }  // Chrome JSON
  bool was_interrupted() const { return interrupted_; }

 private:
  result<void> may_go_on(const machine& m, std::string_view awaited);
  instant limit() const { return plan_.until ? instant{plan_.until->count()} : never; }

  simulation_plan plan_;
  std::vector<measurement> rows_;
  host_account host_;
  std::string trace_;
  bool interrupted_ = false;
};

// What all cores have sent until now, and what the lines moved that they share.
traffic traffic_of(machine& m, const std::vector<const shared_line*>& shared = {});
// For one of `count`.
traffic each(const traffic& after, const traffic& before, std::uint64_t count);

}  // namespace cooper::bench::simulated
