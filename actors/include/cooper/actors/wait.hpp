// SPDX-License-Identifier: BSD-3-Clause
// What a coroutine of an actor may wait for besides answers: room on a lane, and time.
#pragma once

#include <coroutine>
#include <memory>
#include <utility>

#include <cooper/actors/resident.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::actors {

namespace detail {

// Suspends a coroutine until a job of its core has run; a coroutine that is destroyed first is left alone.
class waiting {
 public:
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_resume() const noexcept {}

 protected:
  explicit waiting(resident& self) : self_{self} {}
  ~waiting() {
    if (state_) state_->waiter = nullptr;
  }
  // The job that resumes `waiter`: for a later turn, since activations do not nest.
  cooper::job resumption(std::coroutine_handle<> waiter) {
    state_ = std::make_shared<state>(state{&self_, waiter});
    return [shared = state_] {
      if (!shared->waiter) return;
      const auto resumed = std::exchange(shared->waiter, nullptr);
      shared->self->activate([&] { resumed.resume(); });
    };
  }
  resident& self_;

 private:
  struct state {
    resident* self;
    std::coroutine_handle<> waiter;
  };
  std::shared_ptr<state> state_;
};

}  // namespace detail

// Suspends until a lane to a core has room for a line, or that core is down.
class [[nodiscard]] room_on_lane : public detail::waiting {
 public:
  room_on_lane(resident& self, core_id to) : waiting{self}, to_{to} {}
  void await_suspend(std::coroutine_handle<> waiter) { self_.when_writable(to_, resumption(waiter)); }

 private:
  core_id to_;
};

// Suspends for a time, at least until the core's next turn.
class [[nodiscard]] delay : public detail::waiting {
 public:
  delay(resident& self, duration time) : waiting{self}, time_{time} {}
  void await_suspend(std::coroutine_handle<> waiter) { self_.after(time_, resumption(waiter)); }

 private:
  duration time_;
};

}  // namespace cooper::actors
