// SPDX-License-Identifier: BSD-3-Clause
#include "core_unit.hpp"

#include <algorithm>
#include <utility>

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/logger.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/protocol.hpp>
#include <cooper/actors/resident.hpp>
#include <cooper/actors/spawn.hpp>
#include "planted.hpp"
#include "protocol_hosts.hpp"

namespace cooper::actors {

core_unit::core_unit(core_scheduler& owner, caf::actor_system& system, core_id id, std::size_t core_count)
    : execution_unit{&system},
      owner_{owner},
      id_{id},
      calls_{core_count},
      kept_(core_count),
      one_way_(core_count),
      watched_peers_(core_count),
      flush_awaited_(core_count) {}

core_unit::~core_unit() = default;

result<void> core_unit::begin(core& here) {
  COOPER_ASSERT(here.attached() == nullptr, "a machine belongs to one actor system");
  core_ = &here;
  if (const auto opened = open_endpoint(); !opened) return opened;
  here.on_undeliverable(&core_unit::on_undeliverable, this);
  alive_ = std::make_shared<bool>(true);
  clock_.attach(here);
  calls_.attach(here);
  here.attach(this);
  bind_peers();
  return {};
}

// With few cores, before anybody speaks: a handler that begins by flooding would otherwise fill overflow and more, as a
// channel is bound between turns.
void core_unit::bind_peers() {
  if (owner_.on().core_count() > bound_beforehand_max) return;
  for (std::size_t i = 0; i < owner_.on().core_count(); ++i) {
    if (i != id_.value) core_->when_writable(core_number(i), lane::request, [] {});
  }
}

result<void> core_unit::open_endpoint() {
  const auto opened = core_->open(&core_unit::on_line, this);
  if (!opened) return opened.error();
  // sync(unit.at) release <-> unit.at: as there.
  at_.store(std::bit_cast<std::uint64_t>(*opened), std::memory_order_release);
  return {};
}

template <class F>
void core_unit::empty_ready(F then) {
  while (!ready_.empty()) {
    caf::resumable* what = ready_.front();
    ready_.pop_front();
    then(what);
  }
  tell_waiting();
}

void core_unit::drop_released() {
  for (caf::resumable* what : std::exchange(released_, {})) caf::intrusive_ptr_release(what);
}

// Everything of this system on this core ends: no actor is left that could run.
void core_unit::end() {
  calls_.fail_all(errc::cancelled);
  end_residents(caf::make_error(caf::exit_reason::user_shutdown));
  hosts_.reset();
  clock_.take_all();
  calls_.detach();
  alive_.reset();
  empty_ready(&caf::scheduler::abstract_coordinator::cleanup_and_release);
  drop_released();
  core_->close(at());
  core_->on_undeliverable(nullptr, nullptr);
  core_->attach(nullptr);
  // An actor that spawned here has left the system's logger with this thread, and the system's end waits for that.
  caf::logger::set_current_actor_system(nullptr);
}

void core_unit::leave(cooper::job done) {
  leaving_ = true;
  calls_.fail_all(errc::core_down);
  end_residents(make_error(errc::core_down));
  give_up_flush();
  if (hosts_) hosts_->stop();
  empty_ready([this](caf::resumable* what) { owner_.home_is_gone(what); });
  const auto entries = std::make_shared<unit_clock::entries>(clock_.take_all());
  if (!owner_.post_anywhere([entries](core_unit& heir) { heir.clock().add_all(std::move(*entries)); })) {
    clock_.add_all(std::move(*entries));
  }
  // Nobody sends here any more: what is still on its way finds nobody, and whoever asked hears of it.
  when_flushed([this, done = std::move(done)]() mutable { when_nothing_kept(std::move(done)); });
}

void core_unit::when_nothing_kept(cooper::job done) {
  const auto busy = std::find_if(kept_.begin(), kept_.end(), [](const kept_lines& k) { return !k.lines.empty(); });
  if (busy == kept_.end()) return done();
  const core_id to{static_cast<std::uint16_t>(busy - kept_.begin())};
  busy->then.push_back([this, done = std::move(done)]() mutable { when_nothing_kept(std::move(done)); });
  ask_for_room(to);
}

result<void> core_unit::come_back() {
  leaving_ = false;
  armed_ = false;
  if (const auto opened = open_endpoint(); !opened) return opened;
  if (hosts_) hosts_->restart();
  for (kept_lines& kept : kept_) kept.asked = false;
  bind_peers();
  return {};
}

void core_unit::peer_is_down(core_id peer) {
  calls_.fail_all(errc::core_down, peer);
  flush_kept(peer);
  flush_answered(peer, flush_number_);
  std::fill(one_way_.begin(), one_way_.end(), 0);
}

void core_unit::end_residents(const caf::error& why) {
  while (!residents_.empty()) {
    resident& r = *residents_.back();
    end(r.self(), why);
    if (!residents_.empty() && residents_.back() == &r) remove(r);
  }
}

void core_unit::end_newcomer(caf::scheduled_actor& actor) { end(actor, make_error(errc::core_down)); }

// As if the actor had ended itself, so that what it does at its end is done.
void core_unit::end(caf::scheduled_actor& actor, caf::error why) {
  actor.context(this);
  actor.quit(std::move(why));
  actor.finalize();
}

machine::core_numbers core_unit::numbers() const {
  return {{"core_actors", counters_.residents.read()},
          {"waiting", waiting()},
          {"running_actor", running()},
          {"runs", counters_.runs.read()},
          {"parcels_sent", counters_.parcels_sent.read()},
          {"parcels_refused", counters_.parcels_refused.read()},
          {"calls", counters_.calls.read()},
          {"lines_refused", counters_.lines_refused.read()},
          {"moved", counters_.moved.read()}};
}

// -- running ----------------------------------------------------------------------------------------------------------

void core_unit::exec_later(caf::resumable* what) {
  // CAF hands an actor to the core that woke it, also one of another system: its home is there.
  if (what->subtype() == caf::resumable::scheduled_actor) {
    caf::actor_system& its = static_cast<caf::scheduled_actor*>(what)->home_system();
    if (&its != &system()) return its.scheduler().enqueue(what);
  }
  owner_.enqueue(what);
}

void core_unit::make_ready(caf::resumable* what) {
  if (leaving_) return owner_.home_is_gone(what);
  ready_.push_back(what);
  arm();
}

// In a flow that goes one way only, nobody waits for an answer: run on the first message, each actor would be woken for
// every single one. Let some gather.
void core_unit::make_ready_soon(caf::resumable* what) {
  ready_.push_back(what);
  if (armed_) return;
  if (ready_.size() >= gather_max) return arm();
  if (gathering_) return;
  gathering_ = true;
  core_->after(gather_for, mine([this] {
                 gathering_ = false;
                 if (!ready_.empty()) arm();
               }));
}

void core_unit::arm() {
  if (armed_) return;
  armed_ = true;
  if (core_->send_words(at(), kind_run_ready, lane::request, nullptr, 0) != send_result::ok) {
    armed_ = false;
    arm_later();
  }
}

void core_unit::arm_later() {
  if (armed_) return;
  armed_ = true;
  core_->defer(mine([this] {
    armed_ = false;
    run_ready();
  }));
}

void core_unit::run_ready() {
  const instant begun = core_->now();
  // What came in since the last time is worked off, however long that takes: mailboxes would grow without a bound.
  const std::size_t owed = std::exchange(queued_, 0);
  duration spent{};
  unsigned count = 0;
  while (count < ready_budget && !ready_.empty()) {
    caf::resumable* next = ready_.front();
    ready_.pop_front();
    run(next);
    // The clock costs as much as a short run.
    if (++count % 4 != 0 && !placement_.long_runs()) continue;
    spent = core_->now() - begun;
    if (spent > long_batch && count * messages_per_run_ >= owed) break;
  }
  spent = core_->now() - begun;
  if (spent > long_batch) {
    messages_per_run_ = std::max(messages_per_run_ / 2, messages_per_run_min);
  } else if (messages_per_run_ < owner_.messages_per_run()) {
    messages_per_run_ = std::min(2 * messages_per_run_, owner_.messages_per_run());
  }
  tell_waiting();
  if (!released_.empty()) drop_released();
  placement_.ran(count, spent);
  if (placement_.overloaded(ready_.size())) hand_over_some();
  if (ready_.empty()) return;
  // Lines to oneself may be handled within the turn: whoever took long goes on in the next.
  if (spent > long_batch) {
    arm_later();
  } else {
    arm();
  }
}

void core_unit::run(caf::resumable* what) {
  std::uint64_t id = 0;
  if (what->subtype() == caf::resumable::scheduled_actor) id = static_cast<caf::scheduled_actor*>(what)->id();
  set_running(id);
  counters_.runs.add(1);
  switch (what->resume(this, std::min(messages_per_run_, owner_.messages_per_run()))) {
    case caf::resumable::resume_later:
      ready_.push_back(what);
      break;
    case caf::resumable::awaiting_message:
    case caf::resumable::done:
    case caf::resumable::shutdown_execution_unit:
      caf::intrusive_ptr_release(what);
      break;
  }
  set_running(0);
}

void core_unit::forward(core_unit& home, caf::resumable* what) {
  const auto word = reinterpret_cast<std::uint64_t>(what);
  one_way_[home.id_.value] = 0;
  post_surely(home.at(), kind_resume, &word, 1);
}

// Waiting actors for a core on which none waits; they are not running, so their home may change here.
void core_unit::hand_over_some() {
  for (const auto& other : owner_.units()) {
    if (other.get() == this || other->waiting() != 0 || other->running() != 0) continue;
    for (std::size_t n = ready_.size() / 2; n > 0; --n) {
      caf::scheduled_actor* actor = movable(ready_.back());
      if (actor == nullptr) return;
      ready_.pop_back();
      move_to(*other, *actor);
    }
    return;
  }
}

void core_unit::move_to(core_unit& home, caf::scheduled_actor& actor) {
  actor.context(&home);
  counters_.moved.add(1);
  forward(home, &actor);
}

caf::scheduled_actor* core_unit::movable(caf::resumable* what) {
  if (what->subtype() != caf::resumable::scheduled_actor) return nullptr;
  auto* actor = static_cast<caf::scheduled_actor*>(what);
  return actor->getf(detail::placed_flag) ? nullptr : actor;
}

// -- lines ------------------------------------------------------------------------------------------------------------

void core_unit::on_line(void* self, core&, const line_view& line) { static_cast<core_unit*>(self)->take(line); }

void core_unit::take(const line_view& line) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(line.payload);
  switch (line.type) {
    case kind_run_ready:
      armed_ = false;
      run_ready();
      break;
    case kind_resume: {
      auto* what = reinterpret_cast<caf::resumable*>(words[0]);
      caf::scheduled_actor* actor = ready_.empty() ? movable(what) : nullptr;
      if (actor != nullptr && placement_.woken_from(actor->id(), line.from, id_)) {
        return move_to(*owner_.units()[line.from.value], *actor);
      }
      if (++one_way_[line.from.value] > one_way_flow) {
        make_ready_soon(what);
      } else {
        make_ready(what);
      }
      break;
    }
    case kind_settle: {
      auto* r = reinterpret_cast<resident*>(words[0]);
      r->settle(words[1] != 0);
      release_later(&r->self());
      break;
    }
    case kind_deliver: {
      auto* r = reinterpret_cast<resident*>(words[0]);
      caf::mailbox_element_ptr what{reinterpret_cast<caf::mailbox_element*>(words[1])};
      if (const queued_line* one = resident::line_in(*what)) {
        r->queue_line(*one);
      } else {
        r->take_parcel(std::move(what));
      }
      release_later(&r->self());
      break;
    }
    case kind_flush:
      post_surely(unit_at(line.from), kind_flushed, words, 1);
      break;
    case kind_flushed:
      flush_answered(line.from, words[0]);
      break;
    case kind_call_value:
      if (call_base* call = calls_.take(words[0])) call->answer(line.payload + 8);
      break;
    case kind_call_error:
      if (call_base* call = calls_.take(words[0])) call->fail(static_cast<errc>(words[1]));
      break;
    default:
      if (line.type >= kind_multicast && line.type <= kind_barrier_last) hosts().take(line);
      break;
  }
}

