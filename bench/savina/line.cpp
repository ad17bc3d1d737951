// SPDX-License-Identifier: BSD-3-Clause
// The six programs in line messages. Floods wait for room; everything else has at most one message under way an actor,
// and waits for room as well when many of them meet.
#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/random.hpp>

#include "savina/savina.hpp"

namespace cooper::bench::savina {
namespace {

using actors::core_actor;
using actors::core_ref;
using actors::line_address;
using actors::one_way;
using actors::protocol;
using actors::spawn_on;
using actors::task;

using go_atom = caf::atom_constant<caf::atom("go")>;

struct ping {
  address back;
};
struct pong {};
struct next {};
struct all_done {};
struct token {
  std::uint64_t hops;
};
struct meet {
  address who;
  int color;
};
struct partner {
  address other;
  bool found;
};
struct change {
  int color;
};

// Whoever ends a program.
struct sink : core_actor<sink, protocol<one_way<all_done>>> {
  sink(caf::actor_config& cfg, std::uint64_t expected, finish_line* line)
      : core_actor{cfg}, left_{expected}, line_{line} {}
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  void handle(const all_done&) {
    if (--left_ == 0) line_->cross(0);
  }
  std::uint64_t left_;
  finish_line* line_;
};

// Sends now, or as soon as there is room.
template <class Self, class To, class Message>
void surely(Self& self, const To& to, const Message& message) {
  if (self.tell(to, message) != send_result::full) return;
  self.start([](Self& me, To there, Message m) -> task<void> { static_cast<void>(co_await me.send(there, m)); }(
                                                   self, to, message));
}

struct ponger : core_actor<ponger, protocol<one_way<ping>>> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  void handle(const ping& p);
};
struct pinger : core_actor<pinger, protocol<one_way<pong>>> {
  pinger(caf::actor_config& cfg, core_ref<ponger> to, std::uint64_t count, finish_line* line)
      : core_actor{cfg}, to_{std::move(to)}, left_{count}, line_{line} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) { surely(*this, to_, ping{line_self().at}); }};
  }
  void handle(const pong&) {
    if (--left_ != 0) return surely(*this, to_, ping{line_self().at});
    line_->cross(0);
  }
  core_ref<ponger> to_;
  std::uint64_t left_;
  finish_line* line_;
};
void ponger::handle(const ping& p) { surely(*this, line_address<pinger>{p.back}, pong{}); }

struct tally : core_actor<tally, protocol<one_way<next>>> {
  tally(caf::actor_config& cfg, std::uint64_t expected, finish_line* line)
      : core_actor{cfg}, left_{expected}, line_{line} {}
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  void handle(const next&) {
    if (--left_ == 0) line_->cross(0);
  }
  std::uint64_t left_;
  finish_line* line_;
};
struct producer : core_actor<producer, protocol<>> {
  producer(caf::actor_config& cfg, core_ref<tally> to, std::uint64_t count)
      : core_actor{cfg}, to_{std::move(to)}, count_{count} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) { start(flood()); }};
  }
  task<void> flood() {
    for (std::uint64_t i = 0; i < count_; ++i) {
      if (tell(to_, next{}) == send_result::full) static_cast<void>(co_await send(to_, next{}));
    }
  }
  core_ref<tally> to_;
  std::uint64_t count_;
};

struct ring_member : core_actor<ring_member, protocol<one_way<token>>> {
  ring_member(caf::actor_config& cfg, finish_line* line) : core_actor{cfg}, line_{line} {}
  caf::behavior make_behavior() override {
    return {[this](std::uint64_t packed, std::uint32_t slot) {
      next_.at = {.core = core_number(packed), .generation = static_cast<std::uint16_t>(packed >> 16), .slot = slot};
      return true;
    }};
  }
  void handle(const token& t) {
    if (t.hops != 0) return surely(*this, next_, token{t.hops - 1});
    line_->cross(0);
  }
  finish_line* line_;
  line_address<ring_member> next_;
};
struct starter : core_actor<starter, protocol<>> {
  starter(caf::actor_config& cfg, core_ref<ring_member> first, std::uint64_t hops)
      : core_actor{cfg}, first_{std::move(first)}, hops_{hops} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) { surely(*this, first_, token{hops_}); }};
  }
  core_ref<ring_member> first_;
  std::uint64_t hops_;
};

struct chameneo;
struct mall : core_actor<mall, protocol<one_way<meet>>> {
  mall(caf::actor_config& cfg, std::uint64_t meetings) : core_actor{cfg}, left_{meetings} {}
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  void handle(const meet& m);
  std::uint64_t left_;
  std::optional<cooper::address> waiting_;
};
struct chameneo : core_actor<chameneo, protocol<one_way<partner>, one_way<change>>> {
  chameneo(caf::actor_config& cfg, core_ref<mall> at, core_ref<sink> end, int color)
      : core_actor{cfg}, at_{std::move(at)}, end_{std::move(end)}, color_{color} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) { ask(); }};
  }
  void ask() { surely(*this, at_, meet{line_self().at, color_}); }
  void handle(const partner& p) {
    if (!p.found) return surely(*this, end_, all_done{});
    surely(*this, line_address<chameneo>{p.other}, change{color_});
    ask();
  }
  void handle(const change& c) {
    color_ = color_ == c.color ? color_ : 3 - color_ - c.color;
    ask();
  }
  core_ref<mall> at_;
  core_ref<sink> end_;
  int color_;
};
void mall::handle(const meet& m) {
  const line_address<chameneo> from{m.who};
  if (left_ == 0) return surely(*this, from, partner{{}, false});
  if (!waiting_) {
    waiting_ = m.who;
    return;
  }
  --left_;
  surely(*this, from, partner{*waiting_, true});
  waiting_.reset();
}

