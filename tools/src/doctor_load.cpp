// SPDX-License-Identifier: BSD-3-Clause
// Who else is at work: load, other processes, the host, devices. Judged by what changed between two snapshots.
#include <algorithm>
#include <cstdio>
#include <optional>

#include <fmt/format.h>

#include "doctor.hpp"

namespace cooper::tools {
namespace {

void look_load(const patient& who, finding& f) {
  const auto words = words_of(who.files.line("/proc/loadavg").value_or(""));
  double load = 0;
  if (words.empty() || std::sscanf(words[0].c_str(), "%lf", &load) != 1) {
    f.found = "/proc/loadavg cannot be read";
    return;
  }
  const auto cores = who.where.size();
  const double per_core = load / static_cast<double>(cores);
  f.found = fmt::format("load average of the last minute {} on {} hardware threads", words[0], who.where.size());
  f.status = per_core > 1 ? health::bad : per_core > 0.3 ? health::warn : health::ok;
  if (f.status != health::ok) f.remedy = "stop what else is running ('top' names it), and wait a minute";
}

struct shares {
  double busy = 0, steal = 0;  // of one core
  std::uint32_t worst = 0;
};

// The worst of the chosen cores between the two snapshots, by the share that `of` picks; nothing without a tick.
std::optional<shares> worst_share(const patient& who, double shares::*of) {
  std::optional<shares> worst;
  for (const auto pu : who.pus) {
    const auto a = who.before.cpus.find(pu), b = who.after.cpus.find(pu);
    if (a == who.before.cpus.end() || b == who.after.cpus.end()) continue;
    const auto busy = static_cast<double>(b->second.busy - a->second.busy);
    const auto steal = static_cast<double>(b->second.steal - a->second.steal);
    const double all = busy + steal + static_cast<double>(b->second.idle - a->second.idle);
    if (all <= 0) continue;
    const shares s{busy / all, steal / all, pu};
    if (!worst || s.*of > (*worst).*of) worst = s;
  }
  return worst;
}

constexpr const char* no_ticks = "/proc/stat shows no time passing on the chosen cores";

void look_others(const patient& who, finding& f) {
  const auto worst = worst_share(who, &shares::busy);
  if (!worst) {
    f.found = no_ticks;
    return;
  }
  // One tick of 10 ms in a sample of 300 ms is 3 %: less cannot be told from nothing.
  f.status = worst->busy > 0.25 ? health::bad : worst->busy > 0.05 ? health::warn : health::ok;
  f.found = fmt::format("others used up to {:.0f} % of a chosen core (PU {}) for {:.1f} s", 100 * worst->busy,
                        worst->worst, who.seconds);
  if (f.status != health::ok)
    f.remedy = "find them with 'top -1 -b -n 1 | head -20' and stop or move them, or choose other --cores";
}

void look_steal(const patient& who, finding& f) {
  const auto worst = worst_share(who, &shares::steal);
  if (!worst) {
    f.found = no_ticks;
    return;
  }
  double steal = 0, all = 0;
  for (const auto& [cpu, ticks] : who.after.cpus) {
    steal += static_cast<double>(ticks.steal);
    all += static_cast<double>(ticks.steal + ticks.busy + ticks.idle);
  }
  const double since_boot = all > 0 ? steal / all : 0;
  f.found = fmt::format("{:.1f} % in the sample, {:.2f} % since boot", 100 * worst->steal, 100 * since_boot);
  f.status = worst->steal > 0.1 ? health::bad : worst->steal > 0.02 || since_boot > 0.01 ? health::warn : health::ok;
  if (f.status != health::ok) f.remedy = "use a host that is not overbooked, or dedicated virtual CPUs";
}

void look_interrupts(const patient& who, finding& f) {
  if (who.after.interrupts.empty() || who.seconds <= 0) {
    f.found = "/proc/interrupts tells of no device";
    return;
  }
  double worst_rate = 0, sum = 0;
  std::string worst;
  for (const auto& [name, counts] : who.after.interrupts) {
    const auto old = who.before.interrupts.find(name);
    if (old == who.before.interrupts.end()) continue;
    double rate = 0;
    for (std::size_t c = 0; c < std::min(counts.size(), old->second.size()); ++c)
      if (std::find(who.pus.begin(), who.pus.end(), who.after.interrupt_cpus[c]) != who.pus.end())
        rate += static_cast<double>(counts[c] - old->second[c]) / who.seconds;
    sum += rate;
    if (rate > worst_rate) {
      worst_rate = rate;
      worst = name;
    }
  }
  f.found = fmt::format("{:.0f} device interrupts a second on the chosen cores", sum);
  if (!worst.empty()) f.found += fmt::format(", most from {}", worst);
  f.status = sum > 20'000 ? health::bad : sum > 500 ? health::warn : health::ok;
  if (f.status != health::ok)
    f.remedy = fmt::format("echo OTHER_CPUS > /proc/irq/{}/smp_affinity_list, and stop irqbalance from undoing it",
                           worst.substr(0, worst.find(' ')));
}

constexpr probe probes[] = {
    {"load", "a driver that shares its core is descheduled for milliseconds", look_load},
    {"other_processes", "what others run on a driver's core, its messages wait for", look_others},
    {"steal_time", "while the host runs something else on the virtual CPU, a driver stands still unknowingly",
     look_steal},
    {"interrupts", "each device interrupt takes a core away for microseconds and cools its caches", look_interrupts},
};

}  // namespace

std::span<const probe> load_probes() { return probes; }

}  // namespace cooper::tools
