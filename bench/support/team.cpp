// SPDX-License-Identifier: BSD-3-Clause
#include "support/team.hpp"

#include <sched.h>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/assert.hpp>

#include "support/pinning.hpp"

namespace cooper::bench {
namespace {

// Between windows only: long waits give way, so that an oversubscribed smoke run ends.
template <class Done>
void spin_until(const Done& done) {
  for (std::uint64_t turns = 0; !done(); ++turns) {
    if (turns > 20'000) sched_yield();
  }
}

}  // namespace

class team::spinning_session final : public session {
 public:
  explicit spinning_session(team& t) : team_{t} {}

  std::size_t size() const override { return team_.size(); }

  void run(const std::function<void(std::size_t)>& job) override {
    team_.job_.what = &job;
    team_.done_.count.store(0, std::memory_order_relaxed);
    team_.job_.number.fetch_add(1, std::memory_order_release);
    job(0);
    spin_until([&] { return team_.done_.count.load(std::memory_order_acquire) == team_.size() - 1; });
  }

 private:
  team& team_;
};

team::team(const std::vector<unsigned>& cpus) {
  COOPER_ASSERT(!cpus.empty(), "a team has members");
  native::now();  // calibrates the clock before anything is timed
  for (std::size_t i = 0; i < cpus.size(); ++i) threads_.emplace_back([this, i, cpu = cpus[i]] { member(i, cpu); });
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return idle_ == threads_.size(); });
}

team::~team() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void team::lead(const std::function<void(session&)>& body) {
  std::unique_lock lock{mutex_};
  body_ = &body;
  leading_ = true;
  ++sessions_begun_;
  idle_ = 0;
  job_.over.store(false, std::memory_order_relaxed);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !leading_ && idle_ == threads_.size(); });
}

void team::member(std::size_t index, unsigned cpu) {
  if (!pin_this_thread(cpu)) pinned_.store(false, std::memory_order_relaxed);
  std::uint64_t session_seen = 0;
  std::uint64_t job_seen = 0;
  for (;;) {
    const std::function<void(session&)>* body = nullptr;
    {
      std::unique_lock lock{mutex_};
      ++idle_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return ending_ || sessions_begun_ != session_seen; });
      if (ending_) return;
      session_seen = sessions_begun_;
      body = body_;
    }
    if (index == 0) {
      spinning_session s{*this};
      (*body)(s);
      job_.over.store(true, std::memory_order_release);
      const std::lock_guard lock{mutex_};
      leading_ = false;
      continue;
    }
    for (;;) {
      spin_until([&] {
        return job_.number.load(std::memory_order_acquire) != job_seen || job_.over.load(std::memory_order_acquire);
      });
      if (job_.number.load(std::memory_order_acquire) == job_seen) break;
      ++job_seen;
      (*job_.what)(index);
      done_.count.fetch_add(1, std::memory_order_release);
    }
  }
}

}  // namespace cooper::bench
