// SPDX-License-Identifier: BSD-3-Clause
// The Multikernel's Figure 3: an operation updates k cache lines, which all cores share or one server has.
//
//   shared             every core reads and writes the lines in place; updates may be lost, as in the paper
//   shared_locked      the same under a ticket lock
//   message            clients call core 0, whose lines they are, one call under way each
//   message_pipelined  the same with `window` calls under way each
//
// An operation in place is one job, and a look at the lock too, so that cores get between each other where they would.
#include <deque>
#include <memory>

#include "simulated/simulation.hpp"

namespace cooper::bench::simulated {
namespace {

constexpr std::size_t lines_max = 8;

// A core that asks for operations, and what they took.
struct client {
  core* here = nullptr;
  std::uint64_t done = 0;
  instant begun{}, ended{};
};

// What one measurement is of.
struct setting {
  std::string contender;
  std::size_t cores, lines;
  std::uint64_t warm_up, count;  // operations of each client
  cost update{};
  std::uint64_t window = 1;

  std::uint64_t all() const { return warm_up + count; }
  // After one operation more.
  void account(client& c) const {
    ++c.done;
    if (c.done == warm_up) c.begun = c.here->now();
    if (c.done == all()) c.ended = c.here->now();
  }
};

class contest {
 public:
  explicit contest(setting what) : what_{std::move(what)}, clients_(what_.cores) {}
  virtual ~contest() = default;
  contest(const contest&) = delete;
  contest& operator=(const contest&) = delete;

  virtual std::size_t first_client() const { return 0; }
  // On each core in turn, before anything happens there; core 0 comes first.
  virtual void open(client&) {}
  virtual void begin(client& c) = 0;
  virtual std::vector<const shared_line*> shared() const { return {}; }

  result<measurement> run(simulation& on) {
    auto made = on.make(what_.cores, [](simulation_options& o) { o.poll_budget = std::chrono::seconds{1}; });
    if (!made) return made.error();
    machine& m = **made;
    for (std::size_t i = 0; i < what_.cores; ++i) {
      const auto opened = on.call(m, core_number(i), [&](core& here) {
        clients_[i].here = &here;
        open(clients_[i]);
      });
      if (!opened) return opened.error();
    }
    const traffic before = traffic_of(m, shared());
    for (std::size_t i = first_client(); i < what_.cores; ++i) {
      const auto begun = m.post(core_number(i), [this, i](core&) { begin(clients_[i]); });
      if (!begun) return begun.error();
    }
    const auto all_done = [&] {
      while (first_undone_ < what_.cores && clients_[first_undone_].done >= what_.all()) ++first_undone_;
      return first_undone_ == what_.cores;
    };
    first_undone_ = first_client();
    if (const auto ended = on.run(m, all_done, "the last operation"); !ended) return ended.error();
    duration total{};
    for (std::size_t i = first_client(); i < what_.cores; ++i) total += clients_[i].ended - clients_[i].begun;
    const std::size_t clients = what_.cores - first_client();
    return measurement{
        .name = what_.contender,
        .at = {{"k", static_cast<std::int64_t>(what_.lines)}, {"cores", static_cast<std::int64_t>(what_.cores)}},
        .value = static_cast<double>(total.count()) / static_cast<double>(clients * what_.count),
        .unit = "ns",
        .per = "operation",
        .moved = each(traffic_of(m, shared()), before, clients * what_.all())};
  }

 protected:
  const setting& what() const { return what_; }
  std::vector<client>& clients() { return clients_; }

 private:
  setting what_;
  std::vector<client> clients_;
  std::size_t first_undone_ = 0;
};

class in_place : public contest {
 public:
  using contest::contest;
  void begin(client& c) override {
    c.here->defer([this, &c] { operate(c); });
  }
  std::vector<const shared_line*> shared() const override {
    std::vector<const shared_line*> all;
    for (const shared_line& l : lines_) all.push_back(&l);
    return all;
  }

 protected:
  void update(core& here) {
    for (std::size_t i = 0; i < what().lines; ++i) lines_[i].store(here, lines_[i].load(here) + 1);
    here.spend(what().update);
  }

 private:
  void operate(client& c) {
    update(*c.here);
    what().account(c);
    if (c.done < what().all()) c.here->defer([this, &c] { operate(c); });
  }

  std::array<shared_line, lines_max> lines_;
};

class in_place_locked final : public in_place {
 public:
  using in_place::in_place;
  void begin(client& c) override {
    c.here->defer([this, &c] { lock(c); });
  }
  std::vector<const shared_line*> shared() const override {
    auto all = in_place::shared();
    all.push_back(&next_);
    all.push_back(&serving_);
    return all;
  }

