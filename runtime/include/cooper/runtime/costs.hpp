// SPDX-License-Identifier: BSD-3-Clause
// Virtual time that work takes on a simulated machine, and who keeps account of it there.
//
// On a real machine work takes what it takes: a core has no meter, and spending is one look at a null pointer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cooper {

// Picoseconds: a line costs a few nanoseconds, and a tenth of that matters.
using cost = std::chrono::duration<std::int64_t, std::pico>;

// Work of our own layers, beside the links; what each costs stands in the profile.
enum class work : std::uint8_t {
  line,             // an actor's line handler is called
  call,             // a call of a core actor is begun, and its answer taken
  answer,           // ... is answered
  coroutine,        // a coroutine is begun and goes on
  parcel_sent,      // a CAF message is made and sent
  parcel_received,  // ... is taken and handed to a behaviour
  spawn,            // an actor is spawned
  timer,            // a timer is set and rings
};
inline constexpr std::size_t work_count = 8;
std::string_view name_of(work) noexcept;

// What a simulated machine knows of a line that several cores share: see shared_line.hpp.
struct shared_state {
  std::size_t owner = 0;  // who wrote last
  std::uint64_t version = 0;
  cost written{};                      // at
  cost free{};                         // it serves nobody from then on
  std::vector<std::uint64_t> readers;  // by core: the version that it had last
  std::vector<cost> lost;              // ... and until when, if others wrote since
  std::uint64_t moves = 0;             // fetched or taken, by whomever
};

// One simulated core's account. That core only.
class cost_meter {
 public:
  cost_meter() = default;
  cost_meter(const cost_meter&) = default;
  cost_meter& operator=(const cost_meter&) = default;
  virtual ~cost_meter() = default;

  virtual void spend(cost) = 0;
  virtual void spend(work) = 0;
  virtual void read_shared(shared_state&) = 0;
  virtual void write_shared(shared_state&) = 0;
  // Whether what was last written has been, by this core's clock.
  virtual bool can_see(const shared_state&) const = 0;
};

}  // namespace cooper