protocol_hosts& core_unit::hosts() {
  if (!hosts_) hosts_ = std::make_unique<protocol_hosts>(*this);
  return *hosts_;
}

void core_unit::forget_askers() {
  if (hosts_) hosts_->forget_askers();
}

void core_unit::on_undeliverable(void* self, core&, const line_view& line) {
  static_cast<core_unit*>(self)->give_back(line.from, line.type, reinterpret_cast<const std::uint64_t*>(line.payload));
}

// A line has no receiver: whoever waits for an answer must hear of it, and what it holds is released.
void core_unit::give_back(core_id from, message_type type, const std::uint64_t* words) {
  const auto return_parcels = [](std::uint64_t word) {
    resident::for_each_parcel(
        word, [](caf::mailbox_element_ptr what) { bounce(*what, caf::make_error(caf::sec::request_receiver_down)); });
  };
  if (planted(fault::lines_lost)) return;
  switch (type) {
    case kind_parcel:
      return return_parcels(words[0]);
    case kind_resume:
      return owner_.home_is_gone(reinterpret_cast<caf::resumable*>(words[0]));
    case kind_settle: {
      auto* r = reinterpret_cast<resident*>(words[0]);
      end(r->self(), make_error(errc::core_down));
      return release_later(&r->self());
    }
    case kind_deliver:
      return_parcels(words[1]);
      return release_later(&reinterpret_cast<resident*>(words[0])->self());
    case kind_flush:
      // Our own came back: peer_is_down counts that core.
      if (from == id_) return;
      return post_surely(unit_at(from), kind_flushed, words, 1);
    default:
      break;
  }
  if (type < 0x800 && (type & detail::request_mark) != 0) fail_call(from, words[0], errc::no_receiver);
}

