// SPDX-License-Identifier: BSD-3-Clause
// Through two CPU drivers: an endpoint's handler on one core sends 56 bytes to an endpoint on the other, whose handler
// sends them back. The floor runs as a job of the same two drivers.
#include "line_rtt/line_rtt.hpp"
#include "support/driver_rig.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_rtt {
namespace {

struct payload {
  std::uint64_t word[payload_words];
};

// On the second core: returns what comes.
struct answerer {
  address self;
  address to;
  std::uint64_t sequence = 0;
  std::uint64_t errors = 0;

  static void handle(void* object, core& here, const line_view& line) {
    auto& me = *static_cast<answerer*>(object);
    payload p = line.as<payload>();
    me.errors |= stamp_error(p.word, ++me.sequence);
    // There is one message under way, so there is room.
    if (here.send(me.to, line.type, p) != send_result::ok) me.errors = 1;
  }
};

// On the first core: sends the next message when one has come back.
struct asker {
  address self;
  address to;
  std::uint64_t sequence = 0;
  std::uint64_t timed_from = 0;
  std::uint64_t end = 0;
  std::uint64_t errors = 0;
  instant begin{};
  double ns = 0;
  std::binary_semaphore done{0};

  void send_next(core& here) {
    if (sequence == timed_from) begin = here_now();
    payload p{};
    stamp(p.word, ++sequence);
    if (here.send(to, 1, p) != send_result::ok) errors = 1;
  }
  static instant here_now() { return native::now(); }

  static void handle(void* object, core& here, const line_view& line) {
    auto& me = *static_cast<asker*>(object);
    me.errors |= stamp_error(line.as<payload>().word, me.sequence);
    if (me.sequence != me.end) {
      me.send_next(here);
      return;
    }
    me.ns = static_cast<double>((here_now() - me.begin).count());
    me.done.release();
  }

  void start(core& here, std::uint64_t count) {
    timed_from = sequence + count / 50 + 4;
    end = timed_from + count;
    send_next(here);
  }
};

}  // namespace

void measure_cooper_driver(run& r, const contender& self) {
  row out = r.new_row(self, 2);
  auto booted = driver_rig::boot(r, 2);
  if (!booted) {
    explain_failure(out, booted.error());
    r.add(std::move(out));
    return;
  }
  asker first;
  answerer second;
  {
    driver_rig& rig = *booted.value();
    bool opened = true;
    const auto open = [&opened](core& here, line_handler handler, void* object, address& into) {
      const result<address> at = here.open(handler, object);
      opened = opened && static_cast<bool>(at);
      if (at) into = *at;
    };
    rig.call(0, [&](core& here) { open(here, asker::handle, &first, first.self); });
    rig.call(1, [&](core& here) { open(here, answerer::handle, &second, second.self); });
    first.to = second.self;
    second.to = first.self;
    const timed_operations trips = [&](std::uint64_t count) {
      rig.post(0, [&first, count](core& here) { first.start(here, count); });
      first.done.acquire();
      return first.ns;
    };
    if (opened) sample_windows(rig, r.floor(), trips, {}, r.plan(), out);
    if (!opened) out.error = "an endpoint could not be opened";
    booted = error{errc::stopped};  // the machine stops before the objects that its handlers use go
  }
  if ((first.errors | second.errors) != 0) out.error = damaged;
  r.add(std::move(out));
}

}  // namespace cooper::bench::line_rtt
