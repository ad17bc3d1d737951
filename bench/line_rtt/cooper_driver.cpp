// SPDX-License-Identifier: BSD-3-Clause
// Through two CPU drivers: an endpoint's handler on one core sends 56 bytes to an endpoint on the other, whose handler
// sends them back. The floor runs as a job of the same two drivers.
#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/line.hpp>

#include "line_rtt/line_rtt.hpp"
#include "support/driver_rig.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_rtt {
namespace {

struct payload {
  std::uint64_t word[payload_words];
};

// On the second core: returns what comes. The cores share no line.
struct alignas(destructive_bytes) answerer {
  address to;
  std::uint64_t sequence = 0;
  std::uint64_t errors = 0;
  cost handling{};

  static void handle(void* object, core& here, const line_view& line) {
    auto& me = *static_cast<answerer*>(object);
    here.spend(me.handling);
    payload p = line.as<payload>();
    me.errors |= stamp_error(p.word, ++me.sequence);
    // There is one message under way, so there is room.
    if (here.send(me.to, line.type, p) != send_result::ok) me.errors = 1;
  }
};

// On the first core: sends the next message when one has come back.
struct alignas(destructive_bytes) asker {
  address to;
  std::uint64_t sequence = 0;
  std::uint64_t timed_from = 0;
  std::uint64_t end = 0;
  std::uint64_t errors = 0;
  instant begin{};
  finish_line* line = nullptr;
  cost handling{};

  void send_next(core& here) {
    if (sequence == timed_from) begin = here.now();
    payload p{};
    stamp(p.word, ++sequence);
    if (here.send(to, 1, p) != send_result::ok) errors = 1;
  }
  static void handle(void* object, core& here, const line_view& view) {
    auto& me = *static_cast<asker*>(object);
    here.spend(me.handling);
    me.errors |= stamp_error(view.as<payload>().word, me.sequence);
    if (me.sequence != me.end) {
      me.send_next(here);
      return;
    }
    me.line->cross(static_cast<double>((here.now() - me.begin).count()));
  }

  void start(core& here, std::uint64_t count) {
    timed_from = sequence + count / 50 + 4;
    end = timed_from + count;
    send_next(here);
  }
};

class driver_round_trips final : public conversation {
 public:
  static result<std::unique_ptr<conversation>> make(machine& on, cost handling) {
    auto made = std::unique_ptr<driver_round_trips>{new driver_round_trips{on}};
    made->first_.line = &made->line;
    made->first_.handling = made->second_.handling = handling;
    const auto first = open_on(on, 0, asker::handle, &made->first_);
    if (!first) return first.error();
    const auto second = open_on(on, 1, answerer::handle, &made->second_);
    if (!second) return second.error();
    made->first_.to = *second;
    made->second_.to = *first;
    return std::unique_ptr<conversation>{std::move(made)};
  }

  void begin(std::uint64_t count) override {
    const auto posted = on_.post(core_id{0}, [this, count](core& here) { first_.start(here, count); });
    COOPER_ASSERT(posted, "a running machine takes work");
  }
  bool intact() const override { return (first_.errors | second_.errors) == 0; }

 private:
  explicit driver_round_trips(machine& on) : on_{on} {}
  machine& on_;
  asker first_;
  answerer second_;
};

}  // namespace

result<std::unique_ptr<conversation>> on_drivers(machine& on, cost handling) {
  return driver_round_trips::make(on, handling);
}

void measure_cooper_driver(run& r, const contender& self) {
  r.add(measure_on_drivers(r, r.new_row(self, 2), 2, [](machine& on) { return on_drivers(on); }));
}

}  // namespace cooper::bench::line_rtt