void core_unit::fail_call(core_id caller, std::uint64_t word, errc why) {
  if (word == 0) return;
  const std::uint64_t words[2] = {word, static_cast<std::uint64_t>(why)};
  post_surely(unit_at(caller), kind_call_error, words, 2, lane::reply);
  core_->spend(work::answer);
}

void core_unit::bounce(caf::mailbox_element& what, caf::error why) {
  if (const queued_line* line = resident::line_in(what)) {
    if ((line->type & detail::request_mark) != 0 && !planted(fault::line_forgotten))
      here()->fail_call(line->from, line->words[0], errc::no_receiver);
    return;
  }
  caf::detail::sync_request_bouncer answer{std::move(why)};
  answer(what);
}

send_result core_unit::post(address to, message_type type, const std::uint64_t* words, std::size_t count, if_full then,
                            lane via) {
  kept_lines& kept = kept_[to.core.value];
  // What waits here goes first, whatever its lane: it is seldom, and order matters more.
  if (kept.lines.empty() || planted(fault::overtaking)) [[likely]] {
    // The driver's overflow is bounded, this is not: lines that are kept in any case wait here only.
    const send_result sent = then == if_full::refuse ? core_->post_words(to, type, via, words, count)
                                                     : core_->send_words(to, type, via, words, count);
    if (sent != send_result::full || then == if_full::refuse) return sent;
  } else {
    if (then == if_full::refuse && kept.messages >= core_->overflow_bound()) return send_result::full;
    // Not for each line: a look at the credit may fetch the other core's line.
    if (++kept.looks % look_every == 0) static_cast<void>(push_kept(to.core));
  }
  kept_line line{.to = to,
                 .type = type,
                 .words = {},
                 .count = count,
                 .via = via,
                 .newest = then == if_full::keep_newest,
                 .parcels = type == kind_parcel ? 1u : 0u};
  std::copy_n(words, count, line.words);
  if (line.newest && kept.lines.size() >= kept_newest_max) drop_oldest(to.core);
  keep(line);
  ask_for_room(to.core);
  return send_result::ok;
}

