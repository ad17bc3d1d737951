// SPDX-License-Identifier: BSD-3-Clause
// One link's cost, by its two cores: from C++ past the guard, as a program's question, and as a person's.
#include <array>

#include <fmt/format.h>

#include <cooper/runtime/native_environment.hpp>

#include "skb/skb.hpp"
#include "support/interrupt.hpp"

namespace cooper::bench::skb {

using namespace cooper::skb;

namespace {

constexpr std::size_t cores = 32;

using pair = std::array<std::int64_t, 2>;

// Each pair in its turn.
pair pair_of(std::uint64_t turn) {
  const std::uint64_t from = turn % cores;
  return {static_cast<std::int64_t>(from), static_cast<std::int64_t>((from + 1 + turn / cores % (cores - 1)) % cores)};
}

bool by_find(engine& e, const pair& p) {
  std::array<std::int64_t, 3> cost{};
  return e.find("link", p, cost) && cost[0] > 0;
}

bool by_ask(engine& e, const pair& p) {
  const auto asked = e.ask(compound("link", {p[0], p[1], variable{"Send"}, variable{"Transit"}, variable{"Receive"}}));
  return asked && asked->rows.size() == 1;
}

bool by_text(engine& e, const pair& p) {
  const auto asked = e.ask_text(fmt::format("link({}, {}, Send, Transit, Receive)", p[0], p[1]));
  return asked && asked->rows.size() == 1;
}

struct way {
  bool (*look_up)(engine& e, const pair& p);
  const char* parameters;
};
constexpr way ways[] = {{by_find, ""}, {by_ask, "ask"}, {by_text, "text"}};

}  // namespace

void measure_lookup(run& r, const contender& self) {
  const auto facts = links_of(described("package:8 l3:1 core:4 pu:1"));
  for (const way& by : ways) {
    if (interrupted()) return;
    row out = r.new_row(self, 1);
    out.parameters = by.parameters;
    with_engine(r, out, facts, [&](session& on, engine& e) {
      sampling_plan plan = r.plan(std::size(ways));
      plan.with_floor = false;
      std::uint64_t turn = 0, missed = 0;
      const auto look_up = [&](std::uint64_t count) {
        const instant begin = native::now();
        for (std::uint64_t i = 0; i < count; ++i) missed += by.look_up(e, pair_of(turn++)) ? 0 : 1;
        return static_cast<double>((native::now() - begin).count());
      };
      sample_windows(on, r.floor(), look_up, {}, plan, out);
      if (missed != 0) out.error = "a link that is a fact was not found";
    });
    add_measured(r, std::move(out));
  }
}

}  // namespace cooper::bench::skb