struct big_actor : core_actor<big_actor, protocol<one_way<ping>, one_way<pong>>> {
  big_actor(caf::actor_config& cfg, std::uint64_t number, std::uint64_t pings, core_ref<sink> end,
            std::vector<core_ref<big_actor>>* all)
      : core_actor{cfg}, dice_{number + 1}, left_{pings}, end_{std::move(end)}, all_{all} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) { go(); }};
  }
  void go() { surely(*this, (*all_)[dice_.below(all_->size())], ping{line_self().at}); }
  void handle(const ping& p) { surely(*this, line_address<big_actor>{p.back}, pong{}); }
  void handle(const pong&) {
    if (--left_ != 0) return go();
    surely(*this, end_, all_done{});
  }
  class random dice_;
  std::uint64_t left_;
  core_ref<sink> end_;
  std::vector<core_ref<big_actor>>* all_;  // not changed while they run
};

struct worker : core_actor<worker, protocol<one_way<next>>> {
  worker(caf::actor_config& cfg, std::uint64_t messages, core_ref<sink> end)
      : core_actor{cfg}, left_{messages}, end_{std::move(end)} {}
  caf::behavior make_behavior() override {
    return {[](caf::ok_atom) {}};
  }
  void handle(const next&) {
    spent_ += computation();
    if (--left_ == 0) surely(*this, end_, all_done{});
  }
  std::uint64_t left_;
  core_ref<sink> end_;
  double spent_ = 0;
};
struct forker : core_actor<forker, protocol<>> {
  forker(caf::actor_config& cfg, std::vector<core_ref<worker>>* to, std::uint64_t messages)
      : core_actor{cfg}, to_{to}, messages_{messages} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom) { start(flood()); }};
  }
  task<void> flood() {
    for (std::uint64_t i = 0; i < messages_; ++i) {
      for (const auto& w : *to_) {
        if (tell(w, next{}) == send_result::full) static_cast<void>(co_await send(w, next{}));
      }
    }
  }
  std::vector<core_ref<worker>>* to_;
  std::uint64_t messages_;
};

}  // namespace

double run_lines(caf::actor_system& on, program p, const sizes& s) {
  finish_line line;
  std::vector<caf::actor> all;
  // Dealt out over the cores in turn, like the actors that a thread spawns without saying where.
  const auto add = [&]<class A>(std::type_identity<A>, auto... arguments) {
    auto made = *spawn_on<A>(on, actors::spread(), arguments...);
    all.push_back(made.handle());
    return made;
  };
  std::vector<core_ref<ring_member>> ring;
  std::vector<core_ref<big_actor>> everybody;
  std::vector<core_ref<worker>> workers;
  const instant begun = native::now();
  switch (p) {
    case program::ping_pong:
      add(std::type_identity<pinger>{}, add(std::type_identity<ponger>{}), s.ping_pong_pings, &line);
      break;
    case program::counting:
      add(std::type_identity<producer>{}, add(std::type_identity<tally>{}, s.counting_messages, &line),
          s.counting_messages);
      break;
    case program::thread_ring: {
      for (std::uint64_t i = 0; i < s.ring_actors; ++i) ring.push_back(add(std::type_identity<ring_member>{}, &line));
      {
        caf::scoped_actor self{on};
        for (std::size_t i = 0; i < ring.size(); ++i) {
          // An address stands once its core has taken the actor in, which a request waits for.
          const auto& to = ring[(i + 1) % ring.size()];
          while (!to->where()) std::this_thread::yield();
          const address at = *to->where();
          self->request(ring[i].handle(), caf::infinite,
                        std::uint64_t{at.core.value} | std::uint64_t{at.generation} << 16, at.slot)
              .receive([](bool) {}, [](caf::error&) {});
        }
      }
      add(std::type_identity<starter>{}, ring.front(), s.ring_hops);
      break;
    }
    case program::chameneos: {
      const auto end = add(std::type_identity<sink>{}, s.chameneos, &line);
      const auto at = add(std::type_identity<mall>{}, s.meetings);
      for (std::uint64_t i = 0; i < s.chameneos; ++i) {
        caf::anon_send(add(std::type_identity<chameneo>{}, at, end, static_cast<int>(i % 3)).handle(), go_atom::value);
      }
      break;
    }
    case program::big: {
      const auto end = add(std::type_identity<sink>{}, s.big_actors, &line);
      everybody.reserve(s.big_actors);
      for (std::uint64_t i = 0; i < s.big_actors; ++i) {
        everybody.push_back(add(std::type_identity<big_actor>{}, i, s.big_pings, end, &everybody));
      }
      for (const auto& a : everybody) caf::anon_send(a.handle(), go_atom::value);
      break;
    }
    case program::fork_join: {
      const auto end = add(std::type_identity<sink>{}, s.fork_join_actors, &line);
      for (std::uint64_t i = 0; i < s.fork_join_actors; ++i) {
        workers.push_back(add(std::type_identity<worker>{}, s.fork_join_messages, end));
      }
      add(std::type_identity<forker>{}, &workers, s.fork_join_messages);
      break;
    }
    case program::count:
      break;
  }
  if (p != program::chameneos && p != program::big) caf::anon_send(all.back(), go_atom::value);
  line.wait();
  const double ns = static_cast<double>((native::now() - begun).count());
  for (const auto& a : all) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  all.clear();
  on.await_all_actors_done();
  return ns;
}

}  // namespace cooper::bench::savina
