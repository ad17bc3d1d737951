// SPDX-License-Identifier: BSD-3-Clause
// The engine's start, and how much of the process' memory is resident more while one runs that knows a machine.
#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include <cooper/runtime/native_environment.hpp>
#include <cooper/skb/facts.hpp>

#include "skb/skb.hpp"

namespace cooper::bench::skb {

using namespace cooper::skb;

namespace {

double resident_bytes() {
  double all_pages = 0, resident_pages = 0;
  std::ifstream{"/proc/self/statm"} >> all_pages >> resident_pages;
  return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void measure_start(run& r, const contender& self) {
  row out = r.new_row(self, 1);
  row memory = r.new_row(self, 1);
  memory.parameters = "memory";
  memory.unit = "bytes";
  memory.label = "resident memory of a process' first engine, with the facts of two packages of 16 threads";
  const bool first = !engine_ran();
  const std::vector<term> facts = facts_of(described("package:2 l3:1 core:8 pu:2"));
  out.singles_timed = true;
  on_engine_thread(r, out, [&](session&) {
    // What other workloads freed would be taken again, and would not count.
    malloc_trim(0);
    const double bytes_before = resident_bytes();
    sample_singles(r.plan(), out, [&]() -> result<double> {
      const instant begin = native::now();
      const auto made = engine::start();
      const double ns = static_cast<double>((native::now() - begin).count());
      if (!made) return made.error();
      if (const auto told = (*made)->change({}, facts); !told) return told.error();
      if (memory.values.empty()) memory.values.push_back(resident_bytes() - bytes_before);
      return ns;
    });
  });
  memory.error = out.error;
  memory.skipped = out.skipped;
  memory.iterations = memory.values.size();
  if (memory.error.empty() && !first) {
    memory.skipped = true;
    memory.error = "an engine ran in this process before, and left memory behind; run skb/start first";
  }
  add_measured(r, std::move(out));
  add_measured(r, std::move(memory));
}

}  // namespace cooper::bench::skb
