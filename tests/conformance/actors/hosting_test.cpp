// SPDX-License-Identifier: BSD-3-Clause
// Cores agree: multicast, barriers, two-phase commit and calls, asked of monitors, on simulated machines of 8 and 32
// cores and on two real ones; and protocol_host by itself.
#include <atomic>
#include <numeric>
#include <string>
#include <vector>

#include <cooper/actors/agreement.hpp>
#include <cooper/actors/caf_error.hpp>
#include <cooper/actors/protocol_host.hpp>
#include <cooper/protocols/barrier.hpp>
#include "simulated_system.hpp"
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

std::vector<core_id> cores_to(std::size_t n) {
  std::vector<core_id> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back(core_number(i));
  return all;
}

using tree_ptr = std::shared_ptr<const skb::multicast_tree>;
tree_ptr star(std::size_t n) { return std::make_shared<skb::multicast_tree>(skb::direct_tree(here, cores_to(n))); }
// Core 0 tells every fourth core, and each of these the three behind it.
tree_ptr two_levels(std::size_t n) {
  skb::multicast_tree tree;
  for (std::size_t i = 0; i < n; ++i) tree.nodes.push_back({.core = core_number(i), .children = {}});
  for (std::uint32_t i = 1; i < n; ++i) tree.nodes[i % 4 == 0 ? 0 : i / 4 * 4].children.push_back(i);
  return std::make_shared<skb::multicast_tree>(tree);
}

simulation_options with_profile(const std::string& name, std::vector<fault> faults = {}) {
  simulation_options options;
  options.costs = *profile::named(name);
  options.faults = std::move(faults);
  return options;
}

// What requests and subscriptions need, simulated or real.
struct simulated_rig {
  explicit simulated_rig(std::size_t cores, std::vector<fault> faults = {})
      : s{cores, with_profile("amd_8x4", std::move(faults))} {}
  template <class Answer, class... Ts>
  caf::expected<Answer> ask(core_id core, const Ts&... xs) {
    return s.request<Answer>(core, monitor_of(s.system(), core), xs...);
  }
  caf::actor_system& system() { return s.system(); }
  template <class Done>
  void wait(Done done) {
    CHECK(s.run_until(done));
  }
  simulated_system s;
};
struct real_rig {
  explicit real_rig(std::size_t cores) : rig{cores} {}
  template <class Answer, class... Ts>
  caf::expected<Answer> ask(core_id core, const Ts&... xs) {
    caf::scoped_actor self{rig.system()};
    caf::expected<Answer> got = caf::make_error(caf::sec::request_timeout);
    self->request(monitor_of(rig.system(), core), caf::infinite, xs...)
        .receive([&](const Answer& a) { got = a; }, [&](caf::error& e) { got = std::move(e); });
    return got;
  }
  caf::actor_system& system() { return rig.system(); }
  template <class Done>
  void wait(Done done) {
    while (!done()) std::this_thread::yield();
  }
  actor_rig rig;
};

template <class Rig>
void multicasts(Rig& rig, const tree_ptr& tree, bool published = false) {
  const std::size_t n = tree->nodes.size();
  const auto count = rig.template ask<core_count>(here, install_tree{2, tree, published});
  REQUIRE(count);
  CHECK(count->cores == n);
  std::vector<std::atomic<std::uint64_t>> told(n);
  for (std::size_t i = 0; i < n; ++i) {
    const caf::actor monitor = monitor_of(rig.system(), core_number(i));
    caf::anon_send(monitor, contribute{2, 100 + i});
    caf::anon_send(monitor, subscribe_multicast{2, [&told, i](const multicast_delivery& d) {
                                                  CHECK(core::current()->id() == core_number(i));
                                                  told[i] += d.told[0];
                                                }});
  }
  // The subscriptions have arrived when a later request has been answered.
  for (std::size_t i = 0; i < n; ++i) static_cast<void>(rig.template ask<core_count>(core_number(i), install_tree{}));

  const auto sum = rig.template ask<multicast_result>(here, begin_multicast{2, {5}, combining::sum});
  REQUIRE(sum);
  CHECK(sum->value == 100 * n + n * (n - 1) / 2);
  CHECK(sum->missing == 0);
  CHECK(sum->round == 1);
  // All have run what they subscribed by now.
  for (std::size_t i = 1; i < n; ++i) CHECK(told[i] == 5);
  CHECK(told[0] == 0);
  const auto most = rig.template ask<multicast_result>(here, begin_multicast{2, {1}, combining::max});
  REQUIRE(most);
  CHECK(most->value == 99 + n);
  CHECK(most->round == 2);
  const auto cores = rig.template ask<multicast_result>(here, begin_multicast{2, {1}, combining::count});
  REQUIRE(cores);
  CHECK(cores->value == n);
  for (std::size_t i = 1; i < n; ++i) CHECK(told[i] == 7);
  // Not the root; no such tree.
  CHECK(
      is(rig.template ask<multicast_result>(there, begin_multicast{2, {1}, combining::sum}).error(), errc::bad_option));
  CHECK(
      is(rig.template ask<multicast_result>(here, begin_multicast{9, {1}, combining::sum}).error(), errc::bad_option));
}

