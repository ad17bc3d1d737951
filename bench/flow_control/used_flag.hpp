// SPDX-License-Identifier: BSD-3-Clause
// Flow control by a used flag: the receiver clears the control word of each slot that it has read, and the sender looks
// at the slot before it writes. No credit travels, but every line goes back to the sender once more (Barrelfish's UMP
// of 2020 does this).
#pragma once

#include <atomic>
#include <memory>

#include "support/link.hpp"

namespace cooper::bench {

class used_flag_ring {
 public:
  struct alignas(line_bytes) slot {
    std::uint64_t payload[payload_words];
    std::atomic<std::uint64_t> used;
  };

  // The sender's half.
  class writer {
   public:
    writer(slot* slots, std::size_t capacity) : slots_{slots}, mask_{capacity - 1} {}
    std::uint64_t* claim() {
      slot& s = slots_[next_ & mask_];
      // acquire <-> the receiver's release in release(): it has read the payload.
      return s.used.load(std::memory_order_acquire) == 0 ? s.payload : nullptr;
    }
    bool publish() {
      // release <-> the receiver's acquire in observe(): the payload is there.
      slots_[next_++ & mask_].used.store(1, std::memory_order_release);
      return true;
    }

   private:
    slot* slots_;
    std::size_t mask_;
    std::uint64_t next_ = 0;
  };

  class reader {
   public:
    reader(slot* slots, std::size_t capacity) : slots_{slots}, mask_{capacity - 1} {}
    const std::uint64_t* observe() const {
      const slot& s = slots_[next_ & mask_];
      return s.used.load(std::memory_order_acquire) != 0 ? s.payload : nullptr;
    }
    void release() { slots_[next_++ & mask_].used.store(0, std::memory_order_release); }

   private:
    slot* slots_;
    std::size_t mask_;
    std::uint64_t next_ = 0;
  };
};

class used_flag_link {
 public:
  // capacity: a power of two.
  explicit used_flag_link(std::size_t capacity)
      : there_{new used_flag_ring::slot[capacity]{}},
        back_{new used_flag_ring::slot[capacity]{}},
        first_{there_.get(), back_.get(), capacity},
        second_{back_.get(), there_.get(), capacity} {}

  class alignas(destructive_bytes) end {
   public:
    end(used_flag_ring::slot* out, used_flag_ring::slot* in, std::size_t capacity)
        : out_{out, capacity}, in_{in, capacity} {}
    void prepare() {}
    std::uint64_t* claim() { return out_.claim(); }
    bool publish() { return out_.publish(); }
    const std::uint64_t* observe() { return in_.observe(); }
    void release() { in_.release(); }

   private:
    used_flag_ring::writer out_;
    used_flag_ring::reader in_;
  };

  end& first() { return first_; }
  end& second() { return second_; }

 private:
  std::unique_ptr<used_flag_ring::slot[]> there_;
  std::unique_ptr<used_flag_ring::slot[]> back_;
  end first_;
  end second_;
};

}  // namespace cooper::bench
