// SPDX-License-Identifier: BSD-3-Clause
// boost::lockfree::spsc_queue as a link: the capacity at run time, messages copied in and out.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include "support/link.hpp"

namespace cooper::bench {

class boost_spsc_queue {
 public:
  explicit boost_spsc_queue(std::size_t capacity) : queue_{capacity} {}
  bool push(const message& m) { return queue_.push(m); }
  bool pop(message& m) { return queue_.pop(m); }

 private:
  boost::lockfree::spsc_queue<message> queue_;
};

using boost_spsc_link = copying_link<boost_spsc_queue>;

}  // namespace cooper::bench
