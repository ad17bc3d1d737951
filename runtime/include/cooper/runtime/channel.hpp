// SPDX-License-Identifier: BSD-3-Clause
// The cache-line channel: a bounded single-producer single-consumer ring of lines.
//
// `basic_sender` and `basic_receiver` are its two ends, move-only and handed out once, by `bind` (a new ring) or
// `rebind` (the same memory, next life). The sender belongs to one core and the receiver to another; no operation here
// is for any other thread. Every operation is wait-free. The counterpart is Barrelfish's UMP channel
// (include/barrelfish/ump_impl.h); flow control is a credit word that the receiver overwrites in a line of its own
// (docs/decisions/0002-flow-control.md says what it was measured against).
//
//   I1  A line is written by the sender only, and only while it has credit for it: enforced by claim().
//   I2  The receiver reads a line between observe() and release(); the slot is not rewritten meanwhile, because its
//       credit is returned after release(): enforced by the edge credit_return <-> credit_observe.
//   I3  A line is accepted only if it bears the current lap and life: enforced by observe().
//   I4  0 <= published - returned <= capacity: enforced by claim() and return_credit().
//
// The memory belongs to the receiver's node: `bind` is called on the receiver's core, which touches it first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <cooper/runtime/environment.hpp>
#include <cooper/runtime/footprint.hpp>
#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper {

// What becomes of a line that is sent: a normal outcome, not an error.
enum class [[nodiscard]] send_result : std::uint8_t{
    ok,      // it is on its way
    full,    // no credit; nothing was sent, try again later
    closed,  // the receiver is gone for good; nothing was sent
};

namespace detail {

template <environment Env>
struct alignas(line_bytes) ring_line {
  alignas(8) std::byte payload[line_payload_bytes];
  typename Env::word control;
};

using native_line = ring_line<native_environment<barrier_mode::membarrier>>;
static_assert(sizeof(native_line) == line_bytes && alignof(native_line) == line_bytes);
static_assert(offsetof(native_line, control) == line_payload_bytes);

// The memory of one ring. The two ends share it; their count is touched at bind and close only.
template <environment Env>
struct ring_memory {
  explicit ring_memory(std::size_t capacity) : lines{new ring_line<Env>[capacity] {}} {
    footprint::declare(lines.get(), capacity * sizeof(ring_line<Env>), footprint::rule::control_word);
  }

  std::unique_ptr<ring_line<Env>[]> lines;
  // Slots given back since this life began. Written by the receiver only, in a line of its own.
  struct alignas(destructive_bytes) {
    typename Env::word value{};
  } credit;
};

constexpr std::uint16_t stamp(std::uint64_t lap, std::uint8_t life) {
  return static_cast<std::uint16_t>((lap & 0xff) | std::uint64_t{life} << 8);
}

}  // namespace detail

template <environment Env>
class basic_receiver;

template <environment Env>
class basic_sender {
 public:
  basic_sender() = default;
  basic_sender(basic_sender&&) noexcept = default;
  basic_sender& operator=(basic_sender&&) noexcept = default;

  explicit operator bool() const { return memory_ != nullptr; }
  std::size_t capacity() const { return mask_ + 1; }
  // Lines published in this life: the position that a receiver drains to when the sender closes.
  std::uint64_t position() const { return next_; }

  // The payload of the next free line, to be written in place; null where there is no credit. Wait-free.
  std::byte* claim(Env& env) {
    if (next_ == limit_) [[unlikely]] {
      refresh(env);
      if (next_ == limit_) return nullptr;
    }
    detail::ring_line<Env>& line = lines_[next_ & mask_];
    env.payload_write(&line);
    return line.payload;
  }

  // Publishes the claimed line. Wait-free; one store with release.
  void publish(Env& env, line_header header) {
    env.store(sync::line_publish, lines_[next_ & mask_].control, pack_header(header) | stamp_);
    if ((++next_ & mask_) == 0) advance_lap();
    // Credit is fetched early, behind the published line: the miss overlaps with the wait for an answer.
    if (limit_ - next_ <= refresh_below_) refresh(env);
  }

  bool writable(Env& env) {
    if (next_ == limit_) refresh(env);
    return next_ != limit_;
  }

 private:
  friend class basic_receiver<Env>;

  basic_sender(std::shared_ptr<detail::ring_memory<Env>> memory, std::size_t capacity, std::uint8_t life)
      : lines_{memory->lines.get()},
        credit_{&memory->credit.value},
        mask_{capacity - 1},
        limit_{capacity},
        refresh_below_{capacity / 2},
        stamp_{detail::stamp(1, life)},
        memory_{std::move(memory)} {}

  void refresh(Env& env) { limit_ = env.load(sync::credit_observe, *credit_) + capacity(); }

  void advance_lap() { stamp_ = detail::stamp((next_ >> capacity_bits()) + 1, static_cast<std::uint8_t>(stamp_ >> 8)); }
  unsigned capacity_bits() const { return static_cast<unsigned>(__builtin_popcountll(mask_)); }

  detail::ring_line<Env>* lines_ = nullptr;
  typename Env::word* credit_ = nullptr;
  std::uint64_t mask_ = 0;
  std::uint64_t next_ = 0;   // position of the next line to write
  std::uint64_t limit_ = 0;  // position that there is no credit for yet
  std::uint64_t refresh_below_ = 0;
  std::uint16_t stamp_ = 0;
  std::shared_ptr<detail::ring_memory<Env>> memory_;
};

