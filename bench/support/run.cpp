// SPDX-License-Identifier: BSD-3-Clause
#include "support/run.hpp"

#include <algorithm>

#include "support/interrupt.hpp"

namespace cooper::bench {
std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const workload& w : all_workloads()) {
    names.emplace_back(w.name);
    for (const contender& c : w.contenders) names.push_back(std::string{w.name} + '/' + std::string{c.name});
  }
  return names;
}

std::optional<selection> select(std::string_view name) {
  const std::size_t slash = name.find('/');
  const std::string_view first = name.substr(0, slash);
  for (const workload& w : all_workloads()) {
    if (w.name != first) continue;
    if (slash == std::string_view::npos) return selection{&w, nullptr};
    for (const contender& c : w.contenders) {
      if (c.name == name.substr(slash + 1)) return selection{&w, &c};
    }
    return std::nullopt;
  }
  return std::nullopt;
}

unsigned run::cpu(std::size_t index) const { return options_.where->thread(options_.cores[index]).pu_index; }

team& run::threads() {
  if (!team_) {
    std::vector<unsigned> cpus;
    for (std::size_t i = 0; i < core_count(); ++i) cpus.push_back(cpu(i));
    team_ = std::make_unique<team>(cpus);
  }
  return *team_;
}

sampling_plan run::plan(std::size_t parts) const {
  return {.seconds = options_.seconds / static_cast<double>(std::max<std::size_t>(1, parts)), .smoke = options_.smoke};
}

void run::measure(const selection& what) {
  current_ = what.what;
  for (const contender& c : what.what->contenders) {
    if (interrupted()) return;
    if (what.only != nullptr && what.only != &c) continue;
    progress(std::string{what.what->name} + '/' + std::string{c.name});
    if (core_count() < c.cores_needed) {
      row r = new_row(c, core_count());
      r.skipped = true;
      r.error = "needs " + std::to_string(c.cores_needed) + " cores, and this run has " + std::to_string(core_count());
      add(std::move(r));
      continue;
    }
    c.measure(*this, c);
  }
}

row run::new_row(const contender& self, std::size_t cores) const {
  row r;
  r.workload = current_ != nullptr ? current_->name : "";
  r.contender = self.name;
  r.label = self.summary;
  for (std::size_t i = 0; i < std::min(cores, core_count()); ++i) r.cores.push_back(cpu(i));
  return r;
}

std::vector<row> run::finish() {
  summarise_all(rows_);
  return rows_;
}

}  // namespace cooper::bench
