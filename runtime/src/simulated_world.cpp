// SPDX-License-Identifier: BSD-3-Clause
#include "simulated_world.hpp"

#include <algorithm>
#include <functional>

#include <cooper/vocabulary/assert.hpp>

namespace cooper::detail {

turn_heap::turn_heap(std::size_t cores) : entries_(cores), place_(cores, absent) { heap_.reserve(cores); }

bool turn_heap::before(std::uint32_t a, std::uint32_t b) const {
  const entry& x = entries_[a];
  const entry& y = entries_[b];
  if (x.at != y.at) return x.at < y.at;
  return x.rank != y.rank ? x.rank < y.rank : a < b;
}

void turn_heap::put(std::size_t at, std::uint32_t core) {
  heap_[at] = core;
  place_[core] = static_cast<std::uint32_t>(at);
}

void turn_heap::up(std::size_t at) {
  const std::uint32_t core = heap_[at];
  for (; at != 0 && before(core, heap_[(at - 1) / 2]); at = (at - 1) / 2) put(at, heap_[(at - 1) / 2]);
  put(at, core);
}

void turn_heap::down(std::size_t at) {
  const std::uint32_t core = heap_[at];
  for (std::size_t child; (child = 2 * at + 1) < heap_.size(); at = child) {
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], core)) break;
    put(at, heap_[child]);
  }
  put(at, core);
}

void turn_heap::set(std::size_t core, cost at, std::uint32_t rank) {
  const auto which = static_cast<std::uint32_t>(core);
  entries_[core] = {at, rank};
  if (at == endless) {
    if (place_[core] == absent) return;
    const std::size_t hole = std::exchange(place_[core], absent);
    const std::uint32_t last = heap_.back();
    heap_.pop_back();
    if (last == which) return;
    put(hole, last);
    up(hole);
    down(place_[last]);
    return;
  }
  if (place_[core] == absent) {
    heap_.push_back(which);
    put(heap_.size() - 1, which);
  }
  up(place_[core]);
  down(place_[core]);
}

void turn_heap::equal_first(std::vector<std::size_t>& out) const {
  out.clear();
  if (heap_.empty()) return;
  const cost at = entries_[heap_.front()].at;
  // A part of the heap that begins later holds nothing earlier.
  std::vector<std::size_t> open{0};
  while (!open.empty()) {
    const std::size_t here = open.back();
    open.pop_back();
    if (here >= heap_.size() || entries_[heap_[here]].at != at) continue;
    out.push_back(heap_[here]);
    open.push_back(2 * here + 1);
    open.push_back(2 * here + 2);
  }
  std::sort(out.begin(), out.end());
}

void simulated_seat::spend(work w) { spend(world_->costs().of(w)); }

cost simulated_seat::slowed(cost c) const {
  for (const window& w : slow_) {
    if (clock >= w.begin && clock < w.end) return c * w.value;
  }
  return c;
}

namespace {

void fit(shared_state& line, std::size_t cores) {
  if (line.readers.size() == cores) return;
  line.readers.resize(cores);
  line.lost.resize(cores);
}

}  // namespace

// A line that others wrote is fetched; the line is one, so fetches follow one another. Where it stands already, reading
// costs nothing; also where it stood until a time that this core's clock has not come to.
void simulated_seat::read_shared(shared_state& line) {
  fit(line, world_->cores());
  std::uint64_t& seen = line.readers[self_];
  if (seen == line.version || clock < line.lost[self_]) return;
  seen = line.version;
  ++line.moves;
  const cost begin = std::max({clock, line.free, line.written});
  clock = begin;
  spend(world_->between(line.owner, self_).fetch);
  line.free = clock;
}

void simulated_seat::write_shared(shared_state& line) {
  fit(line, world_->cores());
  const bool alone = line.owner == self_ && std::none_of(line.readers.begin(), line.readers.end(), [&](auto& seen) {
                       return &seen != &line.readers[self_] && seen == line.version;
                     });
  if (!alone) {
    ++line.moves;
    clock = std::max(clock, line.free);
    spend(world_->between(line.owner, self_).move);
    line.free = clock;
    for (std::size_t i = 0; i < line.readers.size(); ++i) {
      if (i != self_ && line.readers[i] == line.version) line.lost[i] = clock;
    }
  }
  line.owner = self_;
  line.readers[self_] = ++line.version;
  line.written = clock;
}

void simulated_seat::forget_until(cost now) {
  while (!coming_.empty() && coming_.front() <= now) {
    std::pop_heap(coming_.begin(), coming_.end(), std::greater{});
    coming_.pop_back();
  }
}

void simulated_seat::expect(cost at) {
  coming_.push_back(at);
  std::push_heap(coming_.begin(), coming_.end(), std::greater{});
}

