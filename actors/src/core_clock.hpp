// SPDX-License-Identifier: BSD-3-Clause
// CAF's timeouts and delayed messages as timers of the cores.
//
// CAF has one actor_clock a system. Ours hands each call to the clock of the core that makes it; a call from a thread
// that is no core goes to the first core in service, by the gateway. An actor that moved leaves its timeouts behind:
// they come by message, and CAF ignores one whose number is not the actor's latest. A cancellation reaches the calling
// core's clock only.
#pragma once

#include <vector>

#include <caf/actor_clock.hpp>
#include <caf/detail/simple_actor_clock.hpp>

#include <cooper/runtime/core.hpp>
#include "earliest_timer.hpp"

namespace cooper::actors {

class core_scheduler;

// Of one core; its thread only. The bookkeeping is CAF's, the timer is the core's.
class unit_clock final : public caf::detail::simple_actor_clock {
 public:
  void attach(core& here) {
    here_ = &here;
    timer_.attach(here);
  }
  time_point now() const noexcept override;
  // All entries, for another core's clock; and from another's.
  using entries = std::vector<unique_delayed_event_ptr>;
  entries take_all();
  void add_all(entries all);
  // After a change: one timer of the core stands for the earliest entry.
  void arm();

 private:
  core* here_ = nullptr;
  earliest_timer timer_;
};

// Of the system; any thread.
class system_clock final : public caf::actor_clock {
 public:
  explicit system_clock(core_scheduler& owner) : owner_{owner} {}

  time_point now() const noexcept override;
  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) override;
  void cancel_all() override;

 private:
  // Runs f(clock) on the core whose thread this is, or on the first in service. `keep` lives until then.
  template <class F>
  void on_clock(F f);

  core_scheduler& owner_;
};

}  // namespace cooper::actors
