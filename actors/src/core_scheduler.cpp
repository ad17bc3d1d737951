// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/actors/core_scheduler.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/logger.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/settings.hpp>
#include <caf/timespan.hpp>

#include <cooper/actors/resident.hpp>
#include <cooper/actors/spawn.hpp>
#include "core_clock.hpp"
#include "core_unit.hpp"
#include "monitor.hpp"
#include "only_real.hpp"
#include "printer.hpp"

namespace cooper::actors {

struct core_scheduler::settings {
  machine_options boot;
  placement_policy policy = placement_policy::adaptive;
  std::optional<std::string> cores;
  std::optional<std::size_t> cores_max;
  duration tick = std::chrono::milliseconds{1};
};

namespace {

// An actor's run is cut here, so that a full mailbox does not keep the core from its lines. CAF's own default has no
// bound, because a worker has nothing else to do.
constexpr std::size_t messages_per_run_max = 256;

result<placement_policy> parse_policy(std::string_view text) {
  if (text == "adaptive") return placement_policy::adaptive;
  if (text == "spread") return placement_policy::spread;
  if (text == "pack") return placement_policy::pack;
  if (text == "spawner") return placement_policy::spawner;
  return error{errc::bad_option,
               fmt::format("cooper.placement: '{}' is none of adaptive, spread, pack, spawner", text)};
}

[[noreturn]] void refuse(const error& why) {
  // The system under construction has left its logger with this thread, where the next one would find it.
  caf::logger::set_current_actor_system(nullptr);
  throw std::runtime_error("cooper: " + why.message());
}

}  // namespace

caf::actor_system::module* core_scheduler::make(caf::actor_system& system, caf::detail::type_list<>) {
  return new core_scheduler{system};
}

core_scheduler::core_scheduler(caf::actor_system& system, machine* given)
    : abstract_coordinator{system},
      settings_{std::make_unique<settings>()},
      machine_{given},
      clock_{std::make_unique<system_clock>(*this)} {}

core_scheduler::~core_scheduler() = default;

core_scheduler* core_scheduler::of(caf::actor_system& system) noexcept {
  return dynamic_cast<core_scheduler*>(&system.scheduler());
}

result<caf::execution_unit*> core_scheduler::unit_of(core_id where) const {
  if (where.value >= units_.size()) {
    return error{errc::no_such_core,
                 fmt::format("core {}; this machine has cores 0 to {}", where.value, units_.size() - 1)};
  }
  if (machine_->status()[where.value].state == core_state::down) {
    return error{errc::core_down, fmt::format("core {}", where.value)};
  }
  return static_cast<caf::execution_unit*>(units_[where.value].get());
}

void core_scheduler::init(caf::actor_system_config& cfg) {
  abstract_coordinator::init(cfg);
  // Helpers that deserialise beside the network's own thread would have two ways to a core, and so no order.
  if (!caf::get_if<std::size_t>(&cfg, "middleman.workers")) caf::put(cfg.content, "middleman.workers", std::size_t{0});
  if (const auto text = caf::get_if<std::string>(&cfg, "cooper.cores")) {
    settings_->cores = *text;
  }
  if (const auto text = caf::get_if<std::string>(&cfg, "cooper.placement")) {
    const auto policy = parse_policy(*text);
    if (!policy) refuse(policy.error());
    settings_->policy = *policy;
  }
  if (const auto budget = caf::get_if<caf::timespan>(&cfg, "cooper.poll-budget")) {
    settings_->boot.poll_budget = duration{budget->count()};
  }
  if (const auto tick = caf::get_if<caf::timespan>(&cfg, "cooper.tick")) {
    settings_->tick = duration{tick->count()};
    if (settings_->tick < std::chrono::microseconds{1} || settings_->tick > std::chrono::minutes{1}) {
      refuse({errc::bad_option, "cooper.tick: it may be a microsecond to a minute"});
    }
  }
  if (const auto workers = caf::get_if<std::size_t>(&cfg, "scheduler.max-threads")) settings_->cores_max = *workers;
  for (const auto& [name, value] : caf::get_or(cfg, "cooper", caf::settings{})) {
    if (name != "cores" && name != "placement" && name != "poll-budget" && name != "tick") {
      refuse({errc::bad_option, fmt::format("cooper.{}: there is no such setting; there are cooper.cores, "
                                            "cooper.placement, cooper.poll-budget and cooper.tick",
                                            name)});
    }
  }
  if (const auto booted = boot(); !booted) refuse(booted.error());
  if (machine_->simulated()) {
    if (system().has_middleman()) refuse(only_on_real_machines("the network (caf::io::middleman)"));
    cfg.add_thread_hook<no_threads>();
  }
  num_workers_ = units_.size();
  machine_->describe_cores([this](core_id which) { return units_[which.value]->numbers(); });
}

result<void> core_scheduler::boot() {
  if (machine_ == nullptr) {
    auto where = topology::discover();
    if (!where) return where.error();
    machine_options& options = settings_->boot;
    if (settings_->cores || settings_->cores_max) {
      auto usable = select_cores(*where, settings_->cores, false);
      if (!usable) return usable.error();
      const std::size_t most = settings_->cores_max.value_or(usable->size());
      if (most > usable->size()) {
        fmt::print(stderr,
                   "cooper: scheduler.max-threads asks for {} workers; there is one driver a core, and {} cores\n",
                   most, usable->size());
      }
      if (most != 0 && most < usable->size()) usable->resize(most);
      // Without a list, cores that another process holds are left out; that takes precedence over a mere bound.
      if (settings_->cores || usable->size() < where->allowed_cores().size()) options.cores = std::move(*usable);
    }
    auto booted = machine::boot(*where, options);
    if (!booted) return booted.error();
    own_ = std::move(*booted);
    machine_ = own_.get();
  }
  for (std::size_t i = 0; i < machine_->core_count(); ++i) {
    const core_id id{static_cast<std::uint16_t>(i)};
    units_.push_back(std::make_unique<core_unit>(*this, system(), id, machine_->core_count()));
    units_.back()->use(settings_->policy);
  }
  for (const auto& unit : units_) {
    result<void> begun;
    const auto called = machine_->call(unit->id(), [&](core& here) { begun = unit->begin(here); });
    if (!called) return called.error();
    if (!begun) return begun.error();
  }
  return {};
}

void core_scheduler::start() {
  utility_actors_[printer_id] = system().spawn<actors::printer, caf::hidden>();
  monitors_.resize(units_.size());
  for (const auto& unit : units_) start_monitor(*unit);
}

void core_scheduler::start_monitor(core_unit& unit) {
  caf::actor_config cfg{&unit};
  cfg.flags |= detail::placed_flag;
  caf::actor started = system().spawn_class<core_monitor, caf::hidden>(cfg);
  const std::lock_guard lock{monitors_mutex_};
  monitors_[unit.id().value] = std::move(started);
}

std::vector<caf::actor> core_scheduler::monitors() const {
  const std::lock_guard lock{monitors_mutex_};
  std::vector<caf::actor> all;
  std::copy_if(monitors_.begin(), monitors_.end(), std::back_inserter(all), [](const caf::actor& m) { return !!m; });
  return all;
}

caf::actor core_scheduler::monitor_of(core_id which) const {
  const std::lock_guard lock{monitors_mutex_};
  return which.value < monitors_.size() ? monitors_[which.value] : caf::actor{};
}

void core_scheduler::announce(core_event event) {
  for (const caf::actor& m : monitors()) caf::anon_send(m, event);
}

void core_scheduler::stop() {
  machine_->describe_cores({});
  {
    // Their cores' end ends them.
    const std::lock_guard lock{monitors_mutex_};
    monitors_.clear();
  }
  if (machine_->adopted().empty()) {
    stop_actors();
  } else {
    stop_actors_by_hand();
  }
  for (const auto& unit : units_) {
    // One that is down has ended its actors when it went.
    if (unit->in_service()) static_cast<void>(machine_->call(unit->id(), [&](core&) { unit->end(); }));
  }
  // sync(scheduler.stopped) release <-> scheduler.stopped: as there.
  stopped_.store(true, std::memory_order_release);
  if (own_) {
    for (auto stopped = own_->stop(); !stopped; stopped = own_->stop()) {
      fmt::print(stderr, "cooper: {}\n", stopped.error().message());
    }
  }
  for (auto& actor : utility_actors_) actor = nullptr;
}

// On a machine whose cores this thread turns: nobody would while it waits for an actor's end.
void core_scheduler::stop_actors_by_hand() {
  const auto left = std::make_shared<std::atomic<std::size_t>>(0);
  for (auto& actor : utility_actors_) {
    if (!actor) continue;
    ++*left;
    actor->attach_functor([left] { --*left; });
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
  // In virtual time a conversation that feeds itself is cut.
  for (int turns = 0; *left != 0; ++turns) {
    const bool worked = machine_->step(machine_->now());
    if (machine_->simulated() && (!worked || turns > 1000)) return;
  }
}

result<void> core_scheduler::down(core_id which, duration deadline) {
  const auto found = unit_of(which);
  if (!found) return found.error();
  std::size_t running = 0;
  for (const auto& unit : units_) running += unit->in_service() ? 1 : 0;
  if (running < 2) return error{errc::last_core, fmt::format("core {}", which.value)};
  core_unit& unit = *units_[which.value];
  unit.in_service(false);
  {
    const std::lock_guard lock{monitors_mutex_};
    monitors_[which.value] = {};
  }
  if (const auto left = leave(unit, deadline); !left) return left.error();
  if (const auto gone = machine_->down(which, deadline); !gone) return gone.error();
  for (const auto& other : units_) {
    if (other->in_service()) static_cast<void>(machine_->call(other->id(), [&](core&) { other->peer_is_down(which); }));
  }
  announce({.core = which, .what = core_event::kind::down});
  return {};
}

result<void> core_scheduler::leave(core_unit& unit, duration deadline) {
  const auto left = std::make_shared<std::atomic<bool>>(false);
  // sync(scheduler.left) release <-> scheduler.left: the unit is done with its actors.
  const auto done = [left] { left->store(true, std::memory_order_release); };
  if (const auto asked = machine_->call(unit.id(), [&](core&) { unit.leave(done); }); !asked) return asked.error();
  const auto limit = std::chrono::steady_clock::now() + deadline;
  // sync(scheduler.left) acquire <-> scheduler.left: as there.
  while (!left->load(std::memory_order_acquire)) {
    if (std::chrono::steady_clock::now() > limit) {
      return error{errc::stop_timeout, fmt::format("core {} still waits for the other cores", unit.id().value)};
    }
    if (machine_->simulated()) {
      if (const auto turned = machine_->call(unit.id(), [](core&) {}); !turned) return turned.error();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds{50});
    }
  }
  return {};
}

result<void> core_scheduler::up(core_id which) {
  if (which.value >= units_.size()) return error{errc::no_such_core, fmt::format("core {}", which.value)};
  if (const auto risen = machine_->up(which); !risen) return risen.error();
  core_unit& unit = *units_[which.value];
  result<void> begun;
  if (const auto called = machine_->call(which, [&](core&) { begun = unit.come_back(); }); !called)
    return called.error();
  if (!begun) return begun;
  announce({.core = which, .what = core_event::kind::up});
  unit.in_service(true);
  start_monitor(unit);
  return {};
}

caf::actor_clock& core_scheduler::clock() noexcept { return *clock_; }

std::size_t core_scheduler::messages_per_run() const noexcept {
  return std::min(max_throughput_, messages_per_run_max);
}

duration core_scheduler::tick() const noexcept { return settings_->tick; }

core_id core_scheduler::next_core() noexcept {
  // sync(scheduler.turn) relaxed: any order of turns will do.
  return units_[turn_.fetch_add(1, std::memory_order_relaxed) % units_.size()]->id();
}

core_unit& core_scheduler::next_in_turn() {
  const bool first = settings_->policy == placement_policy::pack || settings_->policy == placement_policy::spawner;
  if (first && units_.front()->in_service()) return *units_.front();
  for (std::size_t tries = 0; tries < units_.size(); ++tries) {
    core_unit& next = *units_[next_core().value];
    if (next.in_service()) return next;
  }
  return *units_.front();
}

core_unit& core_scheduler::home_of(caf::resumable& what) {
  core_unit* here = core_unit::here_of(*this);
  if (what.subtype() != caf::resumable::scheduled_actor) return here != nullptr ? *here : *units_.front();
  auto& actor = static_cast<caf::scheduled_actor&>(what);
  // A unit of ours stands there since the actor was made by one of our actors, or since it got its home.
  for (const auto& unit : units_) {
    if (actor.context() == unit.get()) {
      const bool kept = settings_->policy != placement_policy::spread || actor.getf(detail::placed_flag) ||
                        actor.getf(caf::abstract_actor::is_initialized_flag);
      // A core that is about to go keeps its actors until it has ended or moved them itself: none runs on two cores.
      if (kept && (unit->in_service() || (unit.get() == here && here->stays()))) return *unit;
      break;
    }
  }
  core_unit& home = next_in_turn();
  actor.context(&home);
  return home;
}

// On a simulated machine: an actor that was never initialised comes here when it is spawned, and then not again. Core
// actors are their own launchers.
void core_scheduler::look_at_newcomer(core_unit* here, caf::resumable* what) {
  if (what->subtype() != caf::resumable::scheduled_actor) return;
  const auto& actor = static_cast<const caf::scheduled_actor&>(*what);
  if (actor.getf(caf::abstract_actor::is_initialized_flag)) return;
  // A group's end waits for it, in a blocking actor.
  if (std::string_view{actor.name()} == "local_broker") {
    caf::intrusive_ptr_release(what);
    throw std::runtime_error("cooper: " + only_on_real_machines("a group").message());
  }
  if (here != nullptr) here->driver().spend(work::spawn);
}

void core_scheduler::enqueue(caf::resumable* what) {
  core_unit& home = home_of(*what);
  core_unit* here = core_unit::here_of(*this);
  if (here != nullptr ? here->driver().meter() != nullptr : machine_->simulated()) look_at_newcomer(here, what);
  if (here == &home) return home.make_ready(what);
  if (here != nullptr) return here->forward(home, what);
  if (!post(home, [&home, what] { home.make_ready(what); })) home_is_gone(what);
}

void core_scheduler::home_is_gone(caf::resumable* what) {
  const bool posted = post_anywhere([what](core_unit& home) {
    const bool actor = what->subtype() == caf::resumable::scheduled_actor;
    if (actor) static_cast<caf::scheduled_actor*>(what)->context(&home);
    home.make_ready(what);
  });
  if (!posted) cleanup_and_release(what);
}

bool core_scheduler::post_anywhere(const std::function<void(core_unit&)>& work) {
  return std::any_of(units_.begin(), units_.end(), [&](const std::unique_ptr<core_unit>& unit) {
    return unit->in_service() && post(*unit, [work, u = unit.get()] { work(*u); });
  });
}

bool core_scheduler::post(core_unit& where, std::function<void()> work) {
  // sync(scheduler.stopped) acquire <-> scheduler.stopped: as in the header.
  if (stopped_.load(std::memory_order_acquire)) return false;
  for (;;) {
    const auto posted = machine_->post(where.id(), [work](core&) { work(); });
    if (posted) return true;
    // From one of our cores it does not wait: only shutting down and rare conversations come this way.
    if (posted.error().code() != errc::queue_full) return false;
  }
}

void await_all_actors_done(caf::actor_system& system) {
  core_scheduler* scheduler = core_scheduler::of(system);
  const auto mine = scheduler != nullptr ? scheduler->on().adopted() : std::vector<core_id>{};
  if (mine.empty()) return system.await_all_actors_done();
  machine& m = scheduler->on();
  if (m.simulated()) {
    while (system.registry().running() != 0 && m.step()) {}
    return;
  }
  // The core may sleep: it looks now and then, since actors that end elsewhere do not wake it.
  struct watch {
    static void look(caf::actor_system& system, core& here) {
      if (system.registry().running() == 0) return here.home().request_stop();
      here.after(std::chrono::microseconds{500}, [&system, &here] { look(system, here); });
    }
  };
  if (m.call(mine.front(), [&](core& here) { watch::look(system, here); })) m.run();
}

std::uint64_t parcels_refused(caf::actor_system& system) {
  std::uint64_t sum = 0;
  if (const auto* scheduler = core_scheduler::of(system)) {
    for (const auto& unit : scheduler->units()) sum += unit->seen_counters().parcels_refused.read();
  }
  return sum;
}

void run_on(caf::actor_system_config& cfg, machine& m) {
  cfg.module_factories.emplace_back([&m](caf::actor_system& system) -> caf::actor_system::module* {
    return new core_scheduler{system, &m};
  });
}

}  // namespace cooper::actors