cost simulated_seat::look_at(cost at) const {
  if (at <= clock) return clock;
  if (at == endless || period <= cost{1}) return at;
  const std::int64_t looks = ((at - clock).count() - 1) / period.count() + 1;
  return clock + looks * period;
}

cost simulated_seat::possible_at(cost at) const {
  for (const window& w : pauses_) {
    if (at >= w.begin && at < w.end) at = w.end;
  }
  return at;
}

cost simulated_seat::late(cost now) const {
  for (const window& w : late_) {
    if (now >= w.begin && now < w.end) return cost{w.value};
  }
  return {};
}

cost simulated_seat::next_lift() const {
  cost next = endless;
  for (const cost lift : lifts_) {
    if (lift > clock) next = std::min(next, lift);
  }
  return next;
}

simulated_world::simulated_world(const topology& where, const std::vector<core_id>& cores,
                                 const simulation_options& options)
    : turns{cores.size()},
      costs_{options.costs},
      seats_(cores.size()),
      classes_(cores.size() * cores.size()),
      random_{options.seed} {
  for (std::size_t a = 0; a < cores.size(); ++a) {
    seats_[a].world_ = this;
    seats_[a].self_ = a;
    seats_[a].way = &costs_.link(link_class::self);
    for (std::size_t b = 0; b < cores.size(); ++b) {
      classes_[a * cores.size() + b] = static_cast<std::uint8_t>(where.relation(cores[a], cores[b]));
    }
  }
  // A machine whose memory is not described has a node in each package.
  const auto home_of = [&](core_id c) {
    const hardware_thread& t = where.thread(c);
    const std::uint32_t home = where.nodes().size() > 1 ? t.node : t.package;
    return home == nowhere ? 0 : home;
  };
  for (const core_id c : cores)
    homes_.push_back(home_of(options.channel_memory ? cores[options.channel_memory->value] : c));
  unread_.resize(homes_.empty() ? 0 : *std::max_element(homes_.begin(), homes_.end()) + 1);
  for (const fault& f : options.faults) add(f);
  for (std::size_t i = 0; i < cores.size(); ++i) schedule(i, cost{});
}

void simulated_world::add(const fault& f) {
  const cost begin = f.begin;
  const cost end = f.kind == fault_kind::stop ? endless : begin + cost{f.length};
  simulated_seat& seat = seats_[f.core.value];
  switch (f.kind) {
    case fault_kind::stop:
    case fault_kind::pause:
      seat.pauses_.push_back({begin, end});
      // One pause may end in another: they are looked at in this order.
      std::sort(seat.pauses_.begin(), seat.pauses_.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
      break;
    case fault_kind::slow:
      seat.slow_.push_back({begin, end, f.factor});
      break;
    case fault_kind::late:
      seat.late_.push_back({begin, end, cost{f.by}.count()});
      break;
    case fault_kind::delay:
    case fault_kind::fill:
      links_.push_back({f.core.value, f.to.value, begin, end, f.by, f.kind == fault_kind::fill});
      if (f.kind == fault_kind::fill) {
        seat.lifts_.push_back(end);
        seat.expect(end);
      }
      break;
  }
}

void simulated_world::announce(std::size_t core, cost at) {
  simulated_seat& seat = seats_[core];
  seat.expect(at);
  if (seat.is != simulated_seat::state::idle) return;
  const cost look = seat.possible_at(seat.look_at(at));
  if (look < turns.time_of(core)) schedule(core, look);
}

void simulated_world::nudge(std::size_t core) {
  if (seats_[core].is == simulated_seat::state::idle) announce(core, seats_[running].clock);
}

// The wake-up starts from the signaller's time, which may be later than that of falling asleep.
void simulated_world::signal(std::size_t core) {
  simulated_seat& seat = seats_[core];
  seats_[running].spend(costs_.signal);
  if (seat.is != simulated_seat::state::parked) return;
  seat.clock = std::max(seat.clock, seats_[running].clock) + costs_.wake;
  schedule(core, seat.clock);
}

cost simulated_world::seen_at(const simulated_seat& from) const {
  cost at = from.clock + from.way->transit;
  for (const link_window& w : links_) {
    if (!w.fills && w.from == from.self_ && w.to == from.toward && from.clock >= w.begin && from.clock < w.end) {
      at += w.by;
    }
  }
  return at;
}

bool simulated_world::filled(std::size_t from, std::size_t to, cost now) const {
  return std::any_of(links_.begin(), links_.end(), [&](const link_window& w) {
    return w.fills && w.from == from && w.to == to && now >= w.begin && now < w.end;
  });
}

void simulated_world::schedule(std::size_t core, cost at) {
  if (at != endless) at = seats_[core].possible_at(at);
  turns.set(core, at, static_cast<std::uint32_t>(random_.next()));
}

}  // namespace cooper::detail
