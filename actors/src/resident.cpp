// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/actors/resident.hpp>

#include <cstring>
#include <stdexcept>
#include <utility>

#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/protocol.hpp>
#include <cooper/actors/spawn.hpp>
#include "core_unit.hpp"
#include "only_real.hpp"
#include "planted.hpp"

namespace cooper::actors {
namespace {

// What may never be dropped: answers, and the messages by which actors learn of each other's ends.
bool must_arrive(const caf::mailbox_element& what) {
  if (what.mid.is_response()) return true;
  const auto token = what.content().type_token();
  return token == caf::make_type_token<caf::exit_msg>() || token == caf::make_type_token<caf::down_msg>() ||
         token == caf::make_type_token<caf::error>();
}

bool waits(const caf::mailbox_element& what) {
  return what.sender && what.sender->get()->getf(detail::waits_flag) && !what.mid.is_request();
}

// How a message that finds no room is to be treated: by what it is, and by what its sender asked for.
core_unit::if_full treatment_of(const caf::mailbox_element& what) {
  if (must_arrive(what)) return core_unit::if_full::keep;
  if (what.mid.is_request() || !what.sender) return core_unit::if_full::refuse;
  if (waits(what)) return core_unit::if_full::keep;
  return what.sender->get()->getf(detail::drops_oldest_flag) ? core_unit::if_full::keep_newest
                                                             : core_unit::if_full::refuse;
}

// On a simulated machine nobody makes turns while such a sender waits for its answer.
void look_at_sender(const caf::mailbox_element& what, const core_scheduler& scheduler) {
  if (!what.sender || !what.mid.is_request() || !scheduler.on().simulated()) return;
  if (!what.sender->get()->getf(caf::abstract_actor::is_blocking_flag)) return;
  throw std::runtime_error("cooper: " + only_on_real_machines("a request of a scoped_actor").message());
}

queued_line copy_of(const line_view& line) {
  queued_line copy{.type = line.type, .from = line.from, .words = {}};
  std::memcpy(copy.words, line.payload, line_payload_bytes);
  return copy;
}

}  // namespace

// -- owned ------------------------------------------------------------------------------------------------------------

resident::owned::owned(resident& owner, action destroy, action complete)
    : owner_{&owner}, destroy_{destroy}, complete_{complete}, next_{owner.owned_}, link_{&owner.owned_} {
  if (next_ != nullptr) next_->link_ = &next_;
  owner.owned_ = this;
}

void resident::owned::finished() {
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  next_ = owner_->finished_;
  link_ = nullptr;
  owner_->finished_ = this;
}

void resident::begin_coroutine() noexcept {
  if (core_unit* unit = core_unit::here()) unit->driver().spend(work::coroutine);
}

void* resident::take_memory(std::size_t bytes) {
  core_unit* unit = core_unit::here();
  return unit != nullptr ? unit->frames().take(bytes) : frame_pool::take_outside(bytes);
}

void resident::give_memory_back(void* memory, std::size_t bytes) noexcept {
  core_unit* unit = core_unit::here();
  if (unit != nullptr) {
    unit->frames().give_back(memory, bytes);
  } else {
    frame_pool::give_back_outside(memory);
  }
}

// -- life -------------------------------------------------------------------------------------------------------------

void resident::launch_at_home(bool lazy) {
  auto* scheduler = core_scheduler::of(self_->home_system());
  COOPER_ASSERT(scheduler != nullptr, "core actors need cfg.load<cooper::actors::core_scheduler>()");
  home_ = &scheduler->home_of(*self_);
  self_->context(home_);
  self_->setf(detail::placed_flag);
  if (core_unit* here = core_unit::here_of(*scheduler)) here->driver().spend(work::spawn);
  if (core_unit::here() == home_) return settle(lazy);
  // The reference travels with the line, and becomes the table's.
  caf::intrusive_ptr_add_ref(self_->ctrl());
  const std::uint64_t words[2] = {reinterpret_cast<std::uint64_t>(this), lazy ? 1u : 0u};
  if (core_unit* here = core_unit::here_of(*scheduler)) return here->post_surely(home_->at(), kind_settle, words, 2);
  if (!scheduler->post(*home_, [this, lazy] {
        settle(lazy);
        caf::intrusive_ptr_release(self_->ctrl());
      })) {
    self_->cleanup(make_error(errc::core_down), nullptr);
    caf::intrusive_ptr_release(self_->ctrl());
  }
}

void resident::settle(bool lazy) {
  if (!home_->in_service() && !planted(fault::late_settlers)) return home_->end_newcomer(*self_);
  settled_ = true;
  caf::intrusive_ptr_add_ref(self_->ctrl());
  home_->add(*this);
  if (const auto opened = home_->driver().open(&resident::on_line, this)) {
    // sync(resident.settle) release <-> resident.where: as there.
    where_.store(pack(*opened), std::memory_order_release);
  }
  // Without an endpoint (the table is full) messages go by way of the unit: slower, and as right.
  if (lazy && self_->mailbox().try_block()) return;
  caf::intrusive_ptr_add_ref(self_->ctrl());
  home_->make_ready(self_);
}

void resident::depart() {
  if (!settled_) return;
  settled_ = false;
  if (const auto at = where()) home_->driver().close(*at);
  // Innermost frames go with the outermost, which own them; each may own calls, which are given up.
  while (owned* o = owned_) {
    owned_ = o->next_;
    if (owned_ != nullptr) owned_->link_ = &owned_;
    o->destroy_(*o);
  }
  reap();
  for (const auto& [caller, word] : std::exchange(queued_calls_, {})) home_->fail_call(caller, word, errc::no_receiver);
  home_->remove(*this);
}

bool resident::idle() const {
  // Not const in CAF, though they only look; and its names for these two queues are calls.
  auto& mailbox = self_->mailbox();
  auto& queues = mailbox.queue().queues();
  return mailbox.blocked() && std::get<caf::scheduled_actor::normal_queue_index>(queues).cache().empty() &&
         std::get<caf::scheduled_actor::urgent_queue_index>(queues).cache().empty();
}

bool resident::unreachable(std::size_t references) const {
  // sync(resident.references) acquire: with CAF's own release of a count, what those who dropped theirs did before.
  const std::size_t held = self_->ctrl()->strong_refs.load(std::memory_order_acquire);
  return settled_ && held == references && owned_ == nullptr && idle() && !awaits_response();
}

// -- CAF messages -----------------------------------------------------------------------------------------------------

// On the home core, where nobody else touches the mailbox: the message goes straight to the queue that is read, without
// the inbox that CAF has for other threads, and is in order, as that inbox stays empty.
void resident::push(caf::mailbox_element_ptr what) {
  auto& mailbox = self_->mailbox();
  // It answers what it cannot take.
  if (mailbox.closed()) [[unlikely]]
    return self_->caf::scheduled_actor::enqueue(std::move(what), home_);
  mailbox.queue().push_back(std::move(what));
  if (!mailbox.blocked()) return;
  mailbox.try_unblock();
  caf::intrusive_ptr_add_ref(self_->ctrl());
  home_->make_ready(self_);
}

send_result resident::accept(caf::mailbox_element_ptr what, bool is_line) {
  core_scheduler& scheduler = home_->owner();
  core_unit* here = core_unit::here_of(scheduler);
  if (here == nullptr || here->driver().meter() != nullptr) [[unlikely]]
    look_at_sender(*what, scheduler);
  if (here != nullptr && !is_line) here->driver().spend(work::parcel_sent);
  if (here == home_) {
    if (!is_line) here->driver().spend(work::parcel_received);
    push(std::move(what));
    return send_result::ok;
  }
  if (here == nullptr) {
    // A thread that is no core of ours. The element travels by raw pointer: std::function copies what it holds.
    caf::intrusive_ptr_add_ref(self_->ctrl());
    caf::mailbox_element* raw = what.release();
    if (!scheduler.post(*home_, [this, raw] {
          take_parcel(caf::mailbox_element_ptr{raw});
          home_->release_later(self_);
        })) {
      const caf::mailbox_element_ptr back{raw};
      core_unit::bounce(*back, caf::make_error(caf::sec::request_receiver_down));
      caf::intrusive_ptr_release(self_->ctrl());
      return send_result::closed;
    }
    return send_result::ok;
  }
  const auto send = [&](core_unit::if_full then) {
    // Lines go by way of the unit, where they are told from parcels.
    const auto at = is_line ? std::nullopt : where();
    if (at) [[likely]] {
      const std::uint64_t word = reinterpret_cast<std::uint64_t>(what.get());
      return here->post(*at, kind_parcel, &word, 1, then);
    }
    caf::intrusive_ptr_add_ref(self_->ctrl());
    const std::uint64_t words[2] = {reinterpret_cast<std::uint64_t>(this), reinterpret_cast<std::uint64_t>(what.get())};
    const send_result sent = here->post(home_->at(), kind_deliver, words, 2, then);
    if (sent != send_result::ok) caf::intrusive_ptr_release(self_->ctrl());
    return sent;
  };
  // How it is to be treated is asked when there is no room, but for what floods.
  auto then = is_line || waits(*what) ? core_unit::if_full::keep : core_unit::if_full::refuse;
  send_result sent = send_result::closed;
  if (home_->in_service()) [[likely]]
    sent = send(then);
  if (sent == send_result::full && then == core_unit::if_full::refuse) [[unlikely]] {
    then = treatment_of(*what);
    if (then != core_unit::if_full::refuse) sent = send(then);
  }
  if (sent == send_result::ok) {
    here->counters().parcels_sent.add(1);
    static_cast<void>(what.release());
    return sent;
  }
  if (sent == send_result::full && !what->mid.is_request()) here->counters().parcels_refused.add(1);
  core_unit::bounce(*what, make_error(sent == send_result::full ? errc::mailbox_full : errc::core_down));
  return sent;
}

void resident::take_parcel(caf::mailbox_element_ptr what) {
  home_->driver().spend(work::parcel_received);
  // Streams have mailbox queues of their own, with credit that CAF counts there.
  const auto category = what->mid.category();
  const bool of_stream = category == caf::message_id::upstream_message_category ||
                         category == caf::message_id::downstream_message_category;
  if (!settled_ || !idle() || of_stream || !self_->stream_managers().empty()) {
    home_->queued();
    return push(std::move(what));
  }
  const core_unit::running_scope running{*home_, self_->id()};
  home_->counters().runs.add(1);
  if (self_->activate(home_, *what) == caf::scheduled_actor::activation_result::skipped) {
    // Not CAF's push_to_cache: that counts the message in the list as well, whose end is then taken for a message.
    if (what->is_high_priority()) {
      self_->get_urgent_queue().cache().push_back(what.release());
    } else {
      self_->get_normal_queue().cache().push_back(what.release());
    }
  }
  end_activation();
}

// -- lines ------------------------------------------------------------------------------------------------------------

void resident::on_line(void* self, core& here, const line_view& line) {
  auto& me = *static_cast<resident*>(self);
  if (line.type == kind_parcel) {
    return for_each_parcel(line.as<std::uint64_t>(),
                           [&](caf::mailbox_element_ptr what) { me.take_parcel(std::move(what)); });
  }
  me.take_line(here, line);
}

void resident::take_line(core& here, const line_view& line) {
  if (idle() && self_->getf(caf::abstract_actor::is_initialized_flag) && !awaits_response()) [[likely]] {
    const core_unit::running_scope running{*home_, self_->id()};
    home_->counters().runs.add(1);
    return activate([&] { run_line(here, line); });
  }
  queue_line(copy_of(line));
}

void resident::queue_line(const queued_line& line) {
  if ((line.type & detail::request_mark) != 0) {
    if (self_->mailbox().closed()) return home_->fail_call(line.from, line.words[0], errc::no_receiver);
    queued_calls_.emplace_back(line.from, line.words[0]);
  }
  home_->queued();
  ++lines_queued_;
  push(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, line));
}

