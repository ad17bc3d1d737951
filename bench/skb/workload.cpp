// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/runtime/native_environment.hpp>
#include <cooper/vocabulary/assert.hpp>

#include "skb/skb.hpp"
#include "support/interrupt.hpp"
#include "support/noise.hpp"

namespace cooper::bench::skb {

using namespace cooper::skb;

namespace {

constexpr contender contenders[] = {
    {"start", "engine::start(), until it can be asked", 1, measure_start},
    {"lookup", "one link of 992 by both its cores: engine::find; ask: as a term; text: as text", 1, measure_lookup},
    {"tree", "the best multicast tree to all of 32, 128 and 1,024 cores", 1, measure_tree},
    {"change", "a fact of a machine with 1,024 threads, all taken in together", 1, measure_change},
};

bool ran = false;  // main thread

}  // namespace

const workload table{"skb", "the knowledge base's engine: start, look-up, tree, change of facts", contenders};

void on_engine_thread(run& r, row& into, const std::function<void(session&)>& body) {
  if (!engine::available()) {
    into.skipped = true;
    into.error = "Cooper was built without SWI-Prolog (swi-prolog-nox)";
    return;
  }
  team alone{{r.cpu(0)}};
  alone.lead(body);
  ran = true;
}

bool engine_ran() { return ran; }

void with_engine(run& r, row& into, const std::vector<term>& facts,
                 const std::function<void(session&, engine&)>& body) {
  on_engine_thread(r, into, [&](session& on) {
    auto made = engine::start();
    if (!made) {
      into.error = made.error().message();
    } else if (const auto told = (*made)->change({}, facts); !told) {
      into.error = told.error().message();
    } else {
      body(on, **made);
    }
  });
}

void sample_singles(const sampling_plan& plan, row& into, const std::function<result<double>()>& operation) {
  const noise_meter meter;
  const double cpu_begin_s = process_cpu_s();
  const instant end = native::now() + duration{static_cast<std::int64_t>(plan.seconds * 1e9)};
  for (int done = 0; !interrupted() && (plan.smoke ? done < 2 : done < 3 || native::now() < end); ++done) {
    const result<double> ns = operation();
    if (!ns) {
      into.error = ns.error().message();
      return;
    }
    into.values.push_back(*ns);
  }
  into.iterations = into.values.size();
  if (into.iterations > 0) {
    into.cpu_time_ns = (process_cpu_s() - cpu_begin_s) * 1e9 / static_cast<double>(into.iterations);
  }
  const noise heard = meter.since();
  into.foreign = heard.foreign;
  into.steal = heard.steal;
}

void add_measured(run& r, row out) {
  if (interrupted() && out.values.empty() && out.windows.empty()) return;
  r.add(std::move(out));
}

topology described(const char* synthetic) {
  auto made = topology::from_synthetic(synthetic);
  COOPER_ASSERT(made, "the benchmarks' own descriptions are right");
  return std::move(*made);
}

std::vector<term> links_of(const topology& machine) {
  std::vector<term> facts;
  for (std::size_t a = 0; a < machine.size(); ++a) {
    for (std::size_t b = 0; b < machine.size(); ++b) {
      if (a == b) continue;
      const bool near = machine.thread(core_number(a)).package == machine.thread(core_number(b)).package;
      facts.push_back(near ? compound("link", {a, b, 60, 60, 80}) : compound("link", {a, b, 120, 380, 100}));
    }
  }
  return facts;
}

}  // namespace cooper::bench::skb
