// SPDX-License-Identifier: BSD-3-Clause
// Streams through CPU drivers, handler to handler: one sender open and with a window, and many senders to one receiver.
//
// A lane has 32 lines, so that is this contender's capacity. When a lane is full, the sender goes on when told that it
// takes lines again; it never spins.
#include <deque>

#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/line.hpp>

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
struct alignas(destructive_bytes) consumer {
  std::vector<address> senders;
  std::vector<std::uint64_t> taken;  // by sender; the message type is the sender's index
  std::uint64_t outstanding_max = 0;
  std::uint64_t total = 0, timed_from = 0, end = 0, sum = 0, errors = 0;
  std::uint64_t messages = 0;  // that the line is crossed for
  instant begin{};
  finish_line* line = nullptr;

  static void handle(void* object, core& here, const line_view& view) {
    auto& me = *static_cast<consumer*>(object);
    me.sum += bench::sum(view.as<payload>().word);
    const std::uint64_t taken = ++me.taken[view.type];
    if (me.outstanding_max != 0 && taken % ack_every == 0) {
      if (here.post(me.senders[view.type], 0, acknowledgement{taken}, lane::reply) != send_result::ok) me.errors = 1;
    }
    if (++me.total == me.timed_from) me.begin = here.now();
    if (me.total != me.end) return;
    const auto spent = static_cast<double>((here.now() - me.begin).count());
    me.line->cross(spent * static_cast<double>(me.messages) / static_cast<double>(me.end - me.timed_from));
  }
};

// On every other core.
struct alignas(destructive_bytes) producer {
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

// A consumer on the second core and `count` producers; for a pair the first core produces.
class driver_stream final : public conversation {
 public:
  static result<std::unique_ptr<conversation>> make(machine& on, std::size_t producers, std::uint64_t outstanding_max) {
    auto made = std::unique_ptr<driver_stream>{new driver_stream{on}};
    consumer& sink = made->sink_;
    sink.line = &made->line;
    sink.taken.resize(producers);
    sink.senders.resize(producers);
    sink.outstanding_max = outstanding_max;
    const auto taken_at = open_on(on, 1, consumer::handle, &sink);
    if (!taken_at) return taken_at.error();
    for (std::size_t i = 0; i < producers; ++i) {
      producer& p = made->sources_.emplace_back();
      p.index = static_cast<message_type>(i);
      p.outstanding_max = outstanding_max;
      p.to = *taken_at;
      const auto told_at = open_on(on, core_of(i), producer::handle, &p);
      if (!told_at) return told_at.error();
      sink.senders[i] = *told_at;
    }
    return std::unique_ptr<conversation>{std::move(made)};
  }

  // `count` messages, those of all producers together.
  void begin(std::uint64_t count) override {
    const std::uint64_t each = (count / sources_.size() + ack_every) / ack_every * ack_every;
    const std::uint64_t warm = (each / 50 + ack_every) / ack_every * ack_every;
    sink_.messages = count;
    sink_.timed_from = sink_.total + warm * sources_.size();
    sink_.end = sink_.timed_from + each * sources_.size();
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto posted = on_.post(core_number(core_of(i)), [&p = sources_[i], more = warm + each](core& here) {
        p.end += more;
        p.pump(here);
      });
      COOPER_ASSERT(posted, "a running machine takes work");
    }
  }
  bool intact() const override {
    std::uint64_t wanted = 0, errors = sink_.errors;
    for (const producer& p : sources_) {
      wanted += expected_sum(0, p.sequence);
      errors |= p.errors;
    }
    return errors == 0 && wanted == sink_.sum;
  }

 private:
  explicit driver_stream(machine& on) : on_{on} {}
  static std::size_t core_of(std::size_t producer) { return producer == 0 ? 0 : producer + 1; }

  machine& on_;
  consumer sink_;
  std::deque<producer> sources_;
};

void measure_one(run& r, row out, std::size_t producers, std::uint64_t outstanding_max, const sampling_plan& plan) {
  out.rate = true;
  out.unit = "messages/s";
  out.peer = "boost_spsc";
  boost_spsc_link peer_link{capacity};
  one_way<boost_spsc_link> peer{peer_link, outstanding_max};
  out = measure_on_drivers(
      r, std::move(out), producers + 1,
      [=](machine& on) { return driver_stream::make(on, producers, outstanding_max); }, plan,
      [&](driver_rig& rig) { return timed_stream(rig, peer); });
  if (out.error.empty() && !peer.intact()) out.error = damaged;
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

result<std::unique_ptr<conversation>> on_drivers(machine& on) { return driver_stream::make(on, 1, 0); }

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