void resident::run_line(core& here, const line_view& line) {
  const std::size_t index = line.type & detail::index_mask;
  // Only a line that no compiler has checked, an address of another protocol, comes here.
  if (table_ == nullptr || index >= table_->size) {
    if ((line.type & detail::request_mark) != 0) {
      home_->fail_call(line.from, line.as<std::uint64_t>(), errc::no_receiver);
    }
    return;
  }
  here.spend(work::line);
  table_->handlers[index](*this, here, line);
}

const queued_line* resident::line_in(const caf::mailbox_element& what) {
  const caf::type_erased_tuple& content = what.content();
  const bool is_line = content.size() == 1 && content.match_element<queued_line>(0);
  return is_line ? &content.get_as<queued_line>(0) : nullptr;
}

void resident::consume_line(const queued_line& copy) {
  const line_view line{reinterpret_cast<const std::byte*>(copy.words), copy.type, copy.from, lane::request};
  self_->current_mailbox_element(nullptr);
  --lines_queued_;
  if ((copy.type & detail::request_mark) != 0) std::erase(queued_calls_, std::pair{copy.from, copy.words[0]});
  run_line(home_->driver(), line);
}

void resident::begin_activation() {
  self_->context(home_);
  // A stale one would let make_response_promise() answer an old message.
  self_->current_mailbox_element(nullptr);
}

