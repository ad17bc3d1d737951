// SPDX-License-Identifier: BSD-3-Clause
// What other threads read of a driver that no protocol between cores depends on: the machine, and whoever looks.
#pragma once

#include <atomic>
#include <cstdint>

#include <cooper/vocabulary/line.hpp>

namespace cooper::detail {

// Something the driver has reached, told to the machine's threads.
class announcement {
 public:
  explicit announcement(bool value) : value_{value} {}

  // sync(announcement.set) release <-> announcement.read: what the driver did before it is there to be seen.
  void set(bool value) noexcept { value_.store(value, std::memory_order_release); }
  // sync(announcement.read) acquire <-> announcement.set: as there.
  bool read() const noexcept { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> value_;
};

// In a line of its own: peers read `down` at first contact, beside nothing that is the driver's alone.
class alignas(destructive_bytes) driver_view {
 public:
  static constexpr std::uint32_t between_handlers = 0xffffffff;
  static constexpr std::uint32_t in_job = 0xfffffffe;  // a job, a timer, or work from the gateway

  announcement quiet{false};    // nothing was left to do after begin_stop()
  announcement stopped{false};  // the loop has ended
  announcement down{false};     // out of service

  // sync(busy.own) relaxed: a number by itself, for people; only the driver writes it.
  void enter(std::uint32_t endpoint) noexcept { busy_.store(endpoint, std::memory_order_relaxed); }
  void leave() noexcept { enter(between_handlers); }
  // sync(busy.read) relaxed: as busy.own.
  std::uint32_t busy() const noexcept { return busy_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> busy_{between_handlers};
};

}  // namespace cooper::detail
