// SPDX-License-Identifier: BSD-3-Clause
// The platform on which the real CPU driver runs under the explorer: model words, a modelled eventfd and queue.
#pragma once

#include "driver_idle.hpp"
#include "driver_links.hpp"
#include "driver_send.hpp"
#include "driver_turn.hpp"
#include "model_environment.hpp"

namespace cooper::model {

class driver_sleeper {
 public:
  void signal() { inner_.signal(); }
  static void nudge() {}
  bool wait(instant deadline) { return inner_.wait(deadline); }
  bool poll() { return false; }
  result<boost::asio::io_context*> io() { return error{errc::not_supported_here}; }
  result<int> wake_fd() { return error{errc::not_supported_here}; }
  duration wake_cost() const { return duration::zero(); }

 private:
  sleeper inner_;
};

template <class T>
class driver_queue {
 public:
  bool push(T item) { return inner_.push(item); }
  bool pop(T& item) {
    const std::optional<T> popped = inner_.pop();
    if (popped) item = *popped;
    return popped.has_value();
  }
  bool empty() { return inner_.empty(); }

 private:
  model::queue<T> inner_;
};

struct model_platform {
  using environment = model_environment;
  using sleeper = driver_sleeper;
  template <class T>
  using queue = driver_queue<T>;

  // Every empty turn is one in which the driver may park: polling for longer adds executions, and no new order.
  static constexpr unsigned idle_check_turns = 1;
  static constexpr unsigned ring_looks = 1;
  static constexpr std::uint64_t clock_turn_mask = 0;
  static constexpr duration wake_cost_guess{0};
  template <class Driver>
  static void park_announced(Driver&, instant, instant) {}
  template <class Driver>
  static void about_to_sleep(Driver&) {}
};

using driver = cooper::detail::basic_driver<model_platform>;

}  // namespace cooper::model
