// SPDX-License-Identifier: BSD-3-Clause
// The Multikernel's Figure 3 on CPU drivers, real or simulated: what one measures the other predicts.
//
//   shared             every core reads and writes the lines in place; updates may be lost, as in the paper
//   shared_atomic      every core adds to them, each with one instruction, so that none is lost
//   shared_locked      reads and writes under a ticket lock
//   message            clients call core 0, whose lines they are, one call under way each
//   message_pipelined  the same with `window` calls under way each
//
// An operation in place is one job, and a look at the lock too, so that cores get between each other where they would.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <cooper/runtime/shared_line.hpp>

#include "support/conversation.hpp"

namespace cooper::bench::shared_vs_message {

struct setting {
  std::string contender;
  std::size_t cores = 2, lines = 1;
  cost update{};  // of the handler, or of the operation in place; a simulated machine's
  std::uint64_t window = 1;
};

class contest : public conversation {
 public:
  contest(machine& on, setting what) : on_{on}, what_{std::move(what)}, clients_(what_.cores) {}
  // `contender` is one of the above. Opened by open().
  static std::unique_ptr<contest> make(machine& on, setting what);
  // What opens each core's part, by running on it: machine::call, or something that gives up sooner.
  using caller = std::function<result<void>(core_id, const std::function<void(core&)>&)>;
  // Errors: those of `call`.
  result<void> open(const caller& call);

  // Each client does `warm_up` operations and then `count`; the line is crossed with the mean of what these took.
  result<void> begin(std::uint64_t count, std::uint64_t warm_up);
  void begin(std::uint64_t count) override;
  bool over() const {
    // sync(bench.contest_over) acquire <-> bench.contest_ends: the times.
    return running_.load(std::memory_order_acquire) == 0;
  }
  std::uint64_t clients() const { return clients_.size() - first_client(); }
  virtual std::vector<const shared_line*> shared() const { return {}; }

 protected:
  // A core that asks for operations. The cores share no line but those that they contend for.
  struct alignas(destructive_bytes) client {
    core* here = nullptr;
    std::uint64_t done = 0, begins = 0, ends = 0;  // operations
    instant begun{}, ended{};
  };

  const setting& what() const { return what_; }
  std::uint64_t all_done() const;
  // After one operation: whether another follows.
  bool another(client& c);

 private:
  virtual std::size_t first_client() const { return 0; }
  // On each core in turn, before anything happens there; core 0 comes first.
  virtual void open(client&) {}
  virtual void go(client& c) = 0;

  machine& on_;
  setting what_;
  std::vector<client> clients_;
  alignas(destructive_bytes) std::atomic<std::size_t> running_{0};
};

// Opened. Errors: those of machine::call.
result<std::unique_ptr<conversation>> on_drivers(machine& on, const setting& what);

}  // namespace cooper::bench::shared_vs_message
