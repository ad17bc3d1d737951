// SPDX-License-Identifier: BSD-3-Clause
// Two endpoints of one core send a line back and forth; each waits in the run queue until the running handler returns.
#include <cooper/runtime/native_environment.hpp>

#include "lrpc/lrpc.hpp"
#include "support/driver_rig.hpp"
#include "support/measure.hpp"

namespace cooper::bench::lrpc {
namespace {

struct payload {
  std::uint64_t word[payload_words];
};

// Both endpoints; those of one core may share state.
struct conversation {
  address asker, answerer;
  std::uint64_t sequence = 0, timed_from = 0, end = 0, errors = 0;
  instant begin{};
  double ns = 0;
  std::binary_semaphore done{0};

  void send_next(core& here) {
    if (sequence == timed_from) begin = native::now();
    payload p{};
    stamp(p.word, ++sequence);
    if (here.send(answerer, 1, p) != send_result::ok) errors = 1;
  }
  static void answer(void* object, core& here, const line_view& line) {
    auto& me = *static_cast<conversation*>(object);
    const payload p = line.as<payload>();
    me.errors |= stamp_error(p.word, me.sequence);
    if (here.send(me.asker, 1, p) != send_result::ok) me.errors = 1;
  }
  static void take(void* object, core& here, const line_view& line) {
    auto& me = *static_cast<conversation*>(object);
    me.errors |= stamp_error(line.as<payload>().word, me.sequence);
    if (me.sequence != me.end) {
      me.send_next(here);
      return;
    }
    me.ns = static_cast<double>((native::now() - me.begin).count());
    me.done.release();
  }
};

}  // namespace

void measure_cooper(run& r, const contender& self) {
  row out = r.new_row(self, 1);
  conversation talk;
  auto booted = driver_rig::boot(r, 1);
  if (!booted) {
    explain_failure(out, booted.error());
    r.add(std::move(out));
    return;
  }
  driver_rig& rig = *booted.value();
  bool opened = false;
  rig.call(0, [&](core& here) {
    const result<address> asker = here.open(conversation::take, &talk);
    const result<address> answerer = here.open(conversation::answer, &talk);
    opened = asker && answerer;
    if (!opened) return;
    talk.asker = *asker;
    talk.answerer = *answerer;
  });
  sampling_plan plan = r.plan();
  plan.with_floor = false;
  const timed_operations trips = [&](std::uint64_t count) {
    rig.post(0, [&talk, count](core& here) {
      talk.timed_from = talk.sequence + count / 50 + 4;
      talk.end = talk.timed_from + count;
      talk.send_next(here);
    });
    talk.done.acquire();
    return talk.ns;
  };
  if (opened) {
    sample_windows(rig, r.floor(), trips, {}, plan, out);
  } else {
    out.error = "an endpoint could not be opened";
  }
  booted = error{errc::stopped};  // the machine stops before the objects that its handlers use go
  if (talk.errors != 0) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace cooper::bench::lrpc
