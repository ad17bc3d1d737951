// SPDX-License-Identifier: BSD-3-Clause
// Actors under everything at once: cores that flood each other in a cycle with parcels and lines, actors that are born
// and die, foreign threads that send, and a core that goes down and comes up again. At the end every message is
// accounted for: those of senders that wait have all arrived, once and in order; of the others, sent = delivered +
// refused; every call and request has ended; every actor is gone.
#include <array>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include <cooper/actors/caf_error.hpp>
#include <cooper/vocabulary/random.hpp>
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

using tick_atom = caf::atom_constant<caf::atom("tick")>;
using token_atom = caf::atom_constant<caf::atom("token")>;
using foreign_atom = caf::atom_constant<caf::atom("foreign")>;

// Two cores that stay, and one that comes and goes.
constexpr std::size_t steady_cores = 2;
constexpr core_id fleeting{2};
constexpr std::size_t pumps_per_core = 2, pump_total = steady_cores * pumps_per_core;
constexpr int burst = 64;

// Payloads that are alive: what is on the way is bounded by rings and overflow.
std::atomic<std::int64_t> alive{0}, most_alive{0};
struct weight {
  weight() { count(); }
  weight(const weight&) { count(); }
  weight& operator=(const weight&) = default;
  ~weight() { alive.fetch_sub(1, std::memory_order_relaxed); }
  static void count() {
    const auto now = alive.fetch_add(1, std::memory_order_relaxed) + 1;
    if (now > most_alive.load(std::memory_order_relaxed)) most_alive.store(now, std::memory_order_relaxed);
  }
};
struct parcel {
  std::uint32_t from;
  std::uint64_t number;
  weight w;
};

struct line_message {
  std::uint64_t from;
  std::uint64_t number;
};
struct question {
  std::uint64_t value;
};
struct answer {
  std::uint64_t value;
};

}  // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(parcel)

namespace {

struct books {
  std::uint64_t parcels_sent = 0, parcels_got = 0;
  std::uint64_t lines_sent = 0, lines_got = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t foreign = 0;
  bool done = false;
};

struct pump;
struct peers_message {
  std::vector<core_ref<pump>> all;
};

}  // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peers_message)

namespace {

// Floods its peers. One that waits sends the next burst when there is room; its numbers arrive without a gap. One that
// does not wait loses what is refused; its numbers only grow.
struct pump : core_actor<pump, protocol<one_way<line_message>, request<question, answer>>> {
  pump(caf::actor_config& cfg, std::uint32_t number, bool waits, const std::atomic<bool>& stop)
      : core_actor{cfg}, number_{number}, waits_{waits}, stop_{stop} {}

  caf::behavior make_behavior() override {
    if (waits_) on_overflow(overflow_policy::wait);
    return {[this](const peers_message& peers) {
              peers_ = peers.all;
              if (waits_) {
                start(flood());
              } else {
                send(this, tick_atom::value);
              }
            },
            [this](tick_atom) {
              for (std::uint32_t to = 0; to < peers_.size(); ++to) {
                if (to / pumps_per_core == number_ / pumps_per_core) continue;  // on our own core
                for (int i = 0; i < burst; ++i) {
                  send_parcel(to);
                  if (tell(peers_[to], line_message{number_, lines_[to] + 1}) == send_result::ok) {
                    ++lines_[to];
                    ++books_.lines_sent;
                  }
                }
              }
              if (stop_) {
                books_.done = true;
              } else {
                send(this, tick_atom::value);
              }
            },
            [this](const parcel& p) {
              ++books_.parcels_got;
              take(p.from, p.number, last_parcel_);
            },
            [this](foreign_atom, std::uint64_t n) { books_.foreign += n; },
            [](std::uint64_t n) { return n + 1; },
            [this](get_atom) {
              // Where all is quiet peers hold each other no more.
              if (books_.done && stop_) peers_.clear();
              return caf::make_message(books_.parcels_sent, books_.parcels_got, books_.lines_sent, books_.lines_got,
                                       books_.out_of_order, books_.foreign, books_.done);
            }};
  }
  void handle(const line_message& m) {
    ++books_.lines_got;
    take(static_cast<std::uint32_t>(m.from), m.number, last_line_);
  }
  answer handle(const question& q) { return {q.value + 1}; }

  void send_parcel(std::uint32_t to) {
    send(peers_[to].handle(), parcel{number_, ++parcels_[to], {}});
    ++books_.parcels_sent;
  }
  void take(std::uint32_t from, std::uint64_t number, std::array<std::uint64_t, pump_total>& last) {
    const bool gapless = from % pumps_per_core == 0;  // those that wait
    if (gapless ? number != last[from] + 1 : number <= last[from]) ++books_.out_of_order;
    last[from] = number;
  }
  task<void> flood() {
    while (!stop_) {
      for (std::uint32_t to = 0; to < peers_.size(); ++to) {
        if (to / pumps_per_core == number_ / pumps_per_core) continue;  // on our own core
        for (int i = 0; i < burst; ++i) send_parcel(to);
        // Parcels that found no room wait here, and so does this line.
        const send_result sent = co_await send(peers_[to], line_message{number_, ++lines_[to]});
        if (sent != send_result::ok) ++books_.out_of_order;
        ++books_.lines_sent;
      }
    }
    books_.done = true;
  }

