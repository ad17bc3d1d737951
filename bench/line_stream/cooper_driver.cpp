// SPDX-License-Identifier: BSD-3-Clause
// Streams through CPU drivers, handler to handler: one sender open and with a window, and many senders to one receiver.
//
// A lane has 32 lines, so that is this contender's capacity. When a lane is full, the sender goes on when told that it
// takes lines again; it never spins.
#include <deque>

#include "line_stream/line_stream.hpp"
#include "links/boost_spsc.hpp"
#include "support/driver_rig.hpp"
#include "support/interrupt.hpp"
#include "support/measure.hpp"

namespace cooper::bench::line_stream {
namespace {

struct payload {
  std::uint64_t word[payload_words];
};
struct acknowledgement {
  std::uint64_t position;
};
constexpr std::uint64_t ack_every = 4;

// On core 0: takes what all senders send, and keeps the time.
struct consumer {
  address self;
  std::vector<address> senders;
  std::vector<std::uint64_t> taken;  // by sender; the message type is the sender's index
  std::uint64_t outstanding_max = 0;
  std::uint64_t total = 0, timed_from = 0, end = 0, sum = 0, errors = 0;
  instant begin{};
  double ns = 0;
  std::binary_semaphore done{0};

  static void handle(void* object, core& here, const line_view& line) {
    auto& me = *static_cast<consumer*>(object);
    me.sum += bench::sum(line.as<payload>().word);
    const std::uint64_t taken = ++me.taken[line.type];
    if (me.outstanding_max != 0 && taken % ack_every == 0) {
      if (here.post(me.senders[line.type], 0, acknowledgement{taken}, lane::reply) != send_result::ok) me.errors = 1;
    }
    if (++me.total == me.timed_from) me.begin = native::now();
    if (me.total != me.end) return;
    me.ns = static_cast<double>((native::now() - me.begin).count());
    me.done.release();
  }
};

// On every other core.
struct producer {
  address self;
  address to;
  message_type index = 0;
  std::uint64_t outstanding_max = 0;
  std::uint64_t sequence = 0, end = 0, acknowledged = 0;
  std::uint64_t errors = 0;
  bool waiting = false;

  void pump(core& here) {
    waiting = false;
    while (sequence != end && (outstanding_max == 0 || sequence - acknowledged < outstanding_max)) {
      payload p;
      fill(p.word, sequence);
      const send_result sent = here.send(to, index, p);
      if (sent == send_result::ok) {
        ++sequence;
        continue;
      }
      if (sent == send_result::closed) {
        errors = 1;
        return;
      }
      waiting = true;
      here.when_writable(to.core, lane::request, [this, &here] { pump(here); });
      return;
    }
  }
  static void handle(void* object, core& here, const line_view& line) {
    auto& me = *static_cast<producer*>(object);
    me.acknowledged = line.as<acknowledgement>().position;
    if (!me.waiting) me.pump(here);
  }
};

// A consumer on the second core of the run and `count` producers; for a pair the first core produces.
class stream {
 public:
  stream(driver_rig& rig, std::size_t producers, std::uint64_t outstanding_max) : rig_{rig} {
    const std::size_t consumer_core = 1;
    sink.taken.resize(producers);
    sink.senders.resize(producers);
    sink.outstanding_max = outstanding_max;
    rig.call(consumer_core, [this](core& here) { open(here, consumer::handle, &sink, sink.self); });
    for (std::size_t i = 0; i < producers; ++i) {
      producer& p = sources.emplace_back();
      p.index = static_cast<message_type>(i);
      p.outstanding_max = outstanding_max;
      p.to = sink.self;
      rig.call(core_of(i), [this, &p](core& here) { open(here, producer::handle, &p, p.self); });
      sink.senders[i] = p.self;
    }
  }

  // Nanoseconds that `count` messages took, those of all producers together.
  double operator()(std::uint64_t count) {
    const std::uint64_t each = (count / sources.size() + ack_every) / ack_every * ack_every;
    const std::uint64_t warm = (each / 50 + ack_every) / ack_every * ack_every;
    sink.timed_from = sink.total + warm * sources.size();
    sink.end = sink.timed_from + each * sources.size();
    for (std::size_t i = 0; i < sources.size(); ++i) {
      rig_.post(core_of(i), [&p = sources[i], more = warm + each](core& here) {
        p.end += more;
        p.pump(here);
      });
    }
    sink.done.acquire();
    return sink.ns * static_cast<double>(count) / static_cast<double>(each * sources.size());
  }

  bool usable() const { return opened_; }
  bool intact() const {
    std::uint64_t wanted = 0, errors = sink.errors;
    for (const producer& p : sources) {
      wanted += expected_sum(0, p.sequence);
      errors |= p.errors;
    }
    return errors == 0 && wanted == sink.sum;
  }

 private:
  static std::size_t core_of(std::size_t producer) { return producer == 0 ? 0 : producer + 1; }

  void open(core& here, line_handler handler, void* object, address& into) {
    const result<address> at = here.open(handler, object);
    opened_ = opened_ && static_cast<bool>(at);
    if (at) into = *at;
  }

  driver_rig& rig_;
  bool opened_ = true;

 public:
  consumer sink;
  std::deque<producer> sources;
};

void measure_one(run& r, row out, std::size_t producers, std::uint64_t outstanding_max, const sampling_plan& plan) {
  out.rate = true;
  out.unit = "messages/s";
  auto booted = driver_rig::boot(r, producers + 1);
  if (!booted) {
    explain_failure(out, booted.error());
    r.add(std::move(out));
    return;
  }
  driver_rig& rig = *booted.value();
  const auto messages = std::make_unique<stream>(rig, producers, outstanding_max);
  boost_spsc_link peer_link{capacity};
  one_way<boost_spsc_link> peer{peer_link, outstanding_max};
  if (messages->usable()) {
    out.peer = "boost_spsc";
    sample_windows(rig, r.floor(), std::ref(*messages), timed_stream(rig, peer), plan, out);
  } else {
    out.error = "an endpoint could not be opened";
  }
  booted = error{errc::stopped};  // the machine stops before the objects that its handlers use go
  if (!messages->intact() || !peer.intact()) out.error = damaged;
  r.add(std::move(out));
}

// Numbers of producers for the scaling curve: powers of two, and all.
std::vector<std::size_t> producer_counts(std::size_t most) {
  std::vector<std::size_t> counts;
  for (std::size_t n = 2; n < most; n *= 2) counts.push_back(n);
  if (most >= 2) counts.push_back(most);
  return counts;
}

}  // namespace

void measure_cooper_driver(run& r, const contender& self) {
  const std::vector<std::size_t> counts = producer_counts(r.core_count() - 1);
  const sampling_plan plan = r.plan(2 + counts.size());
  for (const std::uint64_t outstanding : {std::uint64_t{0}, window}) {
    row out = r.new_row(self, 2);
    if (outstanding != 0) out.parameters = "window=" + std::to_string(outstanding);
    measure_one(r, std::move(out), 1, outstanding, plan);
  }
  for (const std::size_t n : counts) {
    if (interrupted()) return;
    row out = r.new_row(self, n + 1);
    out.parameters = "senders=" + std::to_string(n);
    measure_one(r, std::move(out), n, 0, plan);
  }
}

}  // namespace cooper::bench::line_stream
