// SPDX-License-Identifier: BSD-3-Clause
// The thread that has the cores measure: which pairs, one after the other, and what their rounds come to.
#include <cooper/skb/measure.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <future>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gatherer.hpp"
#include "order_statistics.hpp"
#include "round_summary.hpp"

namespace cooper::skb {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr duration time_least{1000}, time_most{std::chrono::minutes{1}};
// Of a class, where there are too many pairs to measure all.
constexpr std::size_t sampled_pairs = 32;
constexpr seconds patience{10};
constexpr milliseconds look_interval{50};
constexpr int wake_samples = 15;
constexpr double wake_spread_limit = 0.5;
constexpr milliseconds parks_within{50};

// A core that takes part.
struct seat {
  core_id driver;  // its number on the machine
  core_id place;   // its hardware thread
  unsigned pu_index;
  bool pinned;
  std::shared_ptr<gatherer> here;

  std::string name() const { return fmt::format("core {} (PU {})", place.value, pu_index); }
};

struct pair_of_seats {
  std::size_t a, b;
};

class session {
 public:
  session(machine& on, const measure_options& options) : machine_{on}, options_{options} {}
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session() {
    for (const seat& s : seats_) {
      // A core that takes no work any more has closed its endpoints, or closes them as it ends.
      if (s.here) static_cast<void>(machine_.post(s.driver, [g = s.here](core&) { g->close(); }));
    }
  }

  result<cost_snapshot> run() {
    take_seats();
    costs_.topology_hash = machine_.where().hash();
    costs_.unix_time = static_cast<std::int64_t>(std::time(nullptr));
    if (seats_.size() < 2) return std::move(costs_);
    for (seat& s : seats_) {
      const auto opened = ask(s, [](core& here) { return gatherer::open_on(here); });
      if (!opened) return opened.error();
      if (!*opened) return named(opened->error(), s.name());
      s.here = **opened;
    }
    const bool sampled = seats_.size() * (seats_.size() - 1) > options_.pairs_max;
    const std::vector<pair_of_seats> pairs = sampled ? some_pairs() : all_pairs();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (const auto done = measure(pairs[i]); !done) return done.error();
      if (options_.progress && !options_.progress(2 * (i + 1), 2 * pairs.size())) return error{errc::cancelled};
    }
    if (const auto done = measure_wake(pairs.front()); !done) return done.error();
    sum_up(sampled);
    return std::move(costs_);
  }

 private:
  void take_seats() {
    std::set<unsigned> taken;
    for (const core_status& s : machine_.status()) {
      const auto place = machine_.where().find_pu(s.pu_index);
      if (!place || s.state == core_state::down || s.state == core_state::closing) continue;
      // Drivers that share a hardware thread have no link of their own.
      if (!taken.insert(s.pu_index).second) continue;
      seats_.push_back({.driver = s.id, .place = *place, .pu_index = s.pu_index, .pinned = s.pinned, .here = {}});
    }
  }

  link_class class_of(pair_of_seats p) const { return machine_.where().relation(seats_[p.a].place, seats_[p.b].place); }

  template <class F>
  void for_each_pair(F f) const {
    for (std::size_t a = 0; a < seats_.size(); ++a) {
      for (std::size_t b = a + 1; b < seats_.size(); ++b) f(pair_of_seats{a, b});
    }
  }

  std::vector<pair_of_seats> all_pairs() const {
    std::vector<pair_of_seats> all;
    for_each_pair([&](pair_of_seats p) { all.push_back(p); });
    return all;
  }

  // Of each class, spread evenly over the machine.
  std::vector<pair_of_seats> some_pairs() const {
    std::array<std::size_t, link_class_count> count{}, seen{};
    for_each_pair([&](pair_of_seats p) { ++count[static_cast<std::size_t>(class_of(p))]; });
    std::vector<pair_of_seats> chosen;
    for_each_pair([&](pair_of_seats p) {
      const auto c = static_cast<std::size_t>(class_of(p));
      const std::size_t stride = (count[c] + sampled_pairs - 1) / sampled_pairs;
      if (seen[c]++ % stride == 0) chosen.push_back(p);
    });
    return chosen;
  }

