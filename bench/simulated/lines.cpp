// SPDX-License-Identifier: BSD-3-Clause
// The simplest conversations: to another core and back, one way, and round all cores.
#include <deque>

#include "simulated/simulation.hpp"

namespace cooper::bench::simulated {
namespace {

struct number_line {
  std::uint64_t number;
};

std::uint64_t count_of(const simulation& on, std::string_view key) {
  return static_cast<std::uint64_t>(on.number(key));
}

result<void> need_cores(const simulation& on, std::size_t least) {
  if (on.cores().size() >= least) return {};
  return error{errc::bad_option, "there is one core, and this program needs two"};
}

// The partner that load.to names; or one core of each link class, nearest first.
result<std::vector<std::size_t>> partners(const simulation& on) {
  const auto& cores = on.cores();
  if (const std::size_t to = count_of(on, "to"); to != 0) {
    if (to < cores.size()) return std::vector<std::size_t>{to};
    return error{errc::bad_option, "load.to: the last core is " + std::to_string(cores.size() - 1)};
  }
  std::vector<std::size_t> found;
  for (std::size_t c = 0; c < link_class_count; ++c) {
    for (std::size_t i = 1; i < cores.size(); ++i) {
      if (on.where().relation(cores[0], cores[i]) != static_cast<link_class>(c)) continue;
      found.push_back(i);
      break;
    }
  }
  return found;
}

std::string class_name(const simulation& on, std::size_t to) {
  return std::string{name_of(on.where().relation(on.cores()[0], on.cores()[to]))};
}

const load_key to_key{.key = "to",
                      .words = "the partner of core 0; 0: one of each link class",
                      .otherwise = std::int64_t{0},
                      .least = 0,
                      .most = core_count_max - 1};

// -- ping_pong --------------------------------------------------------------------------------------------------------

struct player {
  address self{}, other{};
  std::uint64_t hits = 0;
  std::uint64_t rounds = 0;  // after which it stops; 0: it only answers
  cost handler{};

  static void on_line(void* self, core& here, const line_view& line) {
    auto& me = *static_cast<player*>(self);
    ++me.hits;
    here.spend(me.handler);
    if (me.rounds == 0 || me.hits < me.rounds) {
      static_cast<void>(here.post(me.other, 0, number_line{line.as<number_line>().number + 1}));
    }
  }
};

result<measurement> measure_ping_pong(simulation& on, std::size_t to) {
  const std::uint64_t warm_up = count_of(on, "warm_up"), rounds = count_of(on, "rounds");
  player ping{.rounds = warm_up + rounds, .handler = on.handler("ping")}, pong{.handler = on.handler("pong")};
  auto made = on.make(on.cores().size());
  if (!made) return made.error();
  machine& m = **made;
  for (const auto& [core_index, one, other] : {std::tuple{std::size_t{0}, &ping, &pong}, {to, &pong, &ping}}) {
    const auto opened = on.call(m, core_number(core_index), [one = one, other = other](core& here) {
      one->self = other->other = *here.open(&player::on_line, one);
    });
    if (!opened) return opened.error();
  }
  const auto served =
      m.post(core_id{0}, [&](core& here) { static_cast<void>(here.post(ping.other, 0, number_line{})); });
  if (!served) return served.error();
  auto good = on.run(
      m, [&] { return ping.hits >= warm_up; }, "the warm-up's last line");
  if (!good) return good.error();
  const instant begin = m.now();
  const traffic before = traffic_of(m);
  good = on.run(
      m, [&] { return ping.hits == warm_up + rounds; }, "the last line");
  if (!good) return good.error();
  return measurement{.name = class_name(on, to),
                     .at = {{"to", static_cast<std::int64_t>(to)}},
                     .value = static_cast<double>((m.now() - begin).count()) / static_cast<double>(rounds),
                     .unit = "ns",
                     .per = "round trip",
                     .moved = each(traffic_of(m), before, rounds)};
}

template <result<measurement> (*Measure)(simulation&, std::size_t)>
result<void> run_with_partners(simulation& on) {
  if (const auto good = need_cores(on, 2); !good) return good.error();
  const auto found = partners(on);
  if (!found) return found.error();
  for (const std::size_t to : *found) {
    auto row = Measure(on, to);
    if (!row) return row.error();
    on.add(*std::move(row));
  }
  return {};
}

// -- stream -----------------------------------------------------------------------------------------------------------

// Sends as fast as lines are taken; with a window, the receiver tells after every quarter of it how many came.
struct stream_ends {
  core* sender = nullptr;
  address data{}, acknowledged_at{};
  std::uint64_t count = 0, warm_up = 0, window = 0;
  std::uint64_t sent = 0, acknowledged = 0, received = 0;
  instant begun{}, ended{};
  cost handler{};

