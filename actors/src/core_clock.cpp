// SPDX-License-Identifier: BSD-3-Clause
#include "core_clock.hpp"

#include <memory>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/group.hpp>
#include <caf/mailbox_element.hpp>

#include <cooper/actors/core_scheduler.hpp>
#include "core_unit.hpp"

namespace cooper::actors {
namespace {

caf::actor_clock::time_point point_of(instant t) {
  return caf::actor_clock::time_point{std::chrono::nanoseconds{t.ns}};
}
instant instant_of(caf::actor_clock::time_point t) {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count()};
}

}  // namespace

caf::actor_clock::time_point unit_clock::now() const noexcept { return point_of(here_->now()); }

unit_clock::entries unit_clock::take_all() {
  entries all;
  for (auto& [due, entry] : schedule_) all.push_back(std::move(entry));
  actor_lookup_.clear();
  schedule_.clear();
  timer_.cancel();
  return all;
}

void unit_clock::add_all(entries all) {
  for (auto& entry : all) {
    switch (entry->subtype) {
      case ordinary_timeout_type: {
        auto& e = static_cast<ordinary_timeout&>(*entry);
        set_ordinary_timeout(e.due, e.self->get(), e.type, e.id);
        break;
      }
      case multi_timeout_type: {
        auto& e = static_cast<multi_timeout&>(*entry);
        set_multi_timeout(e.due, e.self->get(), e.type, e.id);
        break;
      }
      case request_timeout_type: {
        auto& e = static_cast<request_timeout&>(*entry);
        set_request_timeout(e.due, e.self->get(), e.id);
        break;
      }
      case actor_msg_type: {
        auto& e = static_cast<actor_msg&>(*entry);
        schedule_message(e.due, std::move(e.receiver), std::move(e.content));
        break;
      }
      case group_msg_type: {
        auto& e = static_cast<group_msg&>(*entry);
        schedule_message(e.due, std::move(e.target), std::move(e.sender), std::move(e.content));
        break;
      }
      default:
        break;
    }
  }
  arm();
}

void unit_clock::arm() {
  if (schedule().empty()) return;
  timer_.arm(instant_of(schedule().begin()->first), [this] {
    trigger_expired_timeouts();
    arm();
  });
}

caf::actor_clock::time_point system_clock::now() const noexcept {
  if (core* here = core::current()) return point_of(here->now());
  if (owner_.on().simulated()) return point_of(owner_.on().now());
  return clock_type::now();
}

template <class F>
void system_clock::on_clock(F f) {
  if (core_unit* unit = core_unit::here_of(owner_)) {
    unit->driver().spend(work::timer);
    f(unit->clock());
    unit->clock().arm();
    return;
  }
  // std::function wants to copy what it holds.
  auto shared = std::make_shared<F>(std::move(f));
  owner_.post_anywhere([shared](core_unit& unit) {
    (*shared)(unit.clock());
    unit.clock().arm();
  });
}

void system_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                        std::uint64_t id) {
  on_clock([=, keep = caf::strong_actor_ptr{self->ctrl()}](unit_clock& c) {
    c.set_ordinary_timeout(t, keep->get(), type, id);
  });
}

void system_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) {
  on_clock([=, keep = caf::strong_actor_ptr{self->ctrl()}](unit_clock& c) {
    c.set_multi_timeout(t, keep->get(), type, id);
  });
}

void system_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  on_clock(
      [=, keep = caf::strong_actor_ptr{self->ctrl()}](unit_clock& c) { c.set_request_timeout(t, keep->get(), id); });
}

// The cancellations come with the actor's end, when no reference may be taken any more: by number only.
void system_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  if (core_unit* unit = core_unit::here_of(owner_)) unit->clock().cancel_ordinary_timeout(self, type);
}
void system_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  if (core_unit* unit = core_unit::here_of(owner_)) unit->clock().cancel_request_timeout(self, id);
}
void system_clock::cancel_timeouts(caf::abstract_actor* self) {
  if (core_unit* unit = core_unit::here_of(owner_)) unit->clock().cancel_timeouts(self);
}

void system_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) {
  on_clock([t, to = std::move(receiver), what = std::move(content)](unit_clock& c) mutable {
    c.schedule_message(t, std::move(to), std::move(what));
  });
}

void system_clock::schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                                    caf::message content) {
  on_clock([t, to = std::move(target), from = std::move(sender), what = std::move(content)](unit_clock& c) mutable {
    c.schedule_message(t, std::move(to), std::move(from), std::move(what));
  });
}

void system_clock::cancel_all() {
  for (const auto& unit : owner_.units()) owner_.post(*unit, [u = unit.get()] { u->clock().cancel_all(); });
}

}  // namespace cooper::actors