  // -- talking to cores -----------------------------------------------------------------------------------------------

  static error named(const error& e, const std::string& who) {
    return {e.code(), e.detail().empty() ? who : fmt::format("{}: {}", who, e.detail())};
  }

  static std::string names_of(std::span<const seat* const> who) {
    std::string names;
    for (const seat* s : who) names += (names.empty() ? "" : " and ") + s->name();
    return names;
  }

  // The first of them that is not there any more.
  result<void> all_up(std::span<const seat* const> who) {
    const std::vector<core_status> now = machine_.status();
    for (const seat* s : who) {
      if (now[s->driver.value].state == core_state::down) {
        return error{errc::core_down, s->name() + " went down while it was measured"};
      }
    }
    return {};
  }

  // What the future brings, while those cores are there.
  template <class T>
  result<T> wait(std::future<T> coming, std::span<const seat* const> who, duration within) {
    const auto begun = clock::now();
    auto look_at = begun + look_interval;
    for (;;) {
      const bool mine = !machine_.adopted().empty();
      if (mine) machine_.step();
      if (coming.wait_for(mine ? milliseconds{0} : look_interval) == std::future_status::ready) return coming.get();
      const auto now = clock::now();
      if (now < look_at) continue;
      look_at = now + look_interval;
      if (const auto up = all_up(who); !up) return up.error();
      if (now - begun < within) continue;
      // A machine that has stopped says so to who posts.
      const auto posted = machine_.post(who.front()->driver, [](core&) {});
      if (!posted) return posted.error();
      return error{errc::deadline_passed, fmt::format("{} did not answer for {} s", names_of(who),
                                                      std::chrono::duration_cast<seconds>(now - begun).count())};
    }
  }

  // What f(core&) returns there.
  template <class F>
  auto ask(const seat& s, F f) -> result<std::invoke_result_t<F&, core&>> {
    using answer = std::invoke_result_t<F&, core&>;
    auto promised = std::make_shared<std::promise<answer>>();
    auto coming = promised->get_future();
    const auto posted =
        machine_.post(s.driver, [promised, f = std::move(f)](core& here) mutable { promised->set_value(f(here)); });
    if (!posted) return named(posted.error(), s.name());
    const std::array<const seat*, 1> who{&s};
    return wait(std::move(coming), who, patience);
  }

  // Has `leader` do something that ends when its gatherer says so.
  template <class F>
  result<void> order(const seat& leader, const seat& other, duration within, F f) {
    auto done = std::make_shared<std::promise<result<void>>>();
    auto coming = done->get_future();
    const auto posted = machine_.post(leader.driver, [done, f = std::move(f)](core&) mutable { f(done); });
    if (!posted) return named(posted.error(), leader.name());
    const std::array<const seat*, 2> who{&leader, &other};
    const auto ended = wait(std::move(coming), who, within);
    if (!ended) return ended.error();
    if (!*ended) return named(ended->error(), other.name());
    return {};
  }

  // -- measuring ------------------------------------------------------------------------------------------------------

  struct both_directions {
    direction forth, back;
    bool good() const { return forth.trouble.empty() && back.trouble.empty(); }
  };

  result<void> measure(pair_of_seats p) {
    auto found = try_pair(p, options_.time_per_pair);
    if (found && !found->good()) found = try_pair(p, 2 * options_.time_per_pair);
    if (!found) return found.error();
    for (const direction* d : {&found->forth, &found->back}) {
      costs_.links.push_back(d->cost);
      by_class_[static_cast<std::size_t>(class_of(p))].push_back(d->cost);
      if (d->trouble.empty()) continue;
      const bool back = d == &found->back;
      blame(fmt::format("from {} to {}: {}", seats_[back ? p.b : p.a].name(), seats_[back ? p.a : p.b].name(),
                        d->trouble));
    }
    return {};
  }