  void send() {
    while (sent < count) {
      if (window != 0 && sent - acknowledged >= window) return;  // an acknowledgement goes on
      const send_result r = sender->send(data, 0, number_line{sent + 1});
      if (r == send_result::closed) return;
      if (r == send_result::full) return sender->when_writable(data.core, lane::request, [this] { send(); });
      ++sent;
    }
  }
  static void on_data(void* self, core& here, const line_view&) {
    auto& me = *static_cast<stream_ends*>(self);
    here.spend(me.handler);
    ++me.received;
    if (me.received == me.warm_up) me.begun = here.now();
    if (me.received == me.count) me.ended = here.now();
    const std::uint64_t batch = std::max<std::uint64_t>(1, me.window / 4);
    if (me.window != 0 && (me.received % batch == 0 || me.received == me.count)) {
      static_cast<void>(here.post(me.acknowledged_at, 0, number_line{me.received}, lane::reply));
    }
  }
  static void on_acknowledgement(void* self, core&, const line_view& line) {
    auto& me = *static_cast<stream_ends*>(self);
    me.acknowledged = line.as<number_line>().number;
    me.send();
  }
};

result<measurement> measure_stream(simulation& on, std::size_t to) {
  stream_ends ends;
  ends.warm_up = count_of(on, "warm_up");
  ends.count = ends.warm_up + count_of(on, "messages");
  ends.window = count_of(on, "window");
  ends.handler = on.handler("take");
  auto made = on.make(on.cores().size());
  if (!made) return made.error();
  machine& m = **made;
  auto good = on.call(m, core_number(to), [&](core& here) { ends.data = *here.open(&stream_ends::on_data, &ends); });
  if (good) {
    good = on.call(m, core_id{0}, [&](core& here) {
      ends.sender = &here;
      ends.acknowledged_at = *here.open(&stream_ends::on_acknowledgement, &ends);
    });
  }
  if (!good) return good.error();
  const traffic before = traffic_of(m);
  if (const auto begun = m.post(core_id{0}, [&](core&) { ends.send(); }); !begun) return begun.error();
  good = on.run(
      m, [&] { return ends.received == ends.count; }, "the last message");
  if (!good) return good.error();
  const double seconds = static_cast<double>((ends.ended - ends.begun).count()) / 1e9;
  const auto counted = static_cast<double>(ends.count - ends.warm_up);
  measurement row{.name = class_name(on, to),
                  .at = {{"to", static_cast<std::int64_t>(to)}},
                  .value = seconds > 0 ? counted / seconds : 0,
                  .unit = "messages/s",
                  .per = "message",
                  .moved = each(traffic_of(m), before, ends.count)};
  if (seconds <= 0) row.note = "no virtual time went by: this profile's lines cost nothing";
  return row;
}

// -- ring -------------------------------------------------------------------------------------------------------------

struct ring_place {
  address self{}, next{};
  std::uint64_t* hops = nullptr;
  std::uint64_t hops_max = 0;
  cost handler{};

