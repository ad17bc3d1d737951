// SPDX-License-Identifier: BSD-3-Clause
#include "shared_vs_message/contest.hpp"

#include <array>

#include <cooper/vocabulary/assert.hpp>

namespace cooper::bench::shared_vs_message {
namespace {

constexpr std::size_t lines_most = 8;

class in_place : public contest {
 public:
  using contest::contest;
  std::vector<const shared_line*> shared() const override {
    std::vector<const shared_line*> all;
    for (const shared_line& l : lines_) all.push_back(&l);
    return all;
  }
  bool intact() const override { return true; }

 protected:
  std::array<shared_line, lines_most>& lines() { return lines_; }
  const std::array<shared_line, lines_most>& lines() const { return lines_; }
  void update(core& here) {
    for (std::size_t i = 0; i < what().lines; ++i) lines_[i].store(here, lines_[i].load(here) + 1);
    here.spend(what().update);
  }

 private:
  virtual void operate(core& here) { update(here); }
  void go(client& c) override {
    c.here->defer([this, &c] {
      operate(*c.here);
      if (another(c)) go(c);
    });
  }

  std::array<shared_line, lines_most> lines_;
};

class in_place_atomic final : public in_place {
 public:
  using in_place::in_place;
  bool intact() const override { return lines()[0].peek() == all_done(); }

 private:
  void operate(core& here) override {
    for (std::size_t i = 0; i < what().lines; ++i) lines()[i].add(here, 1);
    here.spend(what().update);
  }
};

class in_place_locked final : public in_place {
 public:
  using in_place::in_place;
  std::vector<const shared_line*> shared() const override {
    auto all = in_place::shared();
    all.push_back(&next_);
    all.push_back(&serving_);
    return all;
  }
  bool intact() const override { return lines()[0].peek() == all_done(); }

 private:
  void go(client& c) override {
    c.here->defer([this, &c] { wait(c, next_.add(*c.here, 1)); });
  }
  void wait(client& c, std::uint64_t ticket) {
    if (serving_.load(*c.here) != ticket) return c.here->defer([this, &c, ticket] { wait(c, ticket); });
    update(*c.here);
    serving_.store(*c.here, ticket + 1);
    if (another(c)) go(c);
  }

  shared_line next_, serving_;
};

class by_message final : public contest {
 public:
  by_message(machine& on, setting s) : contest{on, std::move(s)}, peers_(what().cores) {}
  bool intact() const override { return owned_[0].value == all_done(); }

 private:
  struct request {
    address answer_to;
    std::uint64_t number;
  };
  struct answer {
    std::uint64_t number;
  };
  struct alignas(destructive_bytes) peer {
    by_message* of = nullptr;
    client* me = nullptr;
    address at{};
    std::uint64_t asked = 0;
  };
  struct alignas(line_bytes) owned_line {
    std::uint64_t value = 0;
  };

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
  void go(client& c) override { ask(peers_[c.here->id().value]); }

  // Its lines stay in the server's cache: that costs nothing but what the scenario says.
  static void on_request(void* self, core& here, const line_view& line) {
    auto& me = *static_cast<by_message*>(self);
    const auto asked = line.as<request>();
    for (std::size_t i = 0; i < me.what().lines; ++i) ++me.owned_[i].value;
    here.spend(me.what().update);
    static_cast<void>(here.post(asked.answer_to, 0, answer{asked.number}, lane::reply));
  }
  static void on_answer(void* self, core&, const line_view&) {
    auto& p = *static_cast<peer*>(self);
    if (p.of->another(*p.me)) p.of->ask(p);
  }
  void ask(peer& p) {
    while (p.asked < p.me->ends && p.asked - p.me->done < what().window) {
      static_cast<void>(p.me->here->post(server_, 0, request{p.at, ++p.asked}));
    }
  }

  address server_;
  std::vector<peer> peers_;
  alignas(destructive_bytes) std::array<owned_line, lines_most> owned_{};
};

}  // namespace

std::unique_ptr<contest> contest::make(machine& on, setting what) {
  COOPER_ASSERT(what.lines <= lines_most, "lines that a contest has");
  if (what.contender == "shared") return std::make_unique<in_place>(on, std::move(what));
  if (what.contender == "shared_atomic") return std::make_unique<in_place_atomic>(on, std::move(what));
  if (what.contender == "shared_locked") return std::make_unique<in_place_locked>(on, std::move(what));
  return std::make_unique<by_message>(on, std::move(what));
}

result<void> contest::open(const caller& call) {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const auto opened = call(core_number(i), [&](core& here) {
      clients_[i].here = &here;
      open(clients_[i]);
    });
    if (!opened) return opened.error();
  }
  return {};
}

result<void> contest::begin(std::uint64_t count, std::uint64_t warm_up) {
  // sync(bench.contest_begins) relaxed: the posts that follow order it.
  running_.store(clients(), std::memory_order_relaxed);
  for (std::size_t i = first_client(); i < clients_.size(); ++i) {
    const auto posted = on_.post(core_number(i), [this, i, count, warm_up](core&) {
      client& c = clients_[i];
      c.begins = c.done + warm_up;
      c.ends = c.begins + count;
      if (warm_up == 0) c.begun = c.here->now();
      go(c);
    });
    if (!posted) return posted.error();
  }
  return {};
}

void contest::begin(std::uint64_t count) {
  const auto begun = begin(count, count / 50 + 4);
  COOPER_ASSERT(begun, "a running machine takes work");
}

bool contest::another(client& c) {
  ++c.done;
  if (c.done == c.begins) c.begun = c.here->now();
  if (c.done != c.ends) return true;
  c.ended = c.here->now();
  // sync(bench.contest_ends) acq_rel <-> bench.contest_over: whoever is last has seen the others' times.
  if (running_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
  duration total{};
  for (std::size_t i = first_client(); i < clients_.size(); ++i) total += clients_[i].ended - clients_[i].begun;
  line.cross(static_cast<double>(total.count()) / static_cast<double>(clients()));
  return false;
}

std::uint64_t contest::all_done() const {
  std::uint64_t done = 0;
  for (const client& c : clients_) done += c.done;
  return done;
}

result<std::unique_ptr<conversation>> on_drivers(machine& on, const setting& what) {
  auto made = contest::make(on, what);
  const auto opened = made->open([&](core_id where, const auto& work) { return on.call(where, work); });
  if (!opened) return opened.error();
  return std::unique_ptr<conversation>{std::move(made)};
}

}  // namespace cooper::bench::shared_vs_message
