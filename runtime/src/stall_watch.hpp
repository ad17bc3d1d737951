// SPDX-License-Identifier: BSD-3-Clause
// Who stays in one handler for too long: compares what cores show from one look to the next. Any one thread at a time
// looks; add_durations may run beside it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <cooper/runtime/machine.hpp>

namespace cooper::detail {

class stall_watch {
 public:
  struct stall {
    core_id core;
    std::uint32_t endpoint;
    duration lasted;
    std::string sentence;
  };

  // Stalls that have become longer than the limit since the last look; each is told once.
  std::vector<stall> look(const std::vector<core_status>& now, duration limit);
  // Fills in busy_for, as far as it is known.
  void add_durations(std::vector<core_status>& all);

 private:
  struct seen {
    std::uint64_t turn = 0;
    std::uint32_t endpoint = 0;
    instant since = never;
    bool told = false;
  };
  std::mutex mutex_;
  std::vector<seen> seen_;
};

}  // namespace cooper::detail