  static void on_line(void* self, core& here, const line_view& line) {
    auto& me = *static_cast<ring_place*>(self);
    here.spend(me.handler);
    if (++*me.hops < me.hops_max) static_cast<void>(here.post(me.next, 0, line.as<number_line>()));
  }
};

result<void> run_ring(simulation& on) {
  if (const auto good = need_cores(on, 2); !good) return good.error();
  const std::size_t cores = on.cores().size();
  const std::uint64_t tokens = count_of(on, "tokens");
  const std::uint64_t warm_up = cores * tokens, counted = cores * tokens * count_of(on, "laps");
  std::uint64_t hops = 0;
  std::deque<ring_place> places(cores);
  auto made = on.make(cores);
  if (!made) return made.error();
  machine& m = **made;
  for (std::size_t i = 0; i < cores; ++i) {
    ring_place& p = places[i];
    p.hops = &hops;
    p.hops_max = warm_up + counted;
    p.handler = on.handler("hop");
    const auto opened = on.call(m, core_number(i), [&](core& here) {
      p.self = places[(i + cores - 1) % cores].next = *here.open(&ring_place::on_line, &p);
    });
    if (!opened) return opened.error();
  }
  for (std::uint64_t t = 0; t < tokens; ++t) {
    ring_place& p = places[t * cores / tokens];
    const auto begun =
        m.post(p.self.core, [&p, t](core& here) { static_cast<void>(here.post(p.next, 0, number_line{t})); });
    if (!begun) return begun.error();
  }
  auto good = on.run(
      m, [&] { return hops >= warm_up; }, "the first lap's end");
  if (!good) return good.error();
  const instant begin = m.now();
  const traffic before = traffic_of(m);
  const std::uint64_t at_begin = hops;
  good = on.run(
      m, [&] { return hops >= warm_up + counted; }, "the last lap's end");
  if (!good) return good.error();
  const std::uint64_t during = hops - at_begin;
  on.add({.name = "ring",
          .at = {{"cores", static_cast<std::int64_t>(cores)}, {"tokens", static_cast<std::int64_t>(tokens)}},
          .value = static_cast<double>((m.now() - begin).count() * static_cast<std::int64_t>(tokens)) /
                   static_cast<double>(during),
          .unit = "ns",
          .per = "hop",
          .moved = each(traffic_of(m), before, during)});
  return {};
}

}  // namespace

program ping_pong() {
  return {.about = {.name = "ping_pong",
                    .words = "One line to another core and back",
                    .load = {to_key,
                             {.key = "rounds",
                              .words = "that are counted",
                              .otherwise = std::int64_t{1000},
                              .least = 1,
                              .most = 100'000'000},
                             {.key = "warm_up",
                              .words = "rounds before them",
                              .otherwise = std::int64_t{10},
                              .least = 0,
                              .most = 1'000'000}},
                    .handlers = {"ping", "pong"}},
          .run = run_with_partners<measure_ping_pong>};
}

program stream() {
  return {.about = {.name = "stream",
                    .words = "Lines one way, as fast as they go",
                    .load = {to_key,
                             {.key = "messages",
                              .words = "that are counted",
                              .otherwise = std::int64_t{10'000},
                              .least = 1,
                              .most = 1'000'000'000},
                             {.key = "warm_up",
                              .words = "messages before them",
                              .otherwise = std::int64_t{1000},
                              .least = 1,
                              .most = 1'000'000'000},
                             {.key = "window",
                              .words = "unacknowledged at most; 0: as many as the ring holds",
                              .otherwise = std::int64_t{0},
                              .least = 0,
                              .most = 1'000'000}},
                    .handlers = {"take"}},
          .run = run_with_partners<measure_stream>};
}

program ring() {
  return {.about = {.name = "ring",
                    .words = "Tokens that go round all cores",
                    .load = {{.key = "laps",
                              .words = "of each token that are counted",
                              .otherwise = std::int64_t{100},
                              .least = 1,
                              .most = 10'000'000},
                             {.key = "tokens",
                              .words = "under way at a time",
                              .otherwise = std::int64_t{1},
                              .least = 1,
                              .most = 1'000'000}},
                    .handlers = {"hop"}},
          .run = run_ring};
}

}  // namespace cooper::bench::simulated
