// SPDX-License-Identifier: BSD-3-Clause
#include "call_rtt/actors.hpp"
#include "call_rtt/call_rtt.hpp"

namespace cooper::bench::call_rtt {
namespace {

struct caller : actors::core_actor<caller, actors::protocol<>> {
  caller(caf::actor_config& cfg, finish_line& line, actors::core_ref<server> to)
      : core_actor{cfg}, count_{line}, to_{std::move(to)} {}
  caf::behavior make_behavior() override {
    return {[this](std::uint64_t count) {
      count_.begin(count);
      next();
    }};
  }
  void next() {
    if (!count_.next()) return;
    call(to_, question{++sequence_}, [this](result<answer> got) {
      if (got) next();
    });
  }

  timed_count count_;
  actors::core_ref<server> to_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

actor_conversation callbacks(bool same_core) { return pair_of<caller, server>(same_core); }

void measure_callback(run& r, const contender& self) {
  measure_pair(r, self, "", callbacks(false));
  measure_pair(r, self, "same_core", callbacks(true));
}

}  // namespace cooper::bench::call_rtt
