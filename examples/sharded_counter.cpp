// SPDX-License-Identifier: BSD-3-Clause
// A program that is an actor: words are counted by shards, one a core. What it prints is the same on real cores, on a
// simulated machine and under faults:
//
//   example_sharded_counter
//   example_sharded_counter --simulate amd_8x4 --faults 3 --seed 7
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include <cooper/actors/main.hpp>
#include <cooper/actors/spawn.hpp>

using namespace cooper::actors;

struct add {
  std::uint64_t word;
};
struct count {
  std::uint64_t word;
};
struct counted {
  std::uint64_t times;
};

// Counts the words that are its own. Lines from one sender are read in the order in which they were sent.
struct shard : core_actor<shard, protocol<one_way<add>, request<count, counted>>> {
  using core_actor::core_actor;
  void handle(const add& a) { ++times_[a.word % times_.size()]; }
  counted handle(const count& c) { return {times_[c.word % times_.size()]}; }
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  std::array<std::uint64_t, 100> times_{};
};

constexpr std::uint64_t words = 100, rounds = 50;

task<int> program(main_actor* self, std::vector<std::string>) {
  std::vector<core_ref<shard>> shards;
  const std::size_t cores = core_scheduler::of(self->system())->on().core_count();
  for (std::size_t i = 0; i < cores; ++i) {
    const auto made = spawn_on<shard>(self->system(), cooper::core_number(i));
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().message().c_str());
      co_return 1;
    }
    shards.push_back(*made);
  }
  const auto home_of = [&](std::uint64_t word) { return shards[word % shards.size()]; };

  // Word w is said once in each round that w divides: send() waits where a lane is full.
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    for (std::uint64_t word = 1; word < words; ++word) {
      if (round % word != 0) continue;
      static_cast<void>(co_await self->send(home_of(word), add{word}));
    }
  }
  std::uint64_t all = 0, wrong = 0;
  for (std::uint64_t word = 1; word < words; ++word) {
    const auto answer = co_await self->call(home_of(word), count{word});
    if (!answer || answer->times != rounds / word) ++wrong;
    if (answer) all += answer->times;
  }
  std::printf("%llu words counted, %llu wrong\n", static_cast<unsigned long long>(all),
              static_cast<unsigned long long>(wrong));
  co_return wrong == 0 ? 0 : 1;
}

COOPER_MAIN(program)
