// SPDX-License-Identifier: BSD-3-Clause
// What channel, parking and driver code may touch of the world: the concept `environment`.
//
// That code is templates over an environment, instantiated for three: native (real memory, real clock), simulated
// (virtual time, one thread) and, in the tests, model (weak memory, every order). An environment is one core's view;
// it is held by value and passed by reference.
//
//   word            64 bits that one core writes and others read; zero at first. In native memory a std::atomic.
//   load/store/exchange(site, word, ...)   the memory order comes from the site (sync.hpp)
//   light_barrier() between publishing and looking whether the receiver is parked
//   heavy_barrier() between announcing that one parks and looking for work; acts on all threads that use the light one
//   pause()         an empty turn went by, after spin_turns of them in a row
//   toward(core)    the stores and loads that follow concern that core: the simulated machine charges by link
//   handling(from, first)  a line of that core is about to be handled; the first that this turn takes from it
//   alarm_at(t)     when a timer that is set for t rings
//   payload_write/payload_read(line)  plain accesses that follow, for the model's race detector; nothing elsewhere
//   mutated(m)      is a planted bug on? Constantly false outside the model, so it costs nothing
#pragma once

#include <concepts>
#include <cstdint>

#include <cooper/runtime/sync.hpp>
#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper {

// Bugs that the model environment plants, one at a time; its tests fail unless each is caught.
enum class mutation : std::uint8_t {
  none,
  omit_heavy_barrier,
  omit_light_barrier,
  omit_recheck_lanes,      // park without looking at the rings again
  omit_recheck_credit,     // ... at the credit it waits for
  omit_recheck_gateway,    // ... at the gateway
  omit_recheck_run_queue,  // ... at its own run queue
  omit_recheck_timers,     // ... at the next deadline
  lose_credit,             // return one slot less than was consumed
  accept_stale_life,       // compare only the lap of a line
  free_slot_early,         // give the slot back before the handler has returned
  miss_hint,               // raise the hint before the line is published
  reuse_endpoint_early,    // reuse a slot of the endpoint table with its old generation
  end_grace_early,         // end a grace period without waiting for the cores' turns
  count
};

template <class E>
concept environment = requires(E& env, typename E::word& word, const typename E::word& readable, const void* line) {
  { env.load(sync::line_observe, readable) } -> std::same_as<std::uint64_t>;
  env.store(sync::line_publish, word, std::uint64_t{});
  { env.exchange(sync::park_claim, word, std::uint64_t{}) } -> std::same_as<std::uint64_t>;
  env.light_barrier();
  env.heavy_barrier();
  env.pause();
  env.toward(core_id{});
  env.handling(core_id{}, true);
  { env.alarm_at(instant{}) } -> std::same_as<instant>;
  { E::spin_turns } -> std::convertible_to<unsigned>;
  env.payload_write(line);
  env.payload_read(line);
  { env.now() } -> std::same_as<instant>;
  { env.mutated(mutation::none) } -> std::same_as<bool>;
};

}  // namespace cooper
