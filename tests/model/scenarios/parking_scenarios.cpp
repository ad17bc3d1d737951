// SPDX-License-Identifier: BSD-3-Clause
// Poll, then park: whoever makes work for a driver that may fall asleep, at every moment of its falling asleep.
#include <cstdlib>
#include <memory>

#include "pair.hpp"
#include "parts.hpp"

namespace cooper::model {
namespace {

// An endpoint of d whose handler ends d's loop.
address stopping_endpoint(driver& d) {
  return *d.open([](void* self, core&, const line_view&) { static_cast<driver*>(self)->stop_now(); }, &d);
}

void a_line(program& p) {
  auto two = std::make_shared<pair>();
  two->bind(two->a(), two->b());
  const address to = stopping_endpoint(two->b());
  p.thread("sender", [=](model_environment) {
    check(two->a().send(to, 1, std::uint64_t{42}) == send_result::ok, "there is credit");
  });
  p.thread("receiver", [=](model_environment) { two->b().run(); });
}

void a_gateway_task(program& p) {
  auto two = std::make_shared<pair>();
  p.thread("foreign", [=](model_environment env) {
    cooper::detail::gateway_work<model_platform> work = [](driver& d) { d.stop_now(); };
    check(two->b().post_to_gateway(env, work), "the gateway has room");
  });
  p.thread("driver", [=](model_environment) { two->b().run(); });
}

// The first line to a core: the binding is asked for and answered through both gateways, while either side may park.
void first_contact(program& p) {
  auto two = std::make_shared<pair>();
  const address to = stopping_endpoint(two->b());
  p.thread("a", [=](model_environment) {
    check(two->a().send(to, 1, std::uint64_t{42}) == send_result::ok, "a first line waits in overflow");
    driver& a = two->a();
    a.when_writable(to.core, lane::request, [&a] { a.stop_now(); });
    a.run();
  });
  p.thread("b", [=](model_environment) { two->b().run(); });
}

// The sender waits in overflow for credit, and parks; the receiver returns it.
void credit(program& p) {
  auto two = std::make_shared<pair>();
  driver& a = two->a();
  two->bind(a, two->b());
  const address to = *two->b().open([](void*, core&, const line_view&) {}, nullptr);
  // The lane for monitors is the shortest: eight lines fill it, and one waits.
  for (std::uint64_t i = 0; i < 9; ++i) {
    check(a.post(to, 1, i, lane::monitor) == send_result::ok, "overflow takes what the ring does not");
  }
  a.when_writable(to.core, lane::monitor, [&a] { a.stop_now(); });
  p.thread("sender", [=](model_environment) { two->a().run(); });
  p.thread("receiver", [=](model_environment) { two->b().turn(); });
}

// A foreign loop that made work for its own core before it waits.
void own_run_queue(program& p) {
  auto two = std::make_shared<pair>();
  const address to = stopping_endpoint(two->b());
  auto waker = std::make_shared<sleeper>();
  p.thread("loop", [=](model_environment env) {
    driver& b = two->b();
    check(b.send(to, 1, std::uint64_t{1}) == send_result::ok, "a line to oneself");
    while (!b.leaving()) {
      const instant until = b.prepare_to_park();
      if (until > env.now()) waker->wait(until);
      b.unpark();
      b.turn();
    }
  });
}

// A timer that came due before the driver looks for its deadline.
void a_due_timer(program& p) {
  auto two = std::make_shared<pair>();
  driver& b = two->b();
  b.after(duration{10}, [&b] { b.stop_now(); });
  p.thread("driver", [=](model_environment) { two->b().run(); });
}

// The receiver looks at hints only and never parks: a line must not be hidden behind a hint seen too early.
void hints(program& p) {
  auto two =
      std::make_shared<pair>(cooper::detail::driver_options{.poll_budget = std::chrono::hours{1}, .hint_threshold = 0});
  two->bind(two->a(), two->b());
  auto seen = std::make_shared<std::uint64_t>(0);
  const address to = *two->b().open(
      [](void* self, core&, const line_view& line) {
        auto& last = *static_cast<std::uint64_t*>(self);
        check(line.as<std::uint64_t>() == last + 1, "lines behind hints keep their order");
        ++last;
      },
      seen.get());
  p.thread("sender", [=](model_environment) {
    for (std::uint64_t i = 1; i <= 2; ++i) static_cast<void>(two->a().send(to, 1, i));
  });
  p.thread("receiver", [=](model_environment) { poll_until(two->b(), [=] { return *seen == 2; }); });
}

// The receiver begins to rely on hints while a peer sends: the line before the wish is found by looking at the rings.
void hints_begin(program& p) {
  auto three = std::make_shared<pair>(
      cooper::detail::driver_options{.poll_budget = std::chrono::hours{1}, .hint_threshold = 1}, 3);
  three->bind(three->a(), three->b());
  auto seen = std::make_shared<bool>(false);
  const address to =
      *three->b().open([](void* self, core&, const line_view&) { *static_cast<bool*>(self) = true; }, seen.get());
  p.thread("sender", [=](model_environment) { static_cast<void>(three->a().send(to, 1, std::uint64_t{1})); });
  p.thread("receiver", [=](model_environment) {
    driver& b = three->b();
    b.bind_for(core_id{2});
    poll_until(b, [=] { return *seen; });
  });
}

}  // namespace

void add_parking_scenarios(std::vector<scenario>& all) {
  all.push_back({"parking: a line", a_line});
  all.push_back({"parking: a task through the gateway", a_gateway_task});
  all.push_back({"parking: returned credit", credit});
  all.push_back({"parking: the core's own run queue", own_run_queue});
  all.push_back({"parking: a due timer", a_due_timer});
  all.push_back({"hints: two lines", hints});
  all.push_back({"hints: asked for while a peer sends", hints_begin});
}

void add_binding_scenarios(std::vector<scenario>& all) {
  // All 160,061 of membarrier mode take the better part of a minute.
  const bool all_of_them = std::getenv("COOPER_LONG") != nullptr;
  all.push_back({"binding: first contact", first_contact, all_of_them ? 0u : 10'000u});
}

}  // namespace cooper::model
