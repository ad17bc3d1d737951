// SPDX-License-Identifier: BSD-3-Clause
// One timer of a core that stands for the earliest of many deadlines, which its owner keeps. The core's thread only.
#pragma once

#include <utility>

#include <cooper/runtime/core.hpp>

namespace cooper::actors {

class earliest_timer {
 public:
  void attach(core& here) { here_ = &here; }
  // Runs `expire` at `earliest`, unless it will run before anyway; after that the owner asks again.
  template <class F>
  void arm(instant earliest, F expire) {
    if (earliest >= armed_for_) return;
    cancel();
    armed_for_ = earliest;
    timer_ = here_->at(earliest, [this, expire = std::move(expire)]() mutable {
      armed_for_ = never;
      expire();
    });
  }
  void cancel() {
    if (armed_for_ != never) here_->cancel(timer_);
    armed_for_ = never;
  }

 private:
  core* here_ = nullptr;
  instant armed_for_ = never;
  timer_id timer_{};
};

}  // namespace cooper::actors
