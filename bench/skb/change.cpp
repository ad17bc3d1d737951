// SPDX-License-Identifier: BSD-3-Clause
// Facts of a large machine, taken in as one change. Before each they are all removed, which is not timed.
#include <string>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/skb/facts.hpp>

#include "skb/skb.hpp"

namespace cooper::bench::skb {

using namespace cooper::skb;

void measure_change(run& r, const contender& self) {
  row out = r.new_row(self, 1);
  const std::vector<term> facts = facts_of(described("package:16 l3:1 core:32 pu:2"));
  out.label += "; " + std::to_string(facts.size()) + " facts";
  with_engine(r, out, {}, [&](session&, engine& e) {
    std::vector<term> everything;
    for (const fact_shape& shape : vocabulary()) everything.push_back(any_fact(shape.name));
    sample_singles(r.plan(), out, [&]() -> result<double> {
      if (const auto removed = e.change(everything, {}); !removed) return removed.error();
      const instant begin = native::now();
      if (const auto told = e.change({}, facts); !told) return told.error();
      return static_cast<double>((native::now() - begin).count()) / static_cast<double>(facts.size());
    });
  });
  add_measured(r, std::move(out));
}

}  // namespace cooper::bench::skb
