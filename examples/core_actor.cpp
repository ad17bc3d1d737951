// SPDX-License-Identifier: BSD-3-Clause
// Core actors: two accounts on two cores, and a teller that speaks to them in lines.
#include <cstdio>
#include <string>

#include <caf/all.hpp>

#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/spawn.hpp>

using namespace cooper::actors;
using namespace std::chrono_literals;

// What may be said to an account: structs that travel inside a cache line.
struct deposit {
  std::int64_t amount;
};
struct read_balance {};
struct balance {
  std::int64_t amount;
};

struct account : core_actor<account, protocol<one_way<deposit>, request<read_balance, balance>>> {
  account(caf::actor_config& cfg, std::int64_t sum) : core_actor{cfg}, sum_{sum} {}

  void handle(const deposit& d) { sum_ += d.amount; }  // read in place, on this actor's core
  balance handle(const read_balance&) { return {sum_}; }

  caf::behavior make_behavior() override {  // and what it answers to CAF messages
    return {[this](caf::get_atom) { return sum_; }};
  }

  std::int64_t sum_;
};

// Nobody says lines to the teller, so its protocol is empty; it is asked in CAF messages.
struct teller : core_actor<teller, protocol<>> {
  teller(caf::actor_config& cfg, core_ref<account> from, core_ref<account> to)
      : core_actor{cfg}, from_{std::move(from)}, to_{std::move(to)} {}

  caf::behavior make_behavior() override {
    return {[this](std::int64_t amount) {
      auto promise = make_response_promise<std::string>();
      start(transfer(amount, promise));
      return promise;
    }};
  }

  // It belongs to its actor: if that ends, the coroutine is destroyed where it waits.
  task<void> transfer(std::int64_t amount, caf::typed_response_promise<std::string> promise) {
    const auto before = co_await call(from_, read_balance{}, 10s);  // other messages are handled meanwhile
    if (!before) {
      promise.deliver(make_error(before.error().code()));
      co_return;
    }
    // Lines of one sender to one actor keep their order: what is read below has seen these.
    static_cast<void>(co_await send(from_, deposit{-amount}));
    static_cast<void>(co_await send(to_, deposit{amount}));
    const auto [left, right] = co_await when_all(amount_in(from_), amount_in(to_));  // both are under way at once
    promise.deliver(std::to_string(before->amount) + " = " + std::to_string(left) + " + " + std::to_string(right));
  }
  task<std::int64_t> amount_in(const core_ref<account>& of) {
    const auto answer = co_await call(of, read_balance{}, 10s);
    co_return answer ? answer->amount : -1;
  }

  core_ref<account> from_, to_;
};

int main() {
  caf::actor_system_config cfg;
  cfg.load<core_scheduler>();
  caf::actor_system system{cfg};

  const std::size_t cores = core_scheduler::of(system)->on().core_count();
  const auto savings = spawn_on<account>(system, cooper::core_id{0}, 100);
  const auto current = spawn_on<account>(system, cooper::core_id{static_cast<std::uint16_t>(cores - 1)}, 0);
  if (!savings || !current) return std::fprintf(stderr, "the accounts cannot be spawned\n"), 3;
  const auto clerk = spawn_on<teller>(system, beside(**savings), *savings, *current);
  if (!clerk) return std::fprintf(stderr, "%s\n", clerk.error().message().c_str()), 3;

  std::string said;
  caf::scoped_actor self{system};
  self->request(clerk->handle(), caf::infinite, std::int64_t{40})
      .receive([&](const std::string& sums) { said = sums; }, [&](const caf::error& e) { said = message_of(e); });
  std::printf("%s\n", said.c_str());
  return said == "100 = 60 + 40" ? 0 : 1;
  // Nobody refers to the three any more: each ends, and the system after the last.
}