template <class Rig>
void barriers(Rig& rig, const tree_ptr& tree) {
  const std::size_t n = tree->nodes.size();
  REQUIRE(rig.template ask<core_count>(there, install_barrier{7, tree}));
  std::atomic<std::size_t> arrived{0}, released{0};
  for (std::uint32_t episode = 1; episode <= 3; ++episode) {
    std::vector<caf::actor> all;
    for (std::size_t i = 0; i < n; ++i) {
      const core_id core = core_number(i);
      const auto member = [&, core, episode, n](caf::event_based_actor* self) {
        ++arrived;
        self->request(monitor_of(self->system(), core), caf::infinite, arrive{7})
            .then([&, episode, n](const barrier_released& r) {
              CHECK(r.episode == episode);
              CHECK(arrived == episode * n);
              ++released;
            });
      };
      REQUIRE(spawn_on(rig.system(), core, member));
    }
    rig.wait([&] { return released == episode * n; });
  }
}

template <class Rig>
void commits(Rig& rig, std::size_t n) {
  std::vector<std::atomic<std::uint64_t>> made(n);
  for (std::size_t i = 0; i < n; ++i) {
    const caf::actor monitor = monitor_of(rig.system(), core_number(i));
    caf::anon_send(monitor, subscribe_changes{[&made, i](const change_made& c) {
                     CHECK(c.coordinator == there);
                     made[i] += c.key;
                   }});
    static_cast<void>(rig.template ask<core_count>(core_number(i), install_tree{}));
  }
  for (std::uint64_t key = 1; key <= 3; ++key) {
    const auto decided = rig.template ask<change_decided>(there, commit_change{key, cores_to(n)});
    REQUIRE(decided);
    CHECK(decided->committed);
    CHECK(decided->key == key);
    rig.wait(
        [&] { return std::all_of(made.begin(), made.end(), [&](const auto& m) { return m == key * (key + 1) / 2; }); });
  }
  CHECK(is(rig.template ask<change_decided>(here, commit_change{1, {core_number(999)}}).error(), errc::no_such_core));
}

template <class Rig>
void calls(Rig& rig, std::size_t n) {
  const core_id last = core_number(n - 1);
  caf::anon_send(monitor_of(rig.system(), last), serve_calls{[](core_id caller, const call_words& asked) {
                   return call_words{asked[0] + asked[1], caller.value, 3};
                 }});
  static_cast<void>(rig.template ask<core_count>(last, install_tree{}));
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto answer = rig.template ask<call_answer>(here, call_core{last, {i, 40}, 10s});
    REQUIRE(answer);
    CHECK(answer->words == call_words{i + 40, 0, 3});
  }
  CHECK(is(rig.template ask<call_answer>(last, call_core{here, {1}, 30ms}).error(), errc::deadline_passed));
}

}  // namespace

TEST_CASE("a multicast is delivered on all cores and combines, along a star and along two levels") {
  for (const std::size_t n : {8u, 32u}) {
    for (const tree_ptr& tree : {star(n), two_levels(n)}) {
      simulated_rig rig{n};
      multicasts(rig, tree);
    }
    simulated_rig rig{n};
    multicasts(rig, star(n), true);
  }
  real_rig rig{2};
  multicasts(rig, star(2));
}

TEST_CASE("nobody is released from a barrier before all have come, episode after episode") {
  for (const std::size_t n : {8u, 32u}) {
    simulated_rig rig{n};
    barriers(rig, two_levels(n));
  }
  real_rig rig{2};
  barriers(rig, star(2));
}

TEST_CASE("a change is committed, and made on all cores") {
  for (const std::size_t n : {8u, 32u}) {
    simulated_rig rig{n};
    commits(rig, n);
  }
  real_rig rig{2};
  commits(rig, 2);
}

TEST_CASE("a core calls another, and one that nobody serves passes its deadline") {
  simulated_rig rig{8};
  calls(rig, 8);
  real_rig two{2};
  calls(two, 2);
}

