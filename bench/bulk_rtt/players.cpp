// SPDX-License-Identifier: BSD-3-Clause
// One buffer is under way at a time, so there is always room for its line.
#include <cstring>

#include <cooper/actors/bulk.hpp>

#include "bulk_rtt/bulk_rtt.hpp"
#include "support/actor_rig.hpp"
#include "support/measure.hpp"

namespace cooper::bench::bulk_rtt {
namespace {

using actors::bulk;

struct page_message {
  bulk page;
  address back_to;
};

struct player;
using playing = actors::protocol<actors::one_way<page_message>>;

struct way_of_passing {
  std::size_t bytes = 0;
  bool copies = false;
};

// The buffer that goes on: the one that came, or a copy of it in a buffer of this core.
result<buffer> passed_on(result<buffer> came, way_of_passing how) {
  if (!came || !how.copies) return came;
  auto copy = actors::take_bulk(how.bytes);
  if (copy) std::memcpy(copy->span().data(), came->bytes().data(), how.bytes);
  return copy;
}

// The first line of it is written anew each time, as a header would be.
void touch(buffer& page) { ++*reinterpret_cast<std::uint64_t*>(page.span().data()); }

// On the other core: sends back what comes.
struct wall : actors::core_actor<wall, playing> {
  wall(caf::actor_config& cfg, way_of_passing how) : core_actor{cfg}, how_{how} {}
  caf::behavior make_behavior() override {
    static_cast<void>(actors::prepare_bulk());
    return {[](caf::ok_atom) {}};
  }
  void handle(const page_message& m);
  way_of_passing how_;
};

struct player : actors::core_actor<player, playing> {
  player(caf::actor_config& cfg, finish_line& line, actors::core_ref<wall> to, way_of_passing how, bool& failed)
      : core_actor{cfg}, count_{line}, line_{line}, to_{std::move(to)}, how_{how}, failed_{failed} {}
  caf::behavior make_behavior() override {
    return {[this](std::uint64_t count) {
      count_.begin(count);
      serve(actors::take_bulk(how_.bytes));
    }};
  }
  void handle(const page_message& m) { serve(passed_on(actors::receive_bulk(m.page), how_)); }
  void serve(result<buffer> page) {
    if (!page) return fail();
    if (!count_.next()) return;
    touch(*page);
    const auto sent = tell_bulk(*this, to_, std::move(*page), [this](bulk b) {
      return page_message{b, line_self().at};
    });
    if (!sent || *sent != send_result::ok) fail();
  }
  void fail() {
    failed_ = true;
    line_.cross(0);
  }

  timed_count count_;
  finish_line& line_;
  actors::core_ref<wall> to_;
  way_of_passing how_;
  bool& failed_;
};

void wall::handle(const page_message& m) {
  auto page = passed_on(actors::receive_bulk(m.page), how_);
  if (!page) return;
  touch(*page);
  static_cast<void>(tell_bulk(*this, actors::line_address<player>{m.back_to}, std::move(*page), [&](bulk b) {
    return page_message{b, m.back_to};
  }));
}

void measure(run& r, const contender& self, bool copies) {
  for (const std::size_t bytes : {std::size_t{64}, std::size_t{4096}, std::size_t{65536}}) {
    row out = r.new_row(self, 2);
    out.parameters = "bytes=" + std::to_string(bytes);
    bool failed = false;
    out = measure_on_drivers(r, std::move(out),
                             {.spawn =
                                  [&](caf::actor_system& system, finish_line& line) {
                                    const way_of_passing how{bytes, copies};
                                    auto other = actors::spawn_on<wall>(system, core_id{1}, how);
                                    auto one = actors::spawn_on<player>(system, core_id{0}, line, *other, how, failed);
                                    return actor_pair{one->handle(), other->handle()};
                                  },
                              .start = [](const caf::actor& one, std::uint64_t count) { caf::anon_send(one, count); }});
    if (failed) out.error = "a buffer could not be sent";
    r.add(std::move(out));
  }
}

}  // namespace

void measure_moved(run& r, const contender& self) { measure(r, self, false); }
void measure_copied(run& r, const contender& self) { measure(r, self, true); }

}  // namespace cooper::bench::bulk_rtt
