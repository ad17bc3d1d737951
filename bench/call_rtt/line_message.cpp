// SPDX-License-Identifier: BSD-3-Clause
#include "call_rtt/actors.hpp"
#include "call_rtt/call_rtt.hpp"

namespace cooper::bench::call_rtt {
namespace {

struct ball {
  std::uint64_t sequence;
  address back_to;
};

struct player;
using playing = actors::protocol<actors::one_way<ball>>;

// On the other core: sends back what comes.
struct wall : actors::core_actor<wall, playing> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  void handle(const ball& b);
};

struct player : actors::core_actor<player, playing> {
  player(caf::actor_config& cfg, finish_line& line, actors::core_ref<wall> to)
      : core_actor{cfg}, count_{line}, to_{std::move(to)} {}
  caf::behavior make_behavior() override {
    return {[this](std::uint64_t count) {
      count_.begin(count);
      serve(0);
    }};
  }
  void handle(const ball& b) { serve(b.sequence + 1); }
  void serve(std::uint64_t sequence) {
    // One line is under way, so there is room.
    if (count_.next()) static_cast<void>(tell(to_, ball{sequence, line_self().at}));
  }

  timed_count count_;
  actors::core_ref<wall> to_;
};

void wall::handle(const ball& b) { static_cast<void>(tell(actors::line_address<player>{b.back_to}, b)); }

}  // namespace

actor_conversation line_messages(bool same_core) { return pair_of<player, wall>(same_core); }

void measure_line_message(run& r, const contender& self) {
  measure_pair(r, self, "", line_messages(false));
  measure_pair(r, self, "same_core", line_messages(true));
}

}  // namespace cooper::bench::call_rtt