template <environment Env>
class basic_receiver {
 public:
  // A line that arrived, in place; valid until release().
  struct arrival {
    const std::byte* payload = nullptr;
    line_header header;
    explicit operator bool() const { return payload != nullptr; }
  };

  basic_receiver() = default;
  basic_receiver(basic_receiver&&) noexcept = default;
  basic_receiver& operator=(basic_receiver&&) noexcept = default;

  explicit operator bool() const { return memory_ != nullptr; }
  std::size_t capacity() const { return mask_ + 1; }
  // Lines released in this life.
  std::uint64_t position() const { return next_; }

  // A new ring. capacity: a power of two, 2 to 65,536 lines. Call it on the receiver's core. The credit batch is the
  // number of lines after which credit goes back: a quarter of the ring unless told.
  static std::pair<basic_sender<Env>, basic_receiver> bind(Env& env, std::size_t capacity, std::uint8_t life = 0,
                                                           std::size_t credit_batch = 0) {
    COOPER_ASSERT(capacity >= 2 && capacity <= 65536 && (capacity & (capacity - 1)) == 0, "a ring's capacity");
    return hand_out(env, std::make_shared<detail::ring_memory<Env>>(capacity), capacity, life, credit_batch);
  }

  // The same memory in its next life, for a new sender. The old sender must be gone (closed at position() and
  // destroyed); a line that it left behind bears the old life and is refused.
  std::pair<basic_sender<Env>, basic_receiver> rebind(Env& env) && {
    const auto life = static_cast<std::uint8_t>((expected_ >> 8) + 1);
    const std::size_t capacity = mask_ + 1;
    if (life == 0) {
      // Lives wrap: what a line of 256 lives ago left behind must not look current.
      return bind(env, capacity, life, credit_batch_);
    }
    env.store(sync::credit_return, memory_->credit.value, 0);
    return hand_out(env, std::move(memory_), capacity, life, credit_batch_);
  }

  // The next line, if it has arrived. Wait-free; one load with acquire.
  arrival observe(Env& env) const {
    const detail::ring_line<Env>& line = lines_[next_ & mask_];
    const std::uint64_t control = env.load(sync::line_observe, line.control);
    if (!is_new(env, control)) return {};
    if (env.mutated(mutation::free_slot_early)) env.store(sync::credit_return, *credit_, next_ + 1);
    env.payload_read(&line);
    return {line.payload, unpack_header(control)};
  }

  // Gives the observed line back; its memory may be rewritten once the credit has been returned.
  void release(Env& env) {
    env.payload_read(&lines_[next_ & mask_]);
    if ((++next_ & mask_) == 0) {
      expected_ = detail::stamp((next_ >> capacity_bits()) + 1, static_cast<std::uint8_t>(expected_ >> 8));
    }
    if (next_ - returned_ >= credit_batch_) return_credit(env);
  }

  // Lets the sender have every slot released so far. True if there was one to return.
  bool return_credit(Env& env) {
    if (returned_ == next_) return false;
    returned_ = next_;
    env.store(sync::credit_return, *credit_, env.mutated(mutation::lose_credit) ? next_ - 1 : next_);
    return true;
  }

  // Whether credit went back since this was last asked: the sender may be waiting for it.
  bool credit_returned_since(std::uint64_t& seen) const { return std::exchange(seen, returned_) != returned_; }

 private:
  basic_receiver(std::shared_ptr<detail::ring_memory<Env>> memory, std::size_t capacity, std::uint8_t life,
                 std::size_t credit_batch)
      : lines_{memory->lines.get()},
        credit_{&memory->credit.value},
        mask_{capacity - 1},
        credit_batch_{credit_batch},
        expected_{detail::stamp(1, life)},
        memory_{std::move(memory)} {}

  static std::pair<basic_sender<Env>, basic_receiver> hand_out(Env&, std::shared_ptr<detail::ring_memory<Env>> memory,
                                                               std::size_t capacity, std::uint8_t life,
                                                               std::size_t credit_batch) {
    if (credit_batch == 0) credit_batch = capacity >= 4 ? capacity / 4 : 1;
    return {basic_sender<Env>{memory, capacity, life}, basic_receiver{memory, capacity, life, credit_batch}};
  }

  bool is_new(Env& env, std::uint64_t control) const {
    if (env.mutated(mutation::accept_stale_life)) return (control & 0xff) == (expected_ & 0xff);
    return stamp_of(control) == expected_;
  }
  unsigned capacity_bits() const { return static_cast<unsigned>(__builtin_popcountll(mask_)); }

  detail::ring_line<Env>* lines_ = nullptr;
  typename Env::word* credit_ = nullptr;
  std::uint64_t mask_ = 0;
  std::uint64_t next_ = 0;      // position of the next line to read
  std::uint64_t returned_ = 0;  // credit returned up to this position
  std::size_t credit_batch_ = 1;
  std::uint16_t expected_ = 0;  // stamp of the next line
  std::shared_ptr<detail::ring_memory<Env>> memory_;
};

// The channel of real cores. Polled, with no wake-up: the CPU driver adds that.
using sender = basic_sender<native_environment<barrier_mode::membarrier>>;
using receiver = basic_receiver<native_environment<barrier_mode::membarrier>>;

}  // namespace cooper
