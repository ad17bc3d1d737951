// SPDX-License-Identifier: BSD-3-Clause
// Flow control by acknowledgements that ride on the messages of the way back (Barrelfish's UMP of 2011).
//
// Each control word carries how many slots of the other ring its sender has given back. Where nothing flows back, the
// receiver says so in a line of its own once more than half the ring is owed; one slot is reserved for that, so
// that two full rings do not wait for each other. Only the sender writes a ring, and a slot needs no clearing:
//
//   bits  0-31  acknowledged  slots of the other ring, a running count
//   bit   32    explicit      an acknowledgement only, no message
//   bits 33-63  lap           which pass over the ring this line belongs to; 0 before the first
#pragma once

#include <atomic>
#include <memory>

#include "support/link.hpp"

namespace cooper::bench {

class piggyback_link {
  struct alignas(line_bytes) slot {
    std::uint64_t payload[payload_words];
    std::atomic<std::uint64_t> control;
  };

 public:
  // capacity: a power of two, 4 or more.
  explicit piggyback_link(std::size_t capacity)
      : there_{new slot[capacity]{}},
        back_{new slot[capacity]{}},
        first_{there_.get(), back_.get(), capacity},
        second_{back_.get(), there_.get(), capacity} {}

  class alignas(destructive_bytes) end {
   public:
    end(slot* out, slot* in, std::size_t capacity) : out_{out}, in_{in}, capacity_{capacity} {}
    void prepare() {}

    std::uint64_t* claim() {
      if (used() >= capacity_ - 1) {
        learn();
        if (used() >= capacity_ - 1) return nullptr;
      }
      return out_[written_ & (capacity_ - 1)].payload;
    }
    bool publish() {
      store(0);
      return true;
    }

    const std::uint64_t* observe() {
      for (;;) {
        const slot& s = in_[read_ & (capacity_ - 1)];
        const std::uint64_t control = s.control.load(std::memory_order_acquire);
        if (control >> 33 != lap(read_)) {
          acknowledge_if_due();
          return nullptr;
        }
        accept(control);
        if ((control & explicit_bit) == 0) return s.payload;
        ++read_;
      }
    }
    void release() {
      ++read_;
      acknowledge_if_due();
    }

   private:
    static constexpr std::uint64_t explicit_bit = std::uint64_t{1} << 32;

    std::uint64_t lap(std::uint64_t position) const { return (position / capacity_ + 1) & 0x7fffffff; }
    std::uint64_t used() const { return written_ - acknowledged_; }

    void store(std::uint64_t flags) {
      const std::uint64_t control = (read_ & 0xffffffff) | flags | lap(written_) << 33;
      // release <-> the other end's acquire: the payload is there, and the slots acknowledged have been read.
      out_[written_ & (capacity_ - 1)].control.store(control, std::memory_order_release);
      ++written_;
      told_ = read_;
    }
    // The count runs on in 32 bits; a line that was looked at ahead of its turn may be older than what is known.
    void accept(std::uint64_t control) {
      const auto more =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(control) - static_cast<std::uint32_t>(acknowledged_));
      if (more > 0) acknowledged_ += static_cast<std::uint32_t>(more);
    }
    // Without credit: every line that has arrived may acknowledge, also those behind messages not taken yet. Lines that
    // only acknowledge are taken at once where no message stands before them: a sender that never receives still gives
    // their slots back.
    void learn() {
      if (looked_at_ < read_) looked_at_ = read_;
      for (;;) {
        const std::uint64_t control = in_[looked_at_ & (capacity_ - 1)].control.load(std::memory_order_acquire);
        if (control >> 33 != lap(looked_at_)) return;
        accept(control);
        if (looked_at_ == read_ && (control & explicit_bit) != 0) ++read_;
        ++looked_at_;
      }
    }
    void acknowledge_if_due() {
      if (read_ - told_ <= capacity_ / 2) return;
      if (used() >= capacity_) return;  // the reserved slot is in use too; what comes back will free it
      store(explicit_bit);
    }

    slot* out_;
    slot* in_;
    std::uint64_t capacity_;
    std::uint64_t written_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t read_ = 0;
    std::uint64_t told_ = 0;
    std::uint64_t looked_at_ = 0;  // lines whose acknowledgement is known, at or after read_
  };

  end& first() { return first_; }
  end& second() { return second_; }

 private:
  std::unique_ptr<slot[]> there_;
  std::unique_ptr<slot[]> back_;
  end first_;
  end second_;
};

}  // namespace cooper::bench