TEST_CASE("a core that stopped is missing after the patience, and a change that it should make is aborted") {
  simulated_rig rig{8, {{.kind = fault_kind::stop, .begin = 50ms, .core = core_id{4}}}};
  REQUIRE(rig.ask<core_count>(here, install_tree{0, two_levels(8)}));
  rig.s.on().run_until(instant{} + 60ms);
  const instant begun = rig.s.on().now();
  const auto result = rig.ask<multicast_result>(here, begin_multicast{0, {1}, combining::count});
  REQUIRE(result);
  // With all below it: 4, 5, 6 and 7. Two levels, 100 ticks each.
  CHECK(result->missing == 4);
  CHECK(result->value == 4);
  CHECK(rig.s.on().now() - begun >= 200ms);
  CHECK(rig.s.on().now() - begun < 250ms);
  const auto decided = rig.ask<change_decided>(here, commit_change{1, cores_to(8)});
  REQUIRE(decided);
  CHECK_FALSE(decided->committed);
}

TEST_CASE("requests that no route or core fits are refused") {
  simulated_rig rig{8};
  CHECK(is(rig.ask<core_count>(here, install_tree{0, nullptr}).error(), errc::malformed_input));
  CHECK(is(rig.ask<core_count>(here, install_tree{trees_max, star(8)}).error(), errc::bad_option));
  CHECK(is(rig.ask<core_count>(here, install_tree{0, star(9)}).error(), errc::no_such_core));
  skb::multicast_tree twice = *star(4);
  twice.nodes[0].children.push_back(1);
  CHECK(is(rig.ask<core_count>(here, install_tree{0, std::make_shared<skb::multicast_tree>(twice)}).error(),
           errc::malformed_input));
  CHECK(is(rig.ask<barrier_released>(here, arrive{3}).error(), errc::bad_option));
  CHECK(is(rig.ask<call_answer>(here, call_core{here, {}, 1s}).error(), errc::bad_option));
  CHECK(is(rig.ask<call_answer>(here, call_core{core_number(8), {}, 1s}).error(), errc::no_such_core));
  CHECK(is(rig.ask<change_decided>(here, commit_change{1, {}}).error(), errc::bad_option));
}

TEST_CASE("a core that goes down is missed at once by an installation, and takes part again when it is back") {
  simulated_rig rig{4};
  REQUIRE(rig.ask<core_count>(here, install_tree{0, star(4)}));
  REQUIRE(rig.s.scheduler().down(core_id{2}));
  CHECK(is(rig.ask<core_count>(here, install_tree{1, star(4)}).error(), errc::core_down));
  const auto without = rig.ask<multicast_result>(here, begin_multicast{0, {1}, combining::count});
  REQUIRE(without);
  CHECK(without->missing == 1);
  REQUIRE(rig.s.scheduler().up(core_id{2}));
  const auto with = rig.ask<multicast_result>(here, begin_multicast{0, {1}, combining::count});
  REQUIRE(with);
  CHECK(with->missing == 0);
  CHECK(with->value == 4);
}

TEST_CASE("deliveries come as messages to an actor that gives no function, until it ends") {
  simulated_rig rig{4};
  REQUIRE(rig.ask<core_count>(here, install_tree{0, star(4)}));
  int got = 0;
  const auto listener = spawn_on(rig.system(), there, [&](caf::event_based_actor* self) {
    self->send(monitor_of(self->system(), there), subscribe_multicast{});
    return caf::behavior{[&](const multicast_delivery& d) { got += static_cast<int>(d.told[3]); },
                         [self](stop_atom) { self->quit(); }};
  });
  REQUIRE(listener);
  rig.s.on().run_until(rig.s.on().now() + 1ms);
  REQUIRE(rig.ask<multicast_result>(here, begin_multicast{0, {0, 0, 0, 3}, combining::sum}));
  rig.wait([&] { return got == 3; });
  caf::anon_send(*listener, stop_atom::value);
  rig.s.on().run_until(rig.s.on().now() + 1ms);
  REQUIRE(rig.ask<multicast_result>(here, begin_multicast{0, {0, 0, 0, 4}, combining::sum}));
  rig.s.on().run_until(rig.s.on().now() + 1ms);
  CHECK(got == 3);
}

// -- protocol_host by itself ------------------------------------------------------------------------------------------

namespace {

using barrier_host = protocol_host<protocols::hosted_barrier>;

// Hosts on a simulated machine without actors.
struct bare_hosts {
  explicit bare_hosts(std::size_t n, std::size_t overflow_bound = 1024) : at(n), hosts(n), released(n) {
    simulation_options options;
    options.overflow_bound = overflow_bound;
    m = std::move(*machine::simulate(*topology::from_synthetic("pu:" + std::to_string(n)), options));
  }
  template <class P, class F>
  auto make(std::size_t i, message_type type, F reported) {
    std::unique_ptr<protocol_host<P>> made;
    on(i, [&](core& its) {
      const host_options options{.cores = at.size(), .type = type};
      made = std::make_unique<protocol_host<P>>(
          its, options, [this](core_id c) { return at[c.value]; }, reported);
      at[i] = *made->open();
    });
    return made;
  }
  template <class F>
  void on(std::size_t i, F f) {
    REQUIRE(m->call(core_number(i), f));
  }
  std::unique_ptr<machine> m;
  std::vector<std::optional<address>> at;
  std::vector<std::unique_ptr<barrier_host>> hosts;
  std::vector<std::uint32_t> released;
};

using route = protocols::hosted_barrier::route;

}  // namespace