void resident::on_overflow(overflow_policy policy) noexcept {
  self_->unsetf(detail::waits_flag | detail::drops_oldest_flag);
  if (policy == overflow_policy::wait) self_->setf(detail::waits_flag);
  if (policy == overflow_policy::drop_oldest) self_->setf(detail::drops_oldest_flag);
}

core_id resident::home_core() const noexcept { return home_->id(); }

void resident::reap_all() {
  while (owned* o = finished_) {
    finished_ = o->next_;
    try {
      o->complete_(*o);
    } catch (...) {
      handle_exception(std::current_exception());
    }
    o->destroy_(*o);
  }
}

void resident::end_activation() {
  reap();
  self_->bhvr_stack().cleanup();
  // An actor with a behaviour is alive: CAF's own look at that is a call.
  if (!self_->has_behavior()) [[unlikely]]
    self_->finalize();
}

send_result resident::send_line(const resident& to, message_type type, const std::uint64_t* words, std::size_t count) {
  if (const auto at = to.where()) [[likely]]
    return send_line(*at, type, words, count);
  return send_by_mailbox(to, type, words, count);
}

// To one that is not at home yet.
send_result resident::send_by_mailbox(const resident& to, message_type type, const std::uint64_t* words,
                                      std::size_t count) {
  queued_line copy{.type = type, .from = home_->id(), .words = {}};
  if (count != 0) std::memcpy(copy.words, words, count * 8);
  auto& receiver = const_cast<resident&>(to);
  if (receiver.home_ == home_) {
    receiver.queue_line(copy);
    return send_result::ok;
  }
  const send_result sent = receiver.accept(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, copy), true);
  return planted(fault::line_forgotten) ? send_result::ok : sent;
}

