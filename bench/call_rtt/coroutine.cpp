// SPDX-License-Identifier: BSD-3-Clause
#include "call_rtt/actors.hpp"
#include "call_rtt/call_rtt.hpp"

namespace cooper::bench::call_rtt {
namespace {

// Keeps `in_flight` coroutines calling.
struct caller : actors::core_actor<caller, actors::protocol<>> {
  caller(caf::actor_config& cfg, finish_line& line, actors::core_ref<server> to, std::size_t in_flight)
      : core_actor{cfg}, count_{line}, to_{std::move(to)}, in_flight_{in_flight} {}
  caf::behavior make_behavior() override {
    return {[this](std::uint64_t count) {
      count_.begin(count);
      over_ = false;
      for (std::size_t i = 0; i < in_flight_; ++i) start(go_on_calling());
    }};
  }
  actors::task<void> go_on_calling() {
    while (!over_) {
      if (!count_.next()) {
        over_ = true;
        co_return;
      }
      const auto got = co_await call(to_, question{++sequence_});
      if (!got) co_return;
    }
  }

  timed_count count_;
  actors::core_ref<server> to_;
  std::size_t in_flight_;
  std::uint64_t sequence_ = 0;
  bool over_ = false;
};

}  // namespace

actor_conversation coroutines(bool same_core) { return pair_of<caller, server>(same_core, std::size_t{1}); }

void measure_coroutine(run& r, const contender& self) {
  measure_pair(r, self, "", coroutines(false));
  measure_pair(r, self, "in_flight=64", pair_of<caller, server>(false, std::size_t{64}));
  measure_pair(r, self, "same_core", coroutines(true));
}

}  // namespace cooper::bench::call_rtt
