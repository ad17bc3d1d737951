// SPDX-License-Identifier: BSD-3-Clause
// A link: what two threads talk over, seen the same way for every contender.
//
// A link has two ends, each for one thread, each of which sends and receives:
//
//   std::uint64_t* claim()          where to write the next message's 7 payload words; null: no room now
//   bool publish()                  sends what was written; false: no room now, call again
//   const std::uint64_t* observe()  the next message, if one is there; null otherwise
//   void release()                  done with the observed message
//   void prepare()                  called once on the end's own thread, before anything else, on both ends in turn
//
// A ring that works in place gives its slots to claim() and observe(); a queue that copies gives scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cooper/vocabulary/line.hpp>

#include "support/message.hpp"

namespace cooper::bench {

// Makes a link of two queues that copy messages in and out: Queue(capacity), push(const message&), pop(message&).
template <class Queue>
class copying_link {
 public:
  explicit copying_link(std::size_t capacity) : there_{capacity}, back_{capacity} {}

  class alignas(destructive_bytes) end {
   public:
    end(Queue& out, Queue& in) : out_{&out}, in_{&in} {}
    void prepare() {}
    std::uint64_t* claim() { return written_.word; }
    bool publish() { return out_->push(written_); }
    const std::uint64_t* observe() { return in_->pop(read_) ? read_.word : nullptr; }
    void release() {}

   private:
    message written_{};
    message read_{};
    Queue* out_;
    Queue* in_;
  };

  end& first() { return first_; }
  end& second() { return second_; }

 private:
  alignas(destructive_bytes) Queue there_;
  alignas(destructive_bytes) Queue back_;
  end first_{there_, back_};
  end second_{back_, there_};
};

}  // namespace cooper::bench
