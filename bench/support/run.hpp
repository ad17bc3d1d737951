// SPDX-License-Identifier: BSD-3-Clause
// A run of the benchmarks: what was asked for, the threads, the rows so far; and the table of all workloads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/runtime/topology.hpp>
#include <cooper/vocabulary/error.hpp>

#include "support/row.hpp"
#include "support/sampling.hpp"
#include "support/team.hpp"

namespace cooper::bench {

struct run_options {
  const topology* where = nullptr;
  std::vector<core_id> cores;  // of the topology, in order; the first two are the pair. Not empty.
  double seconds = 1;          // a contender
  bool smoke = false;
  bool pairs = false;  // line_rtt/cooper over all pairs of cores
  bool claim = true;   // CPU drivers claim their cores
  // Told what is about to be measured, e.g. to draw a progress line. Main thread.
  std::function<void(const std::string& what)> progress;
};

class run;

struct contender {
  std::string_view name;
  std::string_view summary;
  std::size_t cores_needed;
  void (*measure)(run& r, const contender& self);
};

struct workload {
  std::string_view name;
  std::string_view summary;
  std::span<const contender> contenders;
};

// Every workload of this build, in the order of the report. Filled from explicit tables: nothing registers itself.
std::span<const workload> all_workloads();

// Workloads, and each workload/contender.
std::vector<std::string> all_names();

// What a name on the command line means: a workload, or workload/contender. Empty if there is no such thing.
struct selection {
  const workload* what;
  const contender* only;  // null: all
};
std::optional<selection> select(std::string_view name);

class run {
 public:
  explicit run(run_options options) : options_{std::move(options)} {}

  const run_options& options() const { return options_; }
  std::size_t core_count() const { return options_.cores.size(); }
  unsigned cpu(std::size_t index) const;  // the operating system's number of options().cores[index]
  // The threads, one for each of options().cores; started on first use.
  team& threads();
  floor_lines& floor() { return *floor_; }
  // For one of `parts` equal pieces of a contender's time.
  sampling_plan plan(std::size_t parts = 1) const;

  // Measures the contenders one after the other; stops between windows when interrupted.
  void measure(const selection& what);

  // -- for contenders
  row new_row(const contender& self, std::size_t cores) const;
  void add(row r) { rows_.push_back(std::move(r)); }
  void progress(const std::string& what) const {
    if (options_.progress) options_.progress(what);
  }

  // All rows, summarised. To be asked when the run has ended.
  std::vector<row> finish();

 private:
  run_options options_;
  std::unique_ptr<team> team_;
  std::unique_ptr<floor_lines> floor_ = std::make_unique<floor_lines>();
  const workload* current_ = nullptr;
  std::vector<row> rows_;
};

}  // namespace cooper::bench
