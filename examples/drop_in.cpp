// SPDX-License-Identifier: BSD-3-Clause
// A CAF program as anyone would write it, but for one line: its actors run on the CPU drivers.
#include <iostream>
#include <memory>
#include <vector>

#include <caf/all.hpp>

#include <cooper/actors/core_scheduler.hpp>

namespace {

int primes_between(int from, int to) {
  int count = 0;
  for (int n = from; n < to; ++n) {
    bool prime = n > 1;
    for (int d = 2; prime && d * d <= n; ++d) prime = n % d != 0;
    count += prime;
  }
  return count;
}

caf::behavior worker() {
  return {[](int from, int to) { return primes_between(from, to); }};
}

// Deals the numbers out to its workers, and answers when all of them have answered.
caf::behavior splitter(caf::event_based_actor* self, const std::vector<caf::actor>& workers) {
  return {[=](int below) {
    auto promise = self->make_response_promise<int>();
    auto sum = std::make_shared<int>(0);
    auto left = std::make_shared<std::size_t>(workers.size());
    const int share = below / static_cast<int>(workers.size());
    for (int from = 0; const caf::actor& w : workers) {
      self->request(w, caf::infinite, from, from + share).then([=](int count) mutable {
        *sum += count;
        if (--*left == 0) promise.deliver(*sum);
      });
      from += share;
    }
    return promise;
  }};
}

}  // namespace

int main() {
  caf::actor_system_config cfg;
  cfg.load<cooper::actors::core_scheduler>();  // the one line
  caf::actor_system system{cfg};

  // What is spawned here is dealt out to the cores in turn; what an actor spawns begins on the core of that actor.
  std::vector<caf::actor> workers;
  for (int i = 0; i < 8; ++i) workers.push_back(system.spawn(worker));
  int found = 0;
  caf::scoped_actor self{system};
  self->request(system.spawn(splitter, workers), caf::infinite, 160'000)
      .receive([&](int count) { found = count; }, [&](const caf::error& e) { std::cerr << system.render(e) << '\n'; });
  std::cout << found << " primes below 160000\n";
  return found == 14'683 ? 0 : 1;
}
