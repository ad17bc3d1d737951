// SPDX-License-Identifier: BSD-3-Clause
// One core's part in measuring: two gatherers lead rounds in turn, and talk by lines only. Private to skb.
//
// A round, led by one of the two: begin, ready; `round_trips` pings and pongs; `bursts` bursts; end, ended. A burst is
// a line `hold`, whose handler keeps its core busy for as long as the burst takes, and then the burst itself: so the
// receiver begins with it when it is all there, and no memory is shared to say so. Then the other one leads.
//
// All members are for the core that opened it, but where() is for any thread; `done` is fulfilled there, for a thread
// that waits elsewhere.
//
//   I1  it lives until it is closed on its core, or as long as the core's driver: enforced by anchor_
//   I2  what is timed lies between two readings of one core's clock
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include <cooper/runtime/core.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::skb {

// What a round found, in nanoseconds.
struct cost_round {
  double one_way = 0;
  double send = 0;
  double receive = 0;
  bool lost = false;  // one of the two threads was descheduled, or no burst went as it should
};

// How an order to a gatherer ended. Errors: core_down, queue_full; both of the peer.
using gathered = std::shared_ptr<std::promise<result<void>>>;

class gatherer : public std::enable_shared_from_this<gatherer> {
 public:
  // On its core. Errors: too_many_endpoints.
  static result<std::shared_ptr<gatherer>> open_on(core& here);
  void close();

  address where() const { return where_; }

  // Before it follows or leads: who the other one is. The core does not park until rest().
  void meet(address peer);
  // What it found as the leader since meet(), and an end to staying awake.
  std::vector<cost_round> rest();

  // Leads the first round; the two go on for that long, for three rounds each at least.
  void lead(duration budget, gathered done);
  // The time from a send to the peer's answer, into `took`: zero if this thread was descheduled meanwhile. The peer may
  // sleep, this core does not.
  void time_one(address peer, std::shared_ptr<duration> took, gathered done);

 private:
  explicit gatherer(core& here) : here_{here} {}

  static void handle(void* self, core& here, const line_view& line);
  void follow(const line_view& line);
  void advance(const line_view& line);

  void begin_round();
  void on_pong();
  void send_burst();
  void on_drained(double ns);
  void end_round(bool peer_lost);
  void next_round();
  void finish(result<void> how);
  void stay_awake();
  template <class T>
  void tell(std::uint16_t what, const T& value);

  core& here_;
  address where_;
  timer_id anchor_;
  address peer_;
  bool awake_ = false;
  bool ticking_ = false;
  double clock_ns_ = 0;  // what a reading of the clock adds to an interval

  // As the leader of a round.
  std::vector<cost_round> rounds_;
  std::vector<double> sends_;
  std::vector<double> drains_;
  double one_way_ = 0;
  std::uint64_t trips_ = 0;
  std::uint64_t bursts_ = 0;
  std::int64_t switches_ = 0;
  instant begun_{};
  duration hold_{4000};
  bool burst_good_ = false;
  double burst_ns_ = 0;

  // As the one that leads the first round.
  instant until_{};
  gathered done_;
  std::shared_ptr<duration> took_;

  // As the follower.
  std::int64_t follower_switches_ = 0;
  instant first_line_{};
};

}  // namespace cooper::skb
