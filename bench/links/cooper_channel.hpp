// SPDX-License-Identifier: BSD-3-Clause
// The product's own channel as a link: two rings, polled, written and read in place, credit in a word of its own.
#pragma once

#include <cstdint>
#include <utility>

#include <cooper/runtime/channel.hpp>

#include "support/link.hpp"

namespace cooper::bench {

// Whose thread touches a ring's memory first, and so on whose NUMA node it lies.
enum class ring_memory : std::uint8_t { receiver, sender };

class cooper_channel {
 public:
  explicit cooper_channel(std::size_t capacity, std::size_t credit_batch = 0, ring_memory where = ring_memory::receiver)
      : capacity_{capacity}, credit_batch_{credit_batch}, where_{where} {
    first_.peer_ = &second_;
    second_.peer_ = &first_;
    first_.home_ = second_.home_ = this;
  }
  cooper_channel(const cooper_channel&) = delete;
  cooper_channel& operator=(const cooper_channel&) = delete;

  class alignas(destructive_bytes) end {
   public:
    std::uint64_t* claim() { return reinterpret_cast<std::uint64_t*>(sender_.claim(env_)); }
    bool publish() {
      sender_.publish(env_, {});
      return true;
    }
    const std::uint64_t* observe() { return reinterpret_cast<const std::uint64_t*>(receiver_.observe(env_).payload); }
    void release() { receiver_.release(env_); }

    // Binds one of the two rings: the one that this end receives from, or the one that it sends to.
    void prepare() {
      auto [s, r] = receiver::bind(env_, home_->capacity_, 0, home_->credit_batch_);
      const bool receives = home_->where_ == ring_memory::receiver;
      (receives ? peer_ : this)->sender_ = std::move(s);
      (receives ? this : peer_)->receiver_ = std::move(r);
    }

   private:
    friend class cooper_channel;
    [[no_unique_address]] native_environment<barrier_mode::membarrier> env_;
    sender sender_;
    receiver receiver_;
    end* peer_ = nullptr;
    const cooper_channel* home_ = nullptr;
  };

  end& first() { return first_; }
  end& second() { return second_; }

 private:
  std::size_t capacity_;
  std::size_t credit_batch_;
  ring_memory where_;
  end first_;
  end second_;
};

}  // namespace cooper::bench
