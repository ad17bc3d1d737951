// SPDX-License-Identifier: BSD-3-Clause
// Reuse: endpoints, and what a grace period protects.
#include <memory>

#include "pair.hpp"
#include "parts.hpp"

namespace cooper::model {
namespace {

// A line to an endpoint that is closed, and whose slot is opened again, while the line is under way.
void endpoint_reuse(program& p) {
  auto two = std::make_shared<pair>();
  two->bind(two->a(), two->b());
  auto old_one = std::make_shared<int>(0);
  auto new_one = std::make_shared<int>(0);
  const auto count = [](void* self, core&, const line_view&) { ++*static_cast<int*>(self); };
  const address old_address = *two->b().open(count, old_one.get());
  p.thread("sender", [=](model_environment) {
    static_cast<void>(two->a().send(old_address, 1, std::uint64_t{1}));
    static_cast<void>(two->a().turn());
  });
  p.thread("receiver", [=](model_environment) {
    driver& b = two->b();
    check(b.close(old_address), "the endpoint was open");
    const address next = *b.open(count, new_one.get());
    check(next != old_address, "an address is never used twice");
    b.turn();
    b.turn();
  });
  p.finally([=](model_environment) {
    check(*new_one == 0, "a line to a closed endpoint does not reach the next one in its slot");
  });
}

using published = named_site<"published", std::memory_order_release>;
using looked_up = named_site<"looked up", std::memory_order_acquire>;

using over = named_site<"over", std::memory_order_relaxed>;

struct object {
  word pointer;  // 1 while the object may be found
  int memory = 0;
  word freed;  // 1 when the test is over
};

// Core a finds an object in a turn and reads it; core b unpublishes it, and reuses its memory after a grace period.
setup_function grace(bool reader_parks) {
  return [=](program& p) {
    auto two = std::make_shared<pair>();
    auto o = std::make_shared<object>();
    model_environment env;
    env.store(published{}, o->pointer, 1);
    // What a handler would do, in the middle of a's turn.
    two->a().defer([=] {
      model_environment e;
      if (e.load(looked_up{}, o->pointer) != 0) e.payload_read(&o->memory);
    });
    p.thread("reader", [=](model_environment e) {
      driver& a = two->a();
      a.turn();
      if (reader_parks) {
        static_cast<void>(a.prepare_to_park());
        return;
      }
      // It goes on making turns until the writer has what it waits for.
      while (e.load(over{}, o->freed) == 0) {
        a.turn();
        e.pause();
      }
    });
    p.thread("writer", [=](model_environment e) {
      driver& b = two->b();
      e.store(published{}, o->pointer, 0);
      b.retire([=] {
        model_environment in_task;
        in_task.payload_write(&o->memory);
        in_task.store(over{}, o->freed, 1);
      });
      while (e.load(over{}, o->freed) == 0) {
        if (!b.turn()) e.pause();
      }
    });
  };
}

}  // namespace

void add_lifetime_scenarios(std::vector<scenario>& all) {
  all.push_back({"endpoints: reuse of a slot", endpoint_reuse});
  all.push_back({"grace: a reader that goes on", grace(false)});
  all.push_back({"grace: a reader that parks", grace(true)});
}

}  // namespace cooper::model