void core_unit::keep(const kept_line& line) {
  kept_lines& kept = kept_[line.to.core.value];
  ++kept.messages;
  if (line.parcels != 0 && !line.newest && !kept.lines.empty()) {
    kept_line& last = kept.lines.back();
    if (last.parcels != 0 && last.parcels < parcels_max && last.to == line.to && !last.newest) {
      reinterpret_cast<caf::mailbox_element*>(last.words[1])->next =
          reinterpret_cast<caf::mailbox_element*>(line.words[0]);
      last.words[1] = line.words[0];
      ++last.parcels;
      return;
    }
  }
  kept.lines.push_back(line);
  if (line.parcels != 0) kept.lines.back().words[1] = line.words[0];
}

void core_unit::drop_oldest(core_id to) {
  kept_lines& kept = kept_[to.value];
  const auto oldest = std::find_if(kept.lines.begin(), kept.lines.end(), [](const kept_line& l) { return l.newest; });
  if (oldest == kept.lines.end()) return;
  const caf::mailbox_element_ptr dropped{reinterpret_cast<caf::mailbox_element*>(oldest->words[0])};
  kept.lines.erase(oldest);
  --kept.messages;
  counters_.parcels_refused.add(1);
}

void core_unit::ask_for_room(core_id to) {
  kept_lines& kept = kept_[to.value];
  if (kept.asked) return;
  kept.asked = true;
  auto go_on = mine([this, to] {
    kept_[to.value].asked = false;
    flush_kept(to);
  });
  // To this core itself there is room after its next turn.
  if (to == id_) return core_->defer(std::move(go_on));
  core_->when_writable(to, kept.lines.front().via, std::move(go_on));
}

