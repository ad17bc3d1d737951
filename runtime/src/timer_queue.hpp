// SPDX-License-Identifier: BSD-3-Clause
// Timers of one core, by deadline and then by order of setting. Driver only.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

#include <cooper/runtime/core.hpp>

namespace cooper::detail {

class timer_queue {
 public:
  bool empty() const { return by_deadline_.empty(); }
  instant next_deadline() const { return by_deadline_.empty() ? never : by_deadline_.begin()->first.first; }

  timer_id add(instant when, job work) {
    const std::uint64_t id = ++last_id_;
    by_deadline_.emplace(std::pair{when, id}, std::move(work));
    deadlines_.emplace(id, when);
    return {id};
  }

  bool cancel(timer_id timer) {
    const auto found = deadlines_.find(timer.value);
    if (found == deadlines_.end()) return false;
    by_deadline_.erase({found->second, timer.value});
    deadlines_.erase(found);
    return true;
  }

  // The earliest timer that is due, removed; an empty job where there is none.
  job take_due(instant now) {
    if (by_deadline_.empty() || by_deadline_.begin()->first.first > now) return {};
    auto node = by_deadline_.extract(by_deadline_.begin());
    deadlines_.erase(node.key().second);
    return std::move(node.mapped());
  }

 private:
  std::map<std::pair<instant, std::uint64_t>, job> by_deadline_;
  std::unordered_map<std::uint64_t, instant> deadlines_;
  std::uint64_t last_id_ = 0;
};

}  // namespace cooper::detail