 private:
  void lock(client& c) { wait(c, next_.add(*c.here, 1)); }
  void wait(client& c, std::uint64_t ticket) {
    if (serving_.load(*c.here) != ticket) return c.here->defer([this, &c, ticket] { wait(c, ticket); });
    update(*c.here);
    serving_.store(*c.here, ticket + 1);
    what().account(c);
    if (c.done < what().all()) c.here->defer([this, &c] { lock(c); });
  }

  shared_line next_, serving_;
};

class by_message final : public contest {
 public:
  explicit by_message(setting s) : contest{std::move(s)}, peers_(what().cores) {}
  std::size_t first_client() const override { return 1; }

  void open(client& c) override {
    if (c.here->id() == core_id{0}) {
      server_ = *c.here->open(&by_message::on_request, this);
      return;
    }
    peer& p = peers_[c.here->id().value];
    p = {.of = this, .me = &c};
    p.at = *c.here->open(&by_message::on_answer, &p);
  }
  void begin(client& c) override { ask(peers_[c.here->id().value]); }

 private:
  struct request {
    address answer_to;
    std::uint64_t number;
  };
  struct answer {
    std::uint64_t number;
  };
  struct peer {
    by_message* of = nullptr;
    client* me = nullptr;
    address at{};
    std::uint64_t asked = 0;
  };

  // Its lines stay in the server's cache: that costs nothing but what the scenario says.
  static void on_request(void* self, core& here, const line_view& line) {
    auto& me = *static_cast<by_message*>(self);
    const auto asked = line.as<request>();
    for (std::size_t i = 0; i < me.what().lines; ++i) ++me.owned_[i];
    here.spend(me.what().update);
    static_cast<void>(here.post(asked.answer_to, 0, answer{asked.number}, lane::reply));
  }
  static void on_answer(void* self, core&, const line_view&) {
    auto& p = *static_cast<peer*>(self);
    p.of->what().account(*p.me);
    p.of->ask(p);
  }
  void ask(peer& p) {
    while (p.asked < what().all() && p.asked - p.me->done < what().window) {
      static_cast<void>(p.me->here->post(server_, 0, request{p.at, ++p.asked}));
    }
  }

  address server_;
  std::vector<peer> peers_;
  std::array<std::uint64_t, lines_max> owned_{};
};

result<measurement> measure(simulation& on, const setting& s) {
  if (s.contender == "shared") return std::make_unique<in_place>(s)->run(on);
  if (s.contender == "shared_locked") return std::make_unique<in_place_locked>(s)->run(on);
  return std::make_unique<by_message>(s)->run(on);
}

result<void> run(simulation& on) {
  const auto contenders = on.choices("contenders", {"shared", "shared_locked", "message", "message_pipelined"});
  if (!contenders) return contenders.error();
  const auto counts = on.counts("core_counts", 2);
  if (!counts) return counts.error();
  const auto lines = on.choices("lines", {"1", "2", "4", "8"});
  if (!lines) return lines.error();
  for (const std::string& contender : *contenders) {
    for (const std::string& k : *lines) {
      for (const std::size_t cores : *counts) {
        const setting s{
            .contender = contender,
            .cores = cores,
            .lines = static_cast<std::size_t>(k.front() - '0'),
            .warm_up = static_cast<std::uint64_t>(on.number("warm_up")),
            .count = static_cast<std::uint64_t>(on.number("operations")),
            .update = on.handler("update"),
            .window = contender == "message_pipelined" ? static_cast<std::uint64_t>(on.number("window")) : 1};
        auto row = measure(on, s);
        if (!row) return row.error();
        on.add(*std::move(row));
      }
    }
  }
  return {};
}

}  // namespace

program shared_vs_message() {
  return {.about = {.name = "shared_vs_message",
                    .words = "Updating k lines in place, or by calling a server (The Multikernel, Figure 3)",
                    .load = {{.key = "contenders",
                              .words = "of shared, shared_locked, message, message_pipelined; all unless told",
                              .otherwise = std::string{}},
                             {.key = "core_counts",
                              .words = "with how many cores; else 2, 4, 8, ... and all",
                              .otherwise = std::string{}},
                             {.key = "lines",
                              .words = "how many are updated, of 1, 2, 4, 8; all unless told",
                              .otherwise = std::string{}},
                             {.key = "operations",
                              .words = "of each core that are counted",
                              .otherwise = std::int64_t{50},
                              .least = 1,
                              .most = 10'000'000},
                             {.key = "warm_up",
                              .words = "operations of each core before them",
                              .otherwise = std::int64_t{10},
                              .least = 1,
                              .most = 1'000'000},
                             {.key = "window",
                              .words = "calls under way of message_pipelined",
                              .otherwise = std::int64_t{16},
                              .least = 1,
                              .most = 1024}},
                    .handlers = {"update"}},
          .run = run,
          .plot_over = "cores"};
}

}  // namespace cooper::bench::simulated