  std::uint32_t number_;
  bool waits_;
  const std::atomic<bool>& stop_;
  std::vector<core_ref<pump>> peers_;
  std::array<std::uint64_t, pump_total> parcels_{}, lines_{}, last_parcel_{}, last_line_{};
  books books_;
};

// An actor that lives for a few messages, on any core.
std::atomic<std::int64_t> mortals_alive{0};
struct mortal : core_actor<mortal, protocol<request<question, answer>>> {
  explicit mortal(caf::actor_config& cfg) : core_actor{cfg} { ++mortals_alive; }
  ~mortal() override { --mortals_alive; }
  caf::behavior make_behavior() override {
    set_exception_handler([](std::exception_ptr&) { return caf::make_error(caf::sec::runtime_error); });
    return {[](std::uint64_t n) { return n + 1; }, [this](go_atom) { quit(caf::exit_reason::normal); }};
  }
  answer handle(const question& q) {
    if (q.value % 16 == 7) throw std::runtime_error{"on purpose"};
    return {q.value + 1};
  }
};

// Brings up mortals, talks to them, and lets go of them in several ways.
struct nursery : core_actor<nursery, protocol<>> {
  nursery(caf::actor_config& cfg, std::uint64_t seed, const std::atomic<bool>& stop)
      : core_actor{cfg}, random_{seed}, stop_{stop} {}
  caf::behavior make_behavior() override {
    // Only what the pumps send is to be refused: their books are compared with the system's count.
    on_overflow(overflow_policy::wait);
    return {[this](go_atom) {
              for (int i = 0; i < 4; ++i) start(raise());
            },
            [this](get_atom) { return caf::make_message(born_, begun_, ended_, wrong_, left_ == 0); }};
  }
  task<void> raise() {
    ++left_;
    while (!stop_) {
      const core_id where = core_number(random_.below(steady_cores + 1));
      auto child = spawn_on<mortal>(system(), where);
      if (!child) {
        if (child.error().code() != errc::core_down) ++wrong_;
        // Somebody else's turn, until that core is back.
        co_await sleep(1ms);
        continue;
      }
      ++born_;
      for (std::uint64_t i = random_.below(4); i > 0; --i) {
        const std::uint64_t value = random_.below(64);
        ++begun_;
        const auto got = co_await call(*child, question{value});
        ++ended_;
        if (got ? got->value != value + 1 : !expected(got.error().code())) ++wrong_;
      }
      const std::uint64_t value = random_.below(1000);
      ++begun_;
      request(child->handle(), caf::infinite, value)
          .then(
              [this, value](std::uint64_t n) {
                ++ended_;
                if (n != value + 1) ++wrong_;
              },
              [this](caf::error&) { ++ended_; });
      switch (random_.below(3)) {
        case 0:
          send_exit(child->handle(), caf::exit_reason::user_shutdown);
          break;
        case 1:
          send(child->handle(), go_atom::value);
          break;
        default:
          break;  // nobody refers to it any more
      }
    }
    --left_;
  }
  static bool expected(errc why) {
    return why == errc::core_down || why == errc::no_receiver || why == errc::handler_failed ||
           why == errc::mailbox_full;
  }

  class random random_;
  const std::atomic<bool>& stop_;
  std::uint64_t born_ = 0, begun_ = 0, ended_ = 0, wrong_ = 0;
  int left_ = 0;
};

// An unmodified actor, which moves when its core goes down: passes tokens on until it is told to keep them.
caf::behavior traveller(caf::stateful_actor<std::uint64_t>* self, const std::atomic<bool>& stop) {
  return {[self, &stop](const std::vector<caf::actor>& all) {
            self->become(caf::message_handler{[self, &stop, all](token_atom, std::uint64_t hops) {
                                                if (stop) {
                                                  ++self->state;
                                                } else {
                                                  self->send(all[hops % all.size()], token_atom::value, hops + 1);
                                                }
                                              },
                                              [self](get_atom) { return self->state; }});
          },
          [self](get_atom) { return self->state; }};
}

std::chrono::seconds soak_time() { return std::getenv("COOPER_LONG") != nullptr ? 600s : 20s; }

}  // namespace

