// SPDX-License-Identifier: BSD-3-Clause
// In place, by all cores: with plain reads and writes as in the paper, and under a ticket lock.
#include <cooper/runtime/native_environment.hpp>

#include "shared_vs_message/shared_vs_message.hpp"
#include "support/measure.hpp"

namespace cooper::bench::shared_vs_message {
namespace {

struct shared_lines {
  alignas(destructive_bytes) updated_line lines[lines_max];

  // Loads and stores that race, as in the paper: the cost is that of moving the lines, no update is protected.
  void update(std::size_t k) {
    for (std::size_t i = 0; i < k; ++i) {
      lines[i].count.store(lines[i].count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }
};

class ticket_lock {
 public:
  void lock() {
    const std::uint64_t mine = next_.value.fetch_add(1, std::memory_order_relaxed);
    while (serving_.value.load(std::memory_order_acquire) != mine) {}
  }
  void unlock() { serving_.value.store(serving_.value.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  struct alignas(destructive_bytes) number {
    std::atomic<std::uint64_t> value{0};
  };
  number next_, serving_;
};

// All of the first `cores` members do `count` operations each, beginning together; the mean of their times.
template <class Operation>
timed_operations on_all(session& on, std::size_t cores, const Operation& operation) {
  return [&on, cores, &operation](std::uint64_t count) {
    std::atomic<std::size_t> arrived{0};
    std::vector<double> ns(on.size(), 0);
    on.run([&](std::size_t member) {
      if (member >= cores) return;
      arrived.fetch_add(1, std::memory_order_acq_rel);
      while (arrived.load(std::memory_order_acquire) != cores) {}
      const instant begin = native::now();
      for (std::uint64_t i = 0; i < count; ++i) operation();
      ns[member] = static_cast<double>((native::now() - begin).count());
    });
    double total = 0;
    for (const double t : ns) total += t;
    return total / static_cast<double>(cores);
  };
}

template <class Operation>
void sample(run& r, std::size_t cores, sampling_plan plan, row& into, const Operation& operation) {
  plan.with_floor = r.core_count() >= 2;
  r.threads().lead([&](session& on) { sample_windows(on, r.floor(), on_all(on, cores, operation), {}, plan, into); });
}

}  // namespace

void measure_shared(run& r, const contender& self) {
  measure_all(r, self, 1, [&r](std::size_t k, std::size_t cores, const sampling_plan& plan, row& into) {
    const auto shared = std::make_unique<shared_lines>();
    sample(r, cores, plan, into, [&shared, k] { shared->update(k); });
  });
}

void measure_shared_locked(run& r, const contender& self) {
  measure_all(r, self, 1, [&r](std::size_t k, std::size_t cores, const sampling_plan& plan, row& into) {
    const auto shared = std::make_unique<shared_lines>();
    ticket_lock lock;
    std::uint64_t operations = 0;
    sample(r, cores, plan, into, [&] {
      lock.lock();
      shared->update(k);
      ++operations;
      lock.unlock();
    });
    if (shared->lines[0].count.load(std::memory_order_relaxed) != operations) into.error = "an update was lost";
  });
}

}  // namespace cooper::bench::shared_vs_message
