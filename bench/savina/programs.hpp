// SPDX-License-Identifier: BSD-3-Clause
// The six programs as CAF behaviours, for any kind of event-based actor.
#pragma once

#include <memory>
#include <vector>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/random.hpp>

#include "savina/savina.hpp"

namespace cooper::bench::savina {

using ping_atom = caf::atom_constant<caf::atom("ping")>;
using pong_atom = caf::atom_constant<caf::atom("pong")>;
using go_atom = caf::atom_constant<caf::atom("go")>;
using meet_atom = caf::atom_constant<caf::atom("meet")>;
using done_atom = caf::atom_constant<caf::atom("done")>;
using next_atom = caf::atom_constant<caf::atom("next")>;
using forget_atom = caf::atom_constant<caf::atom("forget")>;

// Floods must lose nothing: stock CAF's mailboxes have no bound, and a core actor says that it waits.
template <class Self>
void lose_nothing(Self* self) {
  if constexpr (std::derived_from<Self, actors::resident>) self->on_overflow(actors::overflow_policy::wait);
}

template <class Self>
caf::actor sender_of(Self* self) {
  return caf::actor_cast<caf::actor>(self->current_sender());
}

template <class Self>
struct programs {
  static caf::behavior pong(Self* self) {
    lose_nothing(self);
    return {[self](ping_atom) { self->send(sender_of(self), pong_atom::value); }};
  }
  static caf::behavior ping(Self* self, caf::actor to, std::uint64_t count, finish_line* line) {
    lose_nothing(self);
    auto left = std::make_shared<std::uint64_t>(count);
    return {[=](go_atom) { self->send(to, ping_atom::value); },
            [=](pong_atom) {
              if (--*left != 0) return self->send(to, ping_atom::value);
              line->cross(0);
            }};
  }

  static caf::behavior tally(Self*, std::uint64_t expected, finish_line* line) {
    auto seen = std::make_shared<std::uint64_t>(0);
    return {[=](next_atom) {
      if (++*seen == expected) line->cross(0);
    }};
  }
  static caf::behavior producer(Self* self, caf::actor to, std::uint64_t count) {
    lose_nothing(self);
    return {[=](go_atom) {
      for (std::uint64_t i = 0; i < count; ++i) self->send(to, next_atom::value);
    }};
  }

  static caf::behavior ring_member(Self* self, finish_line* line, caf::actor to) {
    lose_nothing(self);
    auto next = std::make_shared<caf::actor>(to);
    return {[=](const caf::actor& later) { *next = later; },
            [=](std::uint64_t hops) {
              if (hops != 0) return self->send(*next, hops - 1);
              line->cross(0);
            },
            [=](forget_atom) { *next = nullptr; }};
  }

  // A chameneo asks the mall for a meeting; the mall brings every two together, as often as was asked for.
  static caf::behavior mall(Self* self, std::uint64_t meetings, std::uint64_t creatures, finish_line* line) {
    lose_nothing(self);
    struct state {
      std::uint64_t left, creatures, met = 0;
      caf::actor waiting;
    };
    auto s = std::make_shared<state>(state{meetings, creatures, 0, {}});
    return {[=](meet_atom, int color) {
              if (s->left == 0) return self->send(sender_of(self), done_atom::value);
              if (!s->waiting) {
                s->waiting = sender_of(self);
                return;
              }
              --s->left;
              self->send(sender_of(self), s->waiting, color);
              s->waiting = nullptr;
            },
            [=](done_atom, std::uint64_t met) {
              s->met += met;
              if (--s->creatures == 0) line->cross(0);
            }};
  }
  static caf::behavior chameneo(Self* self, caf::actor at, int color) {
    lose_nothing(self);
    struct state {
      int color;
      std::uint64_t met = 0;
    };
    auto s = std::make_shared<state>(state{color, 0});
    // The third colour of two different ones; colours are 0, 1, 2.
    const auto blend = [](int a, int b) { return a == b ? a : 3 - a - b; };
    return {[=](go_atom) { self->send(at, meet_atom::value, s->color); },
            // Met by the mall's word: change, tell the other, ask again.
            [=](const caf::actor& other, int) {
              self->send(other, next_atom::value, s->color);
              ++s->met;
              self->send(at, meet_atom::value, s->color);
            },
            [=](next_atom, int theirs) {
              s->color = blend(s->color, theirs);
              ++s->met;
              self->send(at, meet_atom::value, s->color);
            },
            [=](done_atom) { self->send(at, done_atom::value, s->met); }};
  }

