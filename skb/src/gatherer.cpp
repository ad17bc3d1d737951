// SPDX-License-Identifier: BSD-3-Clause
#include "gatherer.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <cooper/runtime/native_environment.hpp>

#include "order_statistics.hpp"

namespace cooper::skb {
namespace {

enum step : message_type {
  // To the follower.
  begin,
  ping,
  hold,
  load,
  end,
  lead_on,
  // To the leader.
  ready,
  pong,
  drained,
  ended,
};

struct nothing {};
struct count_line {
  std::int64_t count;
};
struct time_line {
  double ns;
};
struct load_line {
  std::uint64_t index;
};

// A ring has 32 lines, of which up to 7 may still be owed to the sender, and one says `hold`.
constexpr std::uint64_t burst_lines = 16;
constexpr std::uint64_t bursts = 8;
constexpr std::uint64_t warm_up_trips = 8;
constexpr std::uint64_t round_trips = 100;
// A round that takes longer had a thread descheduled, perhaps for each of its lines: it is given up. Looking costs, so
// it is done seldom.
constexpr double round_ns_most = 20e6;
constexpr std::uint64_t trips_between_looks = 16;
static_assert(trips_between_looks > warm_up_trips);
constexpr std::size_t rounds_least = 3;
constexpr std::size_t rounds_most = 10'000;
constexpr duration hold_least{2000}, hold_most{500'000};
// More often than the shortest poll that a driver adapts to.
constexpr duration awake_interval{1000};

std::int64_t context_switches() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

double ns_between(instant from, instant to) { return static_cast<double>((to - from).count()); }

double clock_cost() {
  std::vector<double> costs;
  for (int i = 0; i < 64; ++i) {
    const instant before = native::now();
    costs.push_back(ns_between(before, native::now()));
  }
  return median_of(std::move(costs));
}

}  // namespace

result<std::shared_ptr<gatherer>> gatherer::open_on(core& here) {
  const std::shared_ptr<gatherer> made{new gatherer{here}};
  const auto opened = here.open(handle, made.get());
  if (!opened) return opened.error();
  made->where_ = *opened;
  made->clock_ns_ = clock_cost();
  // A line may come as long as the endpoint is open, whatever became of who measures.
  made->anchor_ = here.at(never, [made] {});
  return made;
}

void gatherer::close() {
  const auto alive = shared_from_this();
  awake_ = false;
  here_.close(where_);
  here_.cancel(anchor_);
}

void gatherer::meet(address peer) {
  peer_ = peer;
  rounds_.clear();
  awake_ = true;
  stay_awake();
}

std::vector<cost_round> gatherer::rest() {
  awake_ = false;
  return std::exchange(rounds_, {});
}

void gatherer::stay_awake() {
  if (ticking_) return;
  ticking_ = true;
  here_.after(awake_interval, [self = shared_from_this()] {
    self->ticking_ = false;
    if (self->awake_) self->stay_awake();
  });
}

template <class T>
void gatherer::tell(std::uint16_t what, const T& value) {
  switch (here_.post(peer_, what, value)) {
    case send_result::ok:
      return;
    case send_result::full:
      return finish(error{errc::queue_full, "lines wait for it, up to the bound"});
    case send_result::closed:
      return finish(error{errc::core_down, "it went down while it was measured"});
  }
}

void gatherer::finish(result<void> how) {
  if (const gathered done = std::exchange(done_, nullptr)) done->set_value(std::move(how));
}

void gatherer::handle(void* self, core&, const line_view& line) {
  auto& g = *static_cast<gatherer*>(self);
  if (line.type < ready) {
    g.follow(line);
  } else {
    g.advance(line);
  }
}

// -- following --------------------------------------------------------------------------------------------------------

void gatherer::follow(const line_view& line) {
  switch (line.type) {
    case begin:
      follower_switches_ = context_switches();
      return tell(ready, nothing{});
    case ping:
      return tell(pong, nothing{});
    case hold: {
      const instant until = native::now() + std::min(duration{line.as<count_line>().count}, hold_most);
      while (native::now() < until) {}
      return;
    }
    case load: {
      const std::uint64_t index = line.as<load_line>().index;
      if (index == 0) first_line_ = native::now();
      if (index != burst_lines - 1) return;
      const double ns = ns_between(first_line_, native::now()) - clock_ns_;
      return tell(drained, time_line{ns / static_cast<double>(burst_lines - 1)});
    }
    case end:
      return tell(ended, count_line{context_switches() - follower_switches_});
    case lead_on:
      return next_round();
    default:
      return;
  }
}

// -- leading ----------------------------------------------------------------------------------------------------------

void gatherer::lead(duration budget, gathered done) {
  done_ = std::move(done);
  until_ = native::now() + budget;
  begin_round();
}

void gatherer::time_one(address peer, std::shared_ptr<duration> took, gathered done) {
  peer_ = peer;
  done_ = std::move(done);
  took_ = std::move(took);
  awake_ = true;
  stay_awake();
  switches_ = context_switches();
  begun_ = native::now();
  tell(ping, nothing{});
}

void gatherer::begin_round() {
  trips_ = bursts_ = 0;
  sends_.clear();
  drains_.clear();
  switches_ = context_switches();
  tell(begin, nothing{});
}

void gatherer::advance(const line_view& line) {
  switch (line.type) {
    case ready:
      return tell(ping, nothing{});
    case pong:
      return on_pong();
    case drained:
      return on_drained(line.as<time_line>().ns);
    case ended:
      return end_round(line.as<count_line>().count != 0);
    default:
      return;
  }
}

void gatherer::on_pong() {
  if (took_) {
    const duration took = native::now() - begun_;
    if (context_switches() == switches_) *took_ = took;
    took_.reset();
    awake_ = false;
    return finish({});
  }
  ++trips_;
  if (trips_ == warm_up_trips) begun_ = native::now();
  const bool all = trips_ == warm_up_trips + round_trips;
  if (!all && trips_ % trips_between_looks != 0) return tell(ping, nothing{});
  const double ns = ns_between(begun_, native::now());
  const bool hopeless = ns > round_ns_most;
  if (!all && !hopeless) return tell(ping, nothing{});
  one_way_ = (ns - clock_ns_) / (2.0 * static_cast<double>(trips_ - warm_up_trips));
  if (hopeless) return tell(end, nothing{});
  send_burst();
}

void gatherer::send_burst() {
  tell(hold, count_line{hold_.count()});
  burst_good_ = true;
  const instant before = native::now();
  for (std::uint64_t i = 0; i < burst_lines; ++i) {
    if (here_.send(peer_, load, load_line{i}) == send_result::ok) continue;
    // Somebody else's lines stand in the ring. The burst is lost, and its receiver still counts on all of it.
    burst_good_ = false;
    tell(load, load_line{i});
  }
  const duration took = native::now() - before;
  burst_ns_ = (static_cast<double>(took.count()) - clock_ns_) / static_cast<double>(burst_lines);
  // Else the receiver may have begun before all was there.
  burst_good_ = burst_good_ && took <= hold_ / 2;
  hold_ = std::clamp(3 * took, hold_least, hold_most);
}

void gatherer::on_drained(double ns) {
  if (burst_good_) {
    sends_.push_back(burst_ns_);
    drains_.push_back(ns);
  }
  if (++bursts_ < bursts && ns_between(begun_, native::now()) < round_ns_most) return send_burst();
  tell(end, nothing{});
}

void gatherer::end_round(bool peer_lost) {
  const bool over = ns_between(begun_, native::now()) > round_ns_most;
  const bool lost = over || peer_lost || sends_.empty() || context_switches() != switches_;
  if (rounds_.size() < rounds_most) rounds_.push_back({one_way_, median_of(sends_), median_of(drains_), lost});
  tell(lead_on, nothing{});
}

// The other one has led a round, or this one is asked for its first.
void gatherer::next_round() {
  if (done_ && native::now() >= until_ && rounds_.size() >= rounds_least) return finish({});
  begin_round();
}

}  // namespace cooper::skb