TEST_CASE("whoever handles a report may begin the next operation") {
  constexpr std::size_t n = 4;
  constexpr std::uint32_t episodes = 100;
  bare_hosts b{n};
  for (std::size_t i = 0; i < n; ++i) {
    b.hosts[i] = b.make<protocols::hosted_barrier>(i, 5, [&b, i](const auto& r) {
      if (r.what != protocols::hosted_barrier::event::released) return;
      CHECK(r.episode == ++b.released[i]);
      if (r.episode < episodes) b.hosts[i]->step([](auto& node, auto& out) { CHECK(node.arrive(out) != 0); });
    });
    std::vector<protocols::tree_child> children;
    if (i == 0) children = {{1, 1}, {2, 1}, {3, 1}};
    const route way = i == 0 ? route::root(children, 1) : route::below(core_id{0}, children, 0);
    b.hosts[i]->step([&](auto& node, auto&) { CHECK(node.install(way)); });
  }
  for (std::size_t i = 0; i < n; ++i) {
    b.on(i, [&](core&) { b.hosts[i]->step([](auto& node, auto& out) { CHECK(node.arrive(out) != 0); }); });
  }
  b.m->run();
  for (std::size_t i = 0; i < n; ++i) CHECK(b.released[i] == episodes);
  // Strangers: another type, another lane, a core that is not there.
  const protocols::hosted_barrier::message said{.episode = episodes + 1};
  b.on(1, [&](core& stranger) {
    CHECK(stranger.send(*b.at[0], 6, said, lane::monitor) == send_result::ok);
    CHECK(stranger.send(*b.at[0], 5, said, lane::request) == send_result::ok);
  });
  b.m->run();
  b.on(0, [&](core&) {
    line_view line{reinterpret_cast<const std::byte*>(&said), 5, core_id{77}, lane::monitor};
    CHECK_FALSE(b.hosts[0]->take(line));
    line = {line.payload, 6, core_id{1}, lane::monitor};
    CHECK_FALSE(b.hosts[0]->take(line));
  });
  for (std::size_t i = 0; i < n; ++i) b.on(i, [&](core&) { b.hosts[i].reset(); });
}

TEST_CASE("lines that find no room wait at the host, and none is lost or overtaken") {
  // Published 100 at a time, with room for a few lines: a root that tells its rounds to one child.
  struct chatter {
    struct message {
      std::uint64_t number = 0;
    };
    struct report {
      std::uint64_t number = 0;
    };
    explicit chatter(core_id self) : self_{self.value} {}
    void receive(core_id, const message& m, protocols::effects<message, report>& out) { out.report({m.number}); }
    void expired(std::uint8_t timer, protocols::effects<message, report>& out) { out.report({1000u + timer}); }
    void restarted(protocols::effects<message, report>&) {}
    static std::string words_of(const message&) { return {}; }
    static std::string words_of(const report&) { return {}; }
    std::uint64_t self_;
  };
  bare_hosts b{3, 4};
  std::vector<std::vector<std::uint64_t>> heard(3);
  std::vector<std::unique_ptr<protocol_host<chatter>>> hosts;
  for (std::size_t i = 0; i < 3; ++i) {
    hosts.push_back(b.make<chatter>(i, 9, [&heard, i](const chatter::report& r) { heard[i].push_back(r.number); }));
  }
  b.on(0, [&](core&) {
    hosts[0]->step([](chatter&, auto& out) {
      for (std::uint64_t i = 0; i < 100; ++i) out.publish({i});
    });
    CHECK(hosts[0]->waiting() > 0);
  });
  b.m->run();
  CHECK(hosts[0]->waiting() == 0);
  std::vector<std::uint64_t> all(100);
  std::iota(all.begin(), all.end(), std::uint64_t{0});
  CHECK(heard == std::vector<std::vector<std::uint64_t>>{{}, all, all});

  // Timers: set anew, cancelled, and in their order.
  b.on(0, [&](core&) {
    hosts[0]->step([](chatter&, auto& out) {
      out.set_timer(1, 5);
      out.set_timer(2, 3);
      out.set_timer(3, 4);
      out.set_timer(1, 10);
      out.cancel_timer(3);
    });
  });
  const instant begun = b.m->now();
  b.m->run();
  CHECK(heard[0] == std::vector<std::uint64_t>{1002, 1001});
  CHECK(b.m->now() - begun >= 10ms);
  CHECK(b.m->now() - begun < 11ms);
  for (std::size_t i = 0; i < 3; ++i) b.on(i, [&](core&) { hosts[i].reset(); });
}
