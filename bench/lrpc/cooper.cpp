// SPDX-License-Identifier: BSD-3-Clause
// Two endpoints of one core send a line back and forth; each waits in the run queue until the running handler returns.
#include <cooper/vocabulary/assert.hpp>

#include "lrpc/lrpc.hpp"
#include "support/driver_rig.hpp"
#include "support/measure.hpp"

namespace cooper::bench::lrpc {
namespace {

struct payload {
  std::uint64_t word[payload_words];
};

// Both endpoints; those of one core may share state.
class local_round_trips final : public conversation {
 public:
  static result<std::unique_ptr<conversation>> make(machine& on) {
    auto made = std::unique_ptr<local_round_trips>{new local_round_trips{on}};
    const auto asker = open_on(on, 0, take, made.get());
    if (!asker) return asker.error();
    const auto answerer = open_on(on, 0, answer, made.get());
    if (!answerer) return answerer.error();
    made->asker_ = *asker;
    made->answerer_ = *answerer;
    return std::unique_ptr<conversation>{std::move(made)};
  }

  void begin(std::uint64_t count) override {
    const auto posted = on_.post(core_id{0}, [this, count](core& here) {
      timed_from_ = sequence_ + count / 50 + 4;
      end_ = timed_from_ + count;
      send_next(here);
    });
    COOPER_ASSERT(posted, "a running machine takes work");
  }
  bool intact() const override { return errors_ == 0; }

 private:
  explicit local_round_trips(machine& on) : on_{on} {}
  void send_next(core& here) {
    if (sequence_ == timed_from_) begun_ = here.now();
    payload p{};
    stamp(p.word, ++sequence_);
    if (here.send(answerer_, 1, p) != send_result::ok) errors_ = 1;
  }
  static void answer(void* object, core& here, const line_view& view) {
    auto& me = *static_cast<local_round_trips*>(object);
    const payload p = view.as<payload>();
    me.errors_ |= stamp_error(p.word, me.sequence_);
    if (here.send(me.asker_, 1, p) != send_result::ok) me.errors_ = 1;
  }
  static void take(void* object, core& here, const line_view& view) {
    auto& me = *static_cast<local_round_trips*>(object);
    me.errors_ |= stamp_error(view.as<payload>().word, me.sequence_);
    if (me.sequence_ != me.end_) return me.send_next(here);
    me.line.cross(static_cast<double>((here.now() - me.begun_).count()));
  }

  machine& on_;
  address asker_, answerer_;
  std::uint64_t sequence_ = 0, timed_from_ = 0, end_ = 0, errors_ = 0;
  instant begun_{};
};

}  // namespace

result<std::unique_ptr<conversation>> on_a_driver(machine& on) { return local_round_trips::make(on); }

void measure_cooper(run& r, const contender& self) {
  sampling_plan plan = r.plan();
  plan.with_floor = false;
  r.add(measure_on_drivers(r, r.new_row(self, 1), 1, on_a_driver, plan));
}

}  // namespace cooper::bench::lrpc
