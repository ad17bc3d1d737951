// SPDX-License-Identifier: BSD-3-Clause
// std::condition_variable: what a program without a framework would sleep on.
#include <condition_variable>
#include <mutex>

#include "support/pinning.hpp"
#include "wake/sleeper.hpp"
#include "wake/wake.hpp"

namespace cooper::bench::wake {
namespace {

class condvar_sleeper final : public sleeper {
 public:
  explicit condvar_sleeper(unsigned cpu) {
    thread_ = std::thread{[this, cpu] {
      static_cast<void>(pin_this_thread(cpu));
      sleep_and_answer();
    }};
  }
  ~condvar_sleeper() override {
    {
      const std::lock_guard lock{mutex_};
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void wake(std::uint64_t sequence) override {
    ++woken_;
    {
      const std::lock_guard lock{mutex_};
      wanted_ = sequence;
    }
    changed_.notify_one();
  }
  void await_sleep() override {
    while (resting_.load(std::memory_order_acquire) != woken_) std::this_thread::yield();
  }

 private:
  void sleep_and_answer() {
    std::unique_lock lock{mutex_};
    for (std::uint64_t seen = 0, woken = 0;;) {
      changed_.wait(lock, [&] { return ending_ || wanted_ != seen; });
      if (ending_) return;
      seen = wanted_;
      answered.value.store(seen, std::memory_order_release);
      resting_.store(++woken, std::memory_order_release);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t wanted_ = 0;  // guarded by mutex_
  bool ending_ = false;       // guarded by mutex_
  std::atomic<std::uint64_t> resting_{0};
  std::uint64_t woken_ = 0;
  std::thread thread_;
};

}  // namespace

void measure_condvar(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  condvar_sleeper asleep{r.cpu(1)};
  eventfd_sleeper floor{r.cpu(1)};
  team waker{{r.cpu(0)}};
  waker.lead([&](session&) { sample_wake_ups(asleep, floor, r.plan(), out); });
  r.add(std::move(out));
}

}  // namespace cooper::bench::wake
