// SPDX-License-Identifier: BSD-3-Clause
// Every order in which the cores of a simulated machine can take their turns.
//
// A scenario asks choices() wherever more than one thing could come next; it is run again and again, each time with
// other answers, depth first, until all have been given or the bound is reached: then the rest is drawn by chance. The
// grain is a turn of a core; what happens between the loads and stores within one is tests/model/driver_test.cpp's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <cooper/vocabulary/random.hpp>

namespace cooper::test {

class choices {
 public:
  // Below n.
  std::size_t operator()(std::size_t n) {
    if (n < 2 || resting_) return 0;
    if (at_ == made_.size()) made_.push_back({by_chance_ ? random_.below(n) : 0, n});
    return made_[at_++].taken;
  }
  // From here on order does not matter to the scenario: always the first.
  void rest() { resting_ = true; }
  // The same, for a scope.
  class resting {
   public:
    explicit resting(choices& all) : all_{all}, before_{std::exchange(all.resting_, true)} {}
    ~resting() { all_.resting_ = before_; }
    resting(const resting&) = delete;
    resting& operator=(const resting&) = delete;

   private:
    choices& all_;
    bool before_;
  };

  // Whether there is another execution.
  bool next() {
    at_ = 0;
    resting_ = false;
    if (by_chance_) {
      made_.clear();
      return true;
    }
    while (!made_.empty() && made_.back().taken + 1 == made_.back().of) made_.pop_back();
    if (made_.empty()) return false;
    ++made_.back().taken;
    return true;
  }
  void go_on_by_chance() { by_chance_ = true; }
  std::string text() const {
    std::string all;
    for (std::size_t i = 0; i < at_; ++i) all += std::to_string(made_[i].taken) + " ";
    return all;
  }

 private:
  struct choice {
    std::size_t taken, of;
  };
  std::vector<choice> made_;
  std::size_t at_ = 0;
  bool resting_ = false, by_chance_ = false;
  class random random_ {
    1
  };
};

struct orders_report {
  std::uint64_t executions = 0;
  bool complete = false;
  std::string wrong;  // what the scenario said of the first execution in which something was wrong, and its choices
};

// scenario: says what was wrong, or nothing. Three quarters of the bound are used in order, the rest by chance.
inline orders_report explore_orders(const std::function<std::string(choices&)>& scenario, std::uint64_t most) {
  orders_report report;
  choices choose;
  while (report.executions < most) {
    ++report.executions;
    if (const std::string wrong = scenario(choose); !wrong.empty()) {
      report.wrong = wrong + "; choices: " + choose.text();
      return report;
    }
    if (report.executions == most / 4 * 3) choose.go_on_by_chance();
    if (!choose.next()) {
      report.complete = true;
      return report;
    }
  }
  return report;
}

}  // namespace cooper::test
