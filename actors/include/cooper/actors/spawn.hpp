// SPDX-License-Identifier: BSD-3-Clause
// Spawning where one wants: spawn_on(system, place, ...).
//
//   auto c = spawn_on<counter>(system, core_id{1}, 42);        // result<core_ref<counter>>
//   auto e = spawn_on(system, beside(*c), echo);               // result<caf::actor>, the same core as c
//
// An actor of any event-based class may be spawned so, from any thread; one that is a core actor gives a core_ref. It
// stays on that core, whatever the placement, until the core goes down.
// Errors: no_such_core, core_down, not_supported_here (the system runs on another scheduler).
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/spawn_options.hpp>

#include <cooper/actors/core_actor.hpp>
#include <cooper/actors/core_scheduler.hpp>

namespace cooper::actors {

// Where an actor is to live.
class place {
 public:
  enum class kind : std::uint8_t { on, beside, near, spread, pack };

  place(core_id core) : kind_{kind::on}, core_{core} {}
  place(kind k, core_id core = {}) : kind_{k}, core_{core} {}

  // Errors: as spawn_on.
  result<caf::execution_unit*> resolve(caf::actor_system& system) const;

 private:
  kind kind_;
  core_id core_;
};

// The core of another actor; a core that shares a cache with it (its own, if there is no other); the next core in turn;
// the first core.
inline place beside(const resident& other) { return {place::kind::beside, other.home_core()}; }
inline place near(const resident& other) { return {place::kind::near, other.home_core()}; }
inline place spread() { return {place::kind::spread}; }
inline place pack() { return {place::kind::pack}; }

namespace detail {

// In an actor's flags, beside CAF's own: its spawner has chosen its core; what its overflow_policy is, if not refuse.
inline constexpr int placed_flag = 0x0010'0000;
inline constexpr int waits_flag = 0x0020'0000;
inline constexpr int drops_oldest_flag = 0x0040'0000;

template <class Actor>
concept speaks_lines = std::derived_from<Actor, resident>;

template <class Actor>
struct spawned_as {
  using type = caf::infer_handle_from_class_t<Actor>;
};
template <speaks_lines Actor>
struct spawned_as<Actor> {
  using type = core_ref<Actor>;
};

}  // namespace detail

template <class Actor, caf::spawn_options Options = caf::no_spawn_options, class... Ts>
result<typename detail::spawned_as<Actor>::type> spawn_on(caf::actor_system& system, place where, Ts&&... xs) {
  const auto unit = where.resolve(system);
  if (!unit) return unit.error();
  caf::actor_config cfg{*unit};
  cfg.flags |= detail::placed_flag;
  auto handle = system.spawn_class<Actor, Options>(cfg, std::forward<Ts>(xs)...);
  if constexpr (detail::speaks_lines<Actor>) {
    return core_ref<Actor>{static_cast<Actor&>(*caf::actor_cast<caf::abstract_actor*>(handle))};
  } else {
    return handle;
  }
}

template <caf::spawn_options Options = caf::no_spawn_options, class F, class... Ts>
result<caf::infer_handle_from_fun_t<F>> spawn_on(caf::actor_system& system, place where, F fun, Ts&&... xs) {
  using impl = caf::infer_impl_from_fun_t<F>;
  static constexpr bool spawnable = caf::detail::spawnable<F, impl, Ts...>();
  static_assert(spawnable, "the function cannot be called with these arguments");
  const auto unit = where.resolve(system);
  if (!unit) return unit.error();
  caf::actor_config cfg{*unit};
  cfg.flags |= detail::placed_flag;
  return system.spawn_functor<Options>(std::true_type{}, cfg, fun, std::forward<Ts>(xs)...);
}

}  // namespace cooper::actors
