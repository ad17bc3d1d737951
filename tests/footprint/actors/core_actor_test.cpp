// SPDX-License-Identifier: BSD-3-Clause
// Line messages of core actors on two real cores, with an eye on every line of memory that both touch. What CAF itself
// shares is listed in actors/README.md, and known by the namespace of the code that touches it.
#include <cooper/vocabulary/line.hpp>
#include "../footprint_rig.hpp"
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

struct put {
  std::uint64_t value;
};
struct sum_of {
  std::uint64_t more;
};
struct slow_sum {
  std::uint64_t more;
};
struct total {
  std::uint64_t value;
};

struct summer : core_actor<summer, protocol<one_way<put>, request<sum_of, total>, request<slow_sum, total>>> {
  explicit summer(caf::actor_config& cfg) : core_actor{cfg} {}
  caf::behavior make_behavior() override {
    return {[this](get_atom) { return sum_; }};
  }

  void handle(const put& m) { sum_ += m.value; }
  total handle(const sum_of& m) { return {sum_ += m.more}; }
  task<total> handle(slow_sum m) {
    co_await sleep(1us);
    co_return total{sum_ += m.more};
  }

  std::uint64_t sum_ = 0;
};

// Says lines to one actor: some and asks, again and again.
struct asker : core_actor<asker, protocol<>> {
  asker(caf::actor_config& cfg, core_ref<summer> of) : core_actor{cfg}, of_{std::move(of)} {}
  caf::behavior make_behavior() override {
    return {[this](int rounds) {
      auto promise = make_response_promise<std::uint64_t>();
      start(run(rounds, promise));
      return promise;
    }};
  }
  task<void> run(int rounds, caf::typed_response_promise<std::uint64_t> promise) {
    std::uint64_t last = 0;
    for (int i = 0; i < rounds; ++i) {
      static_cast<void>(co_await send(of_, put{1}));
      const auto quick = co_await call(of_, sum_of{1}, 10s);
      const auto slow = co_await call(of_, slow_sum{1}, 10s);
      if (!quick || !slow) break;
      last = slow->value;
    }
    promise.deliver(last);
  }

  core_ref<summer> of_;
};

}  // namespace

TEST_CASE("core actors on two cores say lines, call, and share what CAF shares and nothing else") {
  constexpr int rounds = 500;
  {
    actor_rig rig{2};
    caf::actor_system& system = rig.system();
    caf::scoped_actor self{system};
    const auto at_here = *spawn_on<summer>(system, here), at_there = *spawn_on<summer>(system, there);
    const auto from_here = *spawn_on<asker>(system, here, at_there),
               from_there = *spawn_on<asker>(system, there, at_here);
    // Both at once; no thread says anything meanwhile, for that would hand over what was touched before.
    self->send(from_here.handle(), rounds);
    self->send(from_there.handle(), rounds);
    for (int i = 0; i < 2; ++i) {
      self->receive([&](std::uint64_t sum) { CHECK(sum == 3 * rounds); });
    }
  }
  check_footprint({"caf::"});
}