  result<both_directions> try_pair(pair_of_seats p, duration time) {
    const seat &a = seats_[p.a], &b = seats_[p.b];
    for (const auto& [mine, other] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
      const auto met = ask(*mine, [g = mine->here, peer = other->here->where()](core&) {
        g->meet(peer);
        return true;
      });
      if (!met) return met.error();
    }
    const auto led =
        order(a, b, patience + 40 * time, [g = a.here, time](const gathered& done) { g->lead(2 * time, done); });
    if (!led) return led.error();
    auto forth = ask(a, [g = a.here](core&) { return g->rest(); });
    if (!forth) return forth.error();
    auto back = ask(b, [g = b.here](core&) { return g->rest(); });
    if (!back) return back.error();
    return both_directions{summary_of(a.place, b.place, *forth), summary_of(b.place, a.place, *back)};
  }

  // Zero where a core does not park soon, or where waking it takes any time: others want its hardware thread.
  result<void> measure_wake(pair_of_seats p) {
    const seat &a = seats_[p.a], &b = seats_[p.b];
    const double round_trip = 2.0 * static_cast<double>(costs_.links.front().median.count());
    std::vector<double> added;
    for (int i = 0; i < wake_samples; ++i) {
      if (!parks(b)) return {};
      const auto took = std::make_shared<duration>(0);
      const auto done = order(a, b, patience, [g = a.here, peer = b.here->where(), took](const gathered& end) {
        g->time_one(peer, took, end);
      });
      if (!done) return done;
      if (took->count() > 0) added.push_back(static_cast<double>(took->count()) - round_trip);
    }
    const double middle = median_of(added);
    if (added.size() < rounds_least || spread_of(added, middle) > wake_spread_limit * middle) return {};
    costs_.wake = whole_ns(middle, 0);
    return {};
  }

  bool parks(const seat& s) {
    const auto until = clock::now() + parks_within;
    while (clock::now() < until) {
      if (machine_.status()[s.driver.value].state == core_state::parked) return true;
      if (machine_.adopted().empty()) {
        std::this_thread::sleep_for(std::chrono::microseconds{200});
      } else {
        machine_.step();
      }
    }
    return false;
  }

  // -- the result -----------------------------------------------------------------------------------------------------

  void blame(const std::string& sentence) {
    costs_.reliable = false;
    if (costs_.why_not.empty()) costs_.why_not = sentence;
    ++blamed_;
  }

  void sum_up(bool sampled) {
    for (const seat& s : seats_) {
      if (!s.pinned) blame(s.name() + " is not pinned, so its thread may be elsewhere");
    }
    if (blamed_ > 1) costs_.why_not += fmt::format("; and {} more", blamed_ - 1);
    for (std::size_t c = 0; c < link_class_count; ++c) {
      const std::vector<link_cost>& links = by_class_[c];
      if (links.empty()) continue;
      const auto middle = [&](duration link_cost::*part, std::int64_t least) {
        std::vector<double> all;
        for (const link_cost& l : links) all.push_back(static_cast<double>((l.*part).count()));
        return whole_ns(median_of(std::move(all)), least);
      };
      costs_.classes.push_back({.kind = static_cast<link_class>(c),
                                .send = middle(&link_cost::send, 1),
                                .transit = middle(&link_cost::transit, 0),
                                .receive = middle(&link_cost::receive, 1),
                                .links = links.size()});
    }
    if (sampled) costs_.links.clear();
  }

  machine& machine_;
  const measure_options& options_;
  std::vector<seat> seats_;
  cost_snapshot costs_;
  std::array<std::vector<link_cost>, link_class_count> by_class_;
  std::size_t blamed_ = 0;
};

}  // namespace

result<cost_snapshot> measure_costs(machine& on, const measure_options& options) {
  if (on.simulated()) {
    return error{errc::not_supported_here, "a simulated machine's costs are those that it was given; boot a real one"};
  }
  const core* self = core::current();
  if (self != nullptr && &self->home() == &on) {
    return error{errc::bad_option, "measuring waits for the cores, so it needs a thread that is none of them"};
  }
  if (options.time_per_pair < time_least || options.time_per_pair > time_most) {
    return error{errc::bad_option, "the time for a pair must be from 1 microsecond to 1 minute"};
  }
  return session{on, options}.run();
}

}  // namespace cooper::skb
