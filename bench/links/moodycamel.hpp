// SPDX-License-Identifier: BSD-3-Clause
// moodycamel::ReaderWriterQueue as a link, never growing: try_enqueue refuses when its blocks are full.
#pragma once

#include <readerwriterqueue/readerwriterqueue.h>

#include "support/link.hpp"

namespace cooper::bench {

class moodycamel_queue {
 public:
  explicit moodycamel_queue(std::size_t capacity) : queue_{capacity} {}
  bool push(const message& m) { return queue_.try_enqueue(m); }
  bool pop(message& m) { return queue_.try_dequeue(m); }

 private:
  moodycamel::ReaderWriterQueue<message> queue_;
};

using moodycamel_link = copying_link<moodycamel_queue>;

}  // namespace cooper::bench