TEST_CASE("actors: floods, births and deaths, a core that comes and goes, foreign threads") {
  const std::uint64_t seed = seed_or(0);
  MESSAGE("seed ", seed);
  class random random {
    seed
  };
  actor_rig rig{steady_cores + 1, "adaptive", soak_time() + 60s};
  caf::actor_system& system = rig.system();
  core_scheduler& scheduler = *core_scheduler::of(system);
  std::atomic<bool> stop{false}, threads_stop{false};

  std::vector<core_ref<pump>> all;
  for (std::uint32_t i = 0; i < pump_total; ++i) {
    all.push_back(*spawn_on<pump>(system, core_number(i / pumps_per_core), i, i % pumps_per_core == 0, stop));
  }
  for (const auto& p : all) caf::anon_send(p.handle(), peers_message{all});
  std::vector<core_ref<nursery>> nurseries;
  for (std::size_t i = 0; i < steady_cores; ++i) {
    nurseries.push_back(*spawn_on<nursery>(system, core_number(i), random.next(), stop));
    caf::anon_send(nurseries.back().handle(), go_atom::value);
  }
  constexpr std::uint64_t tokens = 32;
  std::vector<caf::actor> travellers;
  for (int i = 0; i < 8; ++i) travellers.push_back(system.spawn(traveller, std::cref(stop)));
  for (const auto& t : travellers) caf::anon_send(t, travellers);
  for (std::uint64_t i = 0; i < tokens; ++i) caf::anon_send(travellers[i % travellers.size()], token_atom::value, i);

  std::array<std::uint64_t, 2> foreign_sent{}, foreign_wrong{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      caf::scoped_actor self{system};
      for (std::uint64_t i = 0; !threads_stop; ++i) {
        caf::anon_send(all[i % all.size()].handle(), foreign_atom::value, std::uint64_t{1});
        ++foreign_sent[t];
        if (i % 16 != 0) continue;
        self->request(all[i % all.size()].handle(), caf::infinite, i)
            .receive([&](std::uint64_t n) { foreign_wrong[t] += n == i + 1 ? 0u : 1u; },
                     [&](caf::error&) { ++foreign_wrong[t]; });
      }
    });
  }

  const auto end = std::chrono::steady_clock::now() + soak_time();
  std::uint64_t times_down = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20 + random.below(80)});
    const auto down = scheduler.down(fleeting, 20s);
    REQUIRE_MESSAGE(down, (down ? "" : down.error().message()));
    std::this_thread::sleep_for(std::chrono::milliseconds{random.below(40)});
    const auto up = scheduler.up(fleeting);
    REQUIRE_MESSAGE(up, (up ? "" : up.error().message()));
    ++times_down;
  }
  threads_stop = true;
  for (auto& t : threads) t.join();
  stop = true;

  // The books agree once everything has arrived.
  caf::scoped_actor self{system};
  books sum;
  std::uint64_t born = 0, begun = 0, ended = 0, wrong = 0, kept = 0;
  bool done = false;
  const auto failed = [&](caf::error& e) { FAIL(system.render(e)); };
  const std::uint64_t foreign_total = foreign_sent[0] + foreign_sent[1];
  for (const auto limit = std::chrono::steady_clock::now() + 30s; !done && std::chrono::steady_clock::now() < limit;) {
    sum = {.done = true};
    born = begun = ended = wrong = kept = 0;
    bool idle = true;
    for (const auto& p : all) {
      self->request(p.handle(), caf::infinite, get_atom::value)
          .receive(
              [&](std::uint64_t ps, std::uint64_t pg, std::uint64_t ls, std::uint64_t lg, std::uint64_t o,
                  std::uint64_t f, bool d) {
                sum = {sum.parcels_sent + ps, sum.parcels_got + pg, sum.lines_sent + ls, sum.lines_got + lg,
                       sum.out_of_order + o,  sum.foreign + f,      sum.done && d};
              },
              failed);
    }
    for (const auto& n : nurseries) {
      self->request(n.handle(), caf::infinite, get_atom::value)
          .receive(
              [&](std::uint64_t b, std::uint64_t g, std::uint64_t e, std::uint64_t w, bool i) {
                born += b;
                begun += g;
                ended += e;
                wrong += w;
                idle = idle && i;
              },
              failed);
    }
    for (const auto& t : travellers) {
      self->request(t, caf::infinite, get_atom::value).receive([&](std::uint64_t n) { kept += n; }, failed);
    }
    done = sum.done && idle && begun == ended && kept == tokens && sum.foreign == foreign_total &&
           sum.lines_sent == sum.lines_got && sum.parcels_sent == sum.parcels_got + parcels_refused(system) &&
           mortals_alive == 0;
  }
  MESSAGE(sum.parcels_sent, " parcels sent, ", sum.parcels_got, " delivered, ", parcels_refused(system), " refused; ",
          sum.lines_sent, " lines; ", born, " actors born; ", times_down, " times a core down; ", foreign_total,
          " foreign messages; at most ", most_alive.load(), " parcels at a time");
  CHECK(sum.done);
  CHECK(sum.parcels_sent == sum.parcels_got + parcels_refused(system));
  CHECK(sum.lines_sent == sum.lines_got);
  CHECK(sum.out_of_order == 0);
  CHECK(sum.foreign == foreign_total);
  CHECK(foreign_wrong[0] + foreign_wrong[1] == 0);
  CHECK(begun == ended);
  CHECK(wrong == 0);
  CHECK(kept == tokens);
  CHECK(mortals_alive.load() == 0);
  // Rings and overflow of two directions hold some 2,600; what cannot be handled in place waits in mailboxes.
  CHECK(most_alive.load() < 200'000);
  CHECK(sum.parcels_got > 0);
  CHECK(born > 0);
  CHECK(times_down > 0);
  for (const auto& t : travellers) self->send_exit(t, caf::exit_reason::user_shutdown);
}