// As many lines as there is room for: a handler that floods would otherwise have its peer wait for its end.
send_result core_unit::push_kept(core_id to) {
  kept_lines& kept = kept_[to.value];
  while (!kept.lines.empty()) {
    const kept_line& line = kept.lines.front();
    const send_result sent = core_->send_words(line.to, line.type, line.via, line.words, line.count);
    if (sent != send_result::ok) return sent;
    forget_first(kept);
  }
  return send_result::ok;
}

void core_unit::forget_first(kept_lines& kept) {
  kept.messages -= std::max<std::size_t>(kept.lines.front().parcels, 1);
  kept.lines.pop_front();
}

void core_unit::flush_kept(core_id to) {
  kept_lines& kept = kept_[to.value];
  for (send_result sent = push_kept(to); sent != send_result::ok; sent = push_kept(to)) {
    if (sent == send_result::full && planted(fault::room_forgotten)) return;
    if (sent == send_result::full) return ask_for_room(to);
    const kept_line given_back = kept.lines.front();
    forget_first(kept);
    give_back(id_, given_back.type, given_back.words);
  }
  for (cooper::job& then : std::exchange(kept.then, {})) core_->when_writable(to, lane::request, std::move(then));
}

void core_unit::when_writable(core_id to, cooper::job then) {
  if (!way_is_free(to)) return kept_[to.value].then.push_back(std::move(then));
  core_->when_writable(to, lane::request, std::move(then));
}

// -- residents --------------------------------------------------------------------------------------------------------

void core_unit::add(resident& r) {
  r.index_ = residents_.size();
  residents_.push_back(&r);
  count_residents();
  sweep_every_ = sweep_first;
  arm_sweep();
}

void core_unit::remove(resident& r) {
  residents_[r.index_] = residents_.back();
  residents_[r.index_]->index_ = r.index_;
  residents_.pop_back();
  count_residents();
  release_later(&r.self());
}

// The core's monitor is not one of the program's.
void core_unit::count_residents() {
  const std::size_t all = residents_.size();
  counters_.residents.set(all - std::min<std::size_t>(all, 1));
}

void core_unit::release_later(caf::resumable* what) {
  released_.push_back(what);
  arm();
}

void core_unit::arm_sweep() {
  if (sweep_armed_ || residents_.empty()) return;
  sweep_armed_ = true;
  core_->after(sweep_every_, mine([this] {
                 sweep_armed_ = false;
                 look_at_peers();
                 sweep();
               }));
}

