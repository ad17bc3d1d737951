// SPDX-License-Identifier: BSD-3-Clause
// Round trips and streams over a link (support/link.hpp): the same loops for every contender, no pause in any spin.
#pragma once

#include <cstdint>

#include <cooper/runtime/native_environment.hpp>

#include "support/message.hpp"

namespace cooper::bench {

// One message there and one back, one at a time. ask() on one thread, answer() on the other, equal counts.
template <class Link>
class round_trips {
 public:
  explicit round_trips(Link& link) : first_{link.first()}, second_{link.second()} {}

  void prepare(std::size_t member) {
    if (member == 0) first_.prepare();
    if (member == 1) second_.prepare();
  }

  // Nanoseconds that `count` round trips took, after a short warm-up.
  double ask(std::uint64_t count) {
    exchange(warm_up(count));
    const instant begin = native::now();
    exchange(count);
    return static_cast<double>((native::now() - begin).count());
  }

  void answer(std::uint64_t count) {
    std::uint64_t errors = 0;
    std::uint64_t sequence = answered_;
    for (const std::uint64_t end = sequence + warm_up(count) + count; sequence != end;) {
      ++sequence;
      const std::uint64_t* in;
      while ((in = second_.observe()) == nullptr) {}
      errors |= stamp_error(in, sequence);
      // As a handler does: the answer leaves while the message is still in place.
      send(second_, sequence);
      second_.release();
    }
    answered_ = sequence;
    answer_errors_ |= errors;
  }

  // Whether every message arrived as it was sent. Between windows.
  bool intact() const { return (ask_errors_ | answer_errors_) == 0; }

 private:
  static std::uint64_t warm_up(std::uint64_t count) { return count / 50 + 4; }

  template <class End>
  static void send(End& end, std::uint64_t sequence) {
    std::uint64_t* out;
    while ((out = end.claim()) == nullptr) {}
    stamp(out, sequence);
    while (!end.publish()) {}
  }

  void exchange(std::uint64_t count) {
    std::uint64_t errors = 0;
    std::uint64_t sequence = asked_;
    send(first_, ++sequence);
    for (const std::uint64_t end = sequence + count;; first_.release()) {
      const std::uint64_t* in;
      while ((in = first_.observe()) == nullptr) {}
      errors |= stamp_error(in, sequence);
      if (sequence + 1 == end) break;
      send(first_, ++sequence);
    }
    first_.release();
    asked_ = sequence;
    ask_errors_ |= errors;
  }

  typename Link::end& first_;
  typename Link::end& second_;
  alignas(destructive_bytes) std::uint64_t asked_ = 0;
  std::uint64_t ask_errors_ = 0;
  alignas(destructive_bytes) std::uint64_t answered_ = 0;
  std::uint64_t answer_errors_ = 0;
};

// Messages one way. Open: as many as the link takes. With a window: at most that many that the receiver has not
// acknowledged, which it does every 4 messages, in a message over the same link.
template <class Link>
class one_way {
 public:
  static constexpr std::uint64_t ack_every = 4;

  explicit one_way(Link& link, std::uint64_t outstanding_max = 0)
      : first_{link.first()}, second_{link.second()}, window_{outstanding_max} {}

  void prepare(std::size_t member) {
    if (member == 0) first_.prepare();
    if (member == 1) second_.prepare();
  }

  void produce(std::uint64_t count) {
    std::uint64_t sequence = produced_;
    for (const std::uint64_t end = sequence + warm_up(count) + count; sequence != end; ++sequence) {
      while (window_ != 0 && sequence - acknowledged_ >= window_) read_acknowledgement();
      std::uint64_t* out;
      while ((out = first_.claim()) == nullptr) {
        // Who waits for room goes on reading, or two full rings wait for each other.
        if (window_ != 0) read_acknowledgement();
      }
      fill(out, sequence);
      while (!first_.publish()) {}
    }
    produced_ = sequence;
    while (window_ != 0 && acknowledged_ != produced_) read_acknowledgement();
  }

  // Nanoseconds that the last `count` messages took to arrive.
  double consume(std::uint64_t count) {
    take(warm_up(count));
    const instant begin = native::now();
    take(count);
    return static_cast<double>((native::now() - begin).count());
  }

  // Whether the sums agree. Between windows.
  bool intact() const { return sum_ == expected_sum(0, consumed_); }

 private:
  // Makes the whole window a multiple of ack_every, so that the last acknowledgement covers it.
  static std::uint64_t warm_up(std::uint64_t count) {
    const std::uint64_t wanted = count / 50 + 4;
    return wanted + (ack_every - (wanted + count) % ack_every) % ack_every;
  }

  void read_acknowledgement() {
    const std::uint64_t* in = first_.observe();
    if (in == nullptr) return;
    acknowledged_ = in[0];
    first_.release();
  }

  void take(std::uint64_t count) {
    std::uint64_t total = sum_;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t* in;
      while ((in = second_.observe()) == nullptr) {}
      total += bench::sum(in);
      second_.release();
      ++consumed_;
      if (window_ != 0 && consumed_ % ack_every == 0) acknowledge();
    }
    sum_ = total;
  }

  void acknowledge() {
    std::uint64_t* out;
    while ((out = second_.claim()) == nullptr) {}
    stamp(out, consumed_);
    while (!second_.publish()) {}
  }

  typename Link::end& first_;
  typename Link::end& second_;
  std::uint64_t window_;
  alignas(destructive_bytes) std::uint64_t produced_ = 0;
  std::uint64_t acknowledged_ = 0;
  alignas(destructive_bytes) std::uint64_t consumed_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace cooper::bench
