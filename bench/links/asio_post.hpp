// SPDX-License-Identifier: BSD-3-Clause
// Two io_contexts, each polled by its own thread; a message is a closure that carries 64 bytes.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/line.hpp>

#include "support/message.hpp"

namespace cooper::bench {

class asio_pair {
 public:
  // outstanding_max: of a stream; an io_context has no bound of its own.
  explicit asio_pair(std::uint64_t outstanding_max = 256) : outstanding_max_{outstanding_max} {}

  // -- round trips
  double ask(std::uint64_t count) {
    exchange(warm_up);
    const instant begin = native::now();
    exchange(count);
    return static_cast<double>((native::now() - begin).count());
  }
  void answer(std::uint64_t count) {
    for (const std::uint64_t end = answered_ + warm_up + count; answered_ != end;) second_.poll();
  }

  // -- a stream; the receiver posts what it has consumed, every quarter of the bound
  void produce(std::uint64_t count) {
    for (const std::uint64_t end = produced_ + warm_up + count; produced_ != end;) {
      while (produced_ - acknowledged_ >= outstanding_max_) first_.poll();
      message m{};
      fill(m.word, produced_++);
      boost::asio::post(second_, [this, m] { take(m); });
    }
    // What is still owed is less than the receiver's step.
    while (produced_ - acknowledged_ >= ack_every()) first_.poll();
  }
  double consume(std::uint64_t count) {
    for (const std::uint64_t warm = consumed_ + warm_up; consumed_ != warm;) second_.poll_one();
    const instant begin = native::now();
    for (const std::uint64_t end = consumed_ + count; consumed_ != end;) second_.poll();
    return static_cast<double>((native::now() - begin).count());
  }

  bool intact() const { return errors_ == 0 && answer_errors_ == 0 && sum_ == expected_sum(0, consumed_); }

 private:
  static constexpr std::uint64_t warm_up = 64;
  std::uint64_t ack_every() const { return outstanding_max_ / 4; }

  void exchange(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      message m{};
      stamp(m.word, ++asked_);
      boost::asio::post(second_, [this, m] { reply(m); });
      while (returned_ != asked_) first_.poll();
    }
  }
  // On the second thread.
  void reply(message m) {
    answer_errors_ |= stamp_error(m.word, ++answered_);
    boost::asio::post(first_, [this, m] { errors_ |= stamp_error(m.word, ++returned_); });
  }
  void take(const message& m) {
    sum_ += bench::sum(m.word);
    if (++consumed_ % ack_every() == 0) {
      boost::asio::post(first_, [this, position = consumed_] { acknowledged_ = position; });
    }
  }

  std::uint64_t outstanding_max_;
  boost::asio::io_context first_;
  boost::asio::io_context second_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> first_open_{first_.get_executor()};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> second_open_{second_.get_executor()};
  alignas(destructive_bytes) std::uint64_t asked_ = 0, returned_ = 0, errors_ = 0, produced_ = 0, acknowledged_ = 0;
  alignas(destructive_bytes) std::uint64_t answered_ = 0, answer_errors_ = 0, consumed_ = 0, sum_ = 0;
};

}  // namespace cooper::bench