send_result resident::send_line(address to, message_type type, const std::uint64_t* words, std::size_t count) {
  // What is kept for that core goes first.
  const send_result sent = home_->way_is_free(to.core)
                               ? home_->driver().send_words(to, type, lane::request, words, count)
                               : send_result::full;
  if (sent != send_result::ok) [[unlikely]]
    home_->counters().lines_refused.add(1);
  return sent;
}

std::optional<errc> resident::send_request(call_base& call, const resident* to, address at, message_type type,
                                           std::uint64_t* words, std::size_t count, std::optional<duration> deadline) {
  if (deadline && *deadline <= duration::zero()) return errc::deadline_passed;
  // Asked once: an actor that comes home meanwhile gets this line by its mailbox all the same.
  const std::optional<address> known = to != nullptr ? to->where() : at;
  words[0] = home_->calls().begin(call, known ? known->core : to->home().id());
  if (words[0] == 0) return errc::mailbox_full;
  home_->counters().calls.add(1);
  home_->driver().spend(work::call);
  const send_result sent = known ? home_->post(*known, type, words, count, core_unit::if_full::refuse)
                                 : send_by_mailbox(*to, type, words, count);
  if (sent != send_result::ok) [[unlikely]] {
    home_->calls().forget(call);
    return sent == send_result::full ? errc::mailbox_full : errc::core_down;
  }
  if (deadline) home_->driver().spend(work::timer);
  if (deadline) home_->calls().set_deadline(call, home_->driver().now() + *deadline);
  return {};
}

void resident::send_answer(core_id caller, std::uint64_t word, const void* value, std::size_t bytes) {
  std::uint64_t words[7];
  words[0] = word;
  const std::size_t count = (bytes + 7) / 8;
  if (bytes % 8 != 0) words[count] = 0;
  if (bytes != 0) std::memcpy(words + 1, value, bytes);
  home_->post_surely(home_->unit_at(caller), kind_call_value, words, 1 + count, lane::reply);
  // Once it has left: what remains to be done does not keep it.
  home_->driver().spend(work::answer);
}

void resident::send_failure(core_id caller, std::uint64_t word, errc why) { home_->fail_call(caller, word, why); }

void resident::when_writable(core_id to, cooper::job then) { home_->when_writable(to, std::move(then)); }

void resident::after(duration time, cooper::job then) {
  if (time <= duration::zero()) return home_->driver().defer(std::move(then));
  home_->driver().spend(work::timer);
  static_cast<void>(home_->driver().after(time, std::move(then)));
}

// -- calls ------------------------------------------------------------------------------------------------------------

void call_base::give_up() noexcept {
  if (word_ != 0) caller_->home().calls().forget(*this);
}

void call_base::tell(const std::byte* value, errc failed) {
  resident& actor = *caller_;
  const core_unit::running_scope running{actor.home(), actor.self().id()};
  actor.activate([&] { on_answer_(*this, value, failed); });
}

}  // namespace cooper::actors