  static caf::behavior big_sink(Self*, std::uint64_t actors, finish_line* line) {
    auto left = std::make_shared<std::uint64_t>(actors);
    return {[=](done_atom) {
      if (--*left == 0) line->cross(0);
    }};
  }
  static caf::behavior big_actor(Self* self, std::uint64_t number, std::uint64_t pings, caf::actor sink) {
    lose_nothing(self);
    struct state {
      std::shared_ptr<std::vector<caf::actor>> all;
      class random dice;
      std::uint64_t left;
    };
    auto s = std::make_shared<state>(state{nullptr, random{number + 1}, pings});
    const auto ping = [=] { self->send((*s->all)[s->dice.below(s->all->size())], ping_atom::value); };
    return {[=](const std::shared_ptr<std::vector<caf::actor>>& all) { s->all = all; }, [=](go_atom) { ping(); },
            [=](ping_atom) { self->send(sender_of(self), pong_atom::value); },
            [=](pong_atom) {
              if (--s->left != 0) return ping();
              self->send(sink, done_atom::value);
            },
            [=](forget_atom) { s->all = nullptr; }};
  }

  static caf::behavior worker(Self* self, std::uint64_t messages, caf::actor sink) {
    lose_nothing(self);
    auto left = std::make_shared<std::uint64_t>(messages);
    auto spent = std::make_shared<double>(0);
    return {[=](next_atom) {
      *spent += computation();
      if (--*left == 0) self->send(sink, done_atom::value);
    }};
  }
  static caf::behavior fork(Self* self, std::vector<caf::actor> workers, std::uint64_t messages) {
    lose_nothing(self);
    return {[=](go_atom) {
      for (std::uint64_t i = 0; i < messages; ++i) {
        for (const auto& w : workers) self->send(w, next_atom::value);
      }
    }};
  }

  // Spawns without a hint where; runs; ends what it spawned.
  static double run(caf::actor_system& on, program p, const sizes& s) {
    finish_line line;
    std::vector<caf::actor> all;
    const auto add = [&](auto f, auto... arguments) {
      all.push_back(on.spawn(f, arguments...));
      return all.back();
    };
    const instant begun = native::now();
    switch (p) {
      case program::ping_pong:
        caf::anon_send(add(ping, add(pong), s.ping_pong_pings, &line), go_atom::value);
        break;
      case program::counting:
        caf::anon_send(add(producer, add(tally, s.counting_messages, &line), s.counting_messages), go_atom::value);
        break;
      case program::thread_ring:
        // Each knows its neighbour when it is made, but for the first, which is told before it gets the token.
        add(ring_member, &line, caf::actor{});
        for (std::uint64_t i = 1; i < s.ring_actors; ++i) add(ring_member, &line, all.back());
        caf::anon_send(all.front(), all.back());
        caf::anon_send(all.front(), s.ring_hops);
        break;
      case program::chameneos: {
        const caf::actor at = add(mall, s.meetings, s.chameneos, &line);
        for (std::uint64_t i = 0; i < s.chameneos; ++i) {
          caf::anon_send(add(chameneo, at, static_cast<int>(i % 3)), go_atom::value);
        }
        break;
      }
      case program::big: {
        const caf::actor sink = add(big_sink, s.big_actors, &line);
        auto everybody = std::make_shared<std::vector<caf::actor>>();
        for (std::uint64_t i = 0; i < s.big_actors; ++i) everybody->push_back(add(big_actor, i, s.big_pings, sink));
        for (const auto& a : *everybody) caf::anon_send(a, everybody);
        for (const auto& a : *everybody) caf::anon_send(a, go_atom::value);
        break;
      }
      case program::fork_join: {
        const caf::actor sink = add(big_sink, s.fork_join_actors, &line);
        std::vector<caf::actor> workers;
        for (std::uint64_t i = 0; i < s.fork_join_actors; ++i)
          workers.push_back(add(worker, s.fork_join_messages, sink));
        caf::anon_send(add(fork, workers, s.fork_join_messages), go_atom::value);
        break;
      }
      case program::count:
        break;
    }
    line.wait();
    const double ns = static_cast<double>((native::now() - begun).count());
    for (const auto& a : all) {
      // They know each other in rings, which would keep them.
      if (p == program::thread_ring || (p == program::big && a != all.front())) {
        caf::anon_send(a, forget_atom::value);
      }
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    }
    all.clear();
    on.await_all_actors_done();
    return ns;
  }
};

}  // namespace cooper::bench::savina

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<std::vector<caf::actor>>)