void core_unit::look_at_peers() {
  std::vector<core_status> cores;  // asked for only if somebody waits
  for (std::size_t i = 0; i < watched_peers_.size(); ++i) {
    watched_peer& peer = watched_peers_[i];
    const bool waited_for = i != id_.value && calls_.under_way(core_number(i)) != 0;
    if (!waited_for && !peer.stalled) {
      peer.waited_for = false;
      continue;
    }
    if (cores.empty()) cores = core_->home().status();
    const instant now = core_->now();
    const bool turns = cores[i].turns != peer.turns || cores[i].state != core_state::running;
    if (!std::exchange(peer.waited_for, true) || turns) {
      peer.turns = cores[i].turns;
      peer.since = now;
    }
    if (const bool stalled = now - peer.since >= stalled_after; stalled != peer.stalled) {
      peer.stalled = stalled;
      const core_event event{.core = core_number(i),
                             .what = stalled ? core_event::kind::stalled : core_event::kind::turning};
      if (const caf::actor told = owner_.monitor_of(id_)) caf::anon_send(told, event);
    }
  }
}

// Looks for actors that nobody refers to. None found: it looks half as often.
void core_unit::sweep() {
  std::vector<caf::strong_actor_ptr> suspects;
  for (resident* r : residents_) {
    if (r->unreachable(1)) suspects.emplace_back(r->self().ctrl());
  }
  if (suspects.empty()) {
    sweep_every_ = std::min(2 * sweep_every_, sweep_longest);
    return arm_sweep();
  }
  sweep_every_ = sweep_first;
  when_flushed([this, suspects = std::move(suspects)]() mutable {
    // Whoever referred to one of them had sent what it sent before, and that has arrived.
    for (caf::strong_actor_ptr& held : suspects) {
      auto* actor = static_cast<caf::scheduled_actor*>(held->get());
      const auto* r = dynamic_cast<const resident*>(actor);
      // One that ended meanwhile has lost the table's reference: ours may be its last.
      if (!r->unreachable(2)) continue;
      end(*actor, caf::make_error(caf::exit_reason::unreachable));
    }
    arm_sweep();
  });
}

void core_unit::when_flushed(cooper::job work) {
  if (planted(fault::no_flush)) return work();
  flush_next_.push_back(std::move(work));
  if (flushing_.empty()) begin_flush();
}

// Every other core answers a line on the lane of parcels by one on the same lane, and so does the gateway: what was
// sent to this core before has then been handled. One that goes down has sent what it had, and counts as an answer.
void core_unit::begin_flush() {
  ++flush_number_;
  flushing_ = std::exchange(flush_next_, {});
  flush_awaited_[id_.value] = true;
  for (const auto& other : owner_.units()) {
    if (other.get() == this) continue;
    flush_awaited_[other->id().value] =
        post(other->at(), kind_flush, &flush_number_, 1, if_full::keep) != send_result::closed;
  }
  core_->defer(mine([this, number = flush_number_] { ask_gateway(number); }));
}

void core_unit::ask_gateway(std::uint64_t number) {
  auto answered = mine([this, number] { flush_answered(id_, number); });
  const auto posted = core_->home().post(id_, [answered](core&) mutable { answered(); });
  if (posted) return;
  if (posted.error().code() != errc::queue_full) return flush_answered(id_, number);
  core_->after(std::chrono::milliseconds{1}, mine([this, number] { ask_gateway(number); }));
}

void core_unit::flush_answered(core_id by, std::uint64_t number) {
  if (number != flush_number_ || !flush_awaited_[by.value]) return;
  flush_awaited_[by.value] = false;
  if (std::find(flush_awaited_.begin(), flush_awaited_.end(), true) != flush_awaited_.end()) return;
  for (cooper::job& work : std::exchange(flushing_, {})) work();
  if (!flush_next_.empty() && flushing_.empty()) begin_flush();
}

void core_unit::give_up_flush() {
  ++flush_number_;
  std::fill(flush_awaited_.begin(), flush_awaited_.end(), false);
  flushing_.clear();
  flush_next_.clear();
}

}  // namespace cooper::actors
