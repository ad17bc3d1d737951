// SPDX-License-Identifier: BSD-3-Clause
// The processor: which cores there are, how fast they may run, how deep they sleep, who else lives on them.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "doctor.hpp"

namespace cooper::tools {
namespace {

std::string cpu_file(std::uint32_t pu, std::string_view file) {
  return fmt::format("/sys/devices/system/cpu/cpu{}/{}", pu, file);
}

void look_affinity(const patient& who, finding& f) {
  const auto usable = who.where.allowed_cores();
  std::vector<std::uint32_t> shut;
  for (const auto& t : who.where.threads())
    if (!t.allowed) shut.push_back(t.pu_index);
  f.found = fmt::format("{} of {} hardware threads may be used", usable.size(), who.where.size());
  f.status = health::ok;
  if (!shut.empty()) {
    f.status = usable.size() < 2 ? health::bad : health::warn;
    f.found += fmt::format("; PU {} may not", format_pu_list(shut));
    f.remedy =
        fmt::format("taskset -c 0-{} cooper ..., or widen the container's cpuset", who.where.threads().back().pu_index);
  } else if (usable.size() < 2) {
    f.status = health::warn;
    f.remedy = "use a machine with two cores or more: drivers on one core can only take turns";
  }
}

void look_governor(const patient& who, finding& f) {
  std::map<std::string, std::vector<std::uint32_t>> by_governor;
  for (const auto pu : who.pus)
    if (const auto governor = who.files.line(cpu_file(pu, "cpufreq/scaling_governor")))
      by_governor[*governor].push_back(pu);
  if (by_governor.empty()) {
    f.found = "the kernel does not steer the frequency here (usual in a virtual machine: its host does)";
    return;
  }
  f.status = health::ok;
  for (const auto& [governor, pus] : by_governor) {
    f.found += fmt::format("{}{} on PU {}", f.found.empty() ? "" : "; ", governor, format_pu_list(pus));
    if (governor != "performance") f.status = health::warn;
  }
  if (f.status == health::warn) f.remedy = "cpupower frequency-set --governor performance";
}

// Leaving a state that takes longer than this costs as much as many wake-ups.
constexpr std::int64_t deep_state_us = 50;

void look_idle(const patient& who, finding& f) {
  const auto driver = who.files.line("/sys/devices/system/cpu/cpuidle/current_driver").value_or("none");
  const auto governor =
      who.files.line("/sys/devices/system/cpu/cpuidle/current_governor")
          .value_or(who.files.line("/sys/devices/system/cpu/cpuidle/current_governor_ro").value_or("none"));
  std::int64_t deepest_us = -1;
  std::string deepest;
  for (const auto pu : who.pus) {
    for (const auto& state : who.files.names(cpu_file(pu, "cpuidle"))) {
      const auto folder = cpu_file(pu, "cpuidle/") + state;
      if (!state.starts_with("state") || who.files.number(folder + "/disable").value_or(0) != 0) continue;
      const auto latency_us = who.files.number(folder + "/latency").value_or(0);
      if (latency_us <= deepest_us) continue;
      deepest_us = latency_us;
      deepest = who.files.line(folder + "/name").value_or(state);
    }
  }
  f.found = fmt::format("driver {}, governor {}", driver, governor);
  f.status = health::ok;
  if (deepest_us < 0) {
    f.found += "; an idle core halts, and no deeper states are known";
    return;
  }
  f.found += fmt::format("; deepest state in use: {}, {} us to leave", deepest, deepest_us);
  if (deepest_us <= deep_state_us) return;
  f.status = health::warn;
  f.remedy = fmt::format("cpupower idle-set --disable-by-latency {}", deep_state_us);
}

void look_smt(const patient& who, finding& f) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> chosen_of_core;
  std::vector<std::uint32_t> shared, idle_siblings;
  const std::set<std::uint32_t> chosen{who.pus.begin(), who.pus.end()};
  std::set<std::uint32_t> cores;
  for (const auto& t : who.where.threads())
    if (chosen.contains(t.pu_index)) {
      chosen_of_core[t.physical_core].push_back(t.pu_index);
      cores.insert(t.physical_core);
    }
  for (const auto& [core, pus] : chosen_of_core)
    if (pus.size() > 1) shared.insert(shared.end(), pus.begin(), pus.end());
  for (const auto& t : who.where.threads())
    if (!chosen.contains(t.pu_index) && cores.contains(t.physical_core)) idle_siblings.push_back(t.pu_index);
  f.status = health::ok;
  if (!shared.empty()) {
    std::vector<std::uint32_t> firsts;
    for (const auto& [core, pus] : chosen_of_core) firsts.push_back(pus.front());
    f.status = health::warn;
    f.found = fmt::format("PU {} share physical cores", format_pu_list(shared));
    f.remedy = fmt::format("--cores {} takes one hardware thread a core", format_pu_list(firsts));
  } else if (!idle_siblings.empty()) {
    f.found = fmt::format("one hardware thread a core; the siblings are PU {}: keep them free",
                          format_pu_list(idle_siblings));
  } else {
    f.found = "the chosen hardware threads do not share physical cores";
  }
}

bool has_flag(const std::string& cpuinfo, std::string_view flag) {
  for (const auto& line : lines_of(cpuinfo)) {
    if (!line.starts_with("flags")) continue;
    const auto words = words_of(line);
    return std::find(words.begin(), words.end(), flag) != words.end();
  }
  return false;
}

void look_virtual(const patient& who, finding& f) {
  const auto cpuinfo = who.files.text("/proc/cpuinfo");
  const auto type = who.files.line("/sys/hypervisor/type");
  if (!cpuinfo && !type) {
    f.found = "/proc/cpuinfo cannot be read";
    return;
  }
  const auto vendor = who.files.line("/sys/class/dmi/id/sys_vendor").value_or("");
  const auto product = who.files.line("/sys/class/dmi/id/product_name").value_or("");
  const bool is_virtual = type.has_value() || has_flag(cpuinfo.value_or(""), "hypervisor");
  f.status = is_virtual ? health::warn : health::ok;
  f.found = is_virtual ? "this is a virtual machine" : "no hypervisor is seen";
  const auto name = type ? *type : vendor + (vendor.empty() || product.empty() ? "" : " ") + product;
  if (is_virtual && !name.empty()) f.found += fmt::format(" ({})", name);
  if (is_virtual) f.remedy = "measure on bare metal, or have the virtual CPUs pinned; compare ratios, not nanoseconds";
}

void look_clock(const patient& who, finding& f) {
  const auto source =
      who.files.line("/sys/devices/system/clocksource/clocksource0/current_clocksource").value_or("unknown");
  const auto cpuinfo = who.files.text("/proc/cpuinfo").value_or("");
  const bool is_x86 = cpuinfo.find("\nflags") != std::string::npos;
  const bool is_invariant = has_flag(cpuinfo, "constant_tsc") && has_flag(cpuinfo, "nonstop_tsc");
  f.found = fmt::format("clock source {}", source);
  if (is_x86) f.found += is_invariant ? ", the TSC is invariant" : ", the TSC is not invariant";
  constexpr std::array slow{"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"};
  if (std::find(slow.begin(), slow.end(), source) != slow.end()) {
    f.status = health::bad;
    f.remedy = "boot with clocksource=tsc (or tsc=reliable), if the processor's TSC can be trusted";
  } else if (is_x86 && !is_invariant) {
    f.status = health::warn;
    f.remedy = "expose the flags constant_tsc and nonstop_tsc to the virtual machine, or use a newer processor";
  } else if (source != "unknown") {
    f.status = health::ok;
  }
}

void look_isolation(const patient& who, finding& f) {
  const auto inside = [&](const char* file) {
    const auto line = who.files.line(file);
    const auto ranges = line ? parse_pu_list(*line) : result<std::vector<pu_range>>{std::vector<pu_range>{}};
    std::vector<std::uint32_t> in;
    if (!ranges) return in;
    for (const auto pu : who.pus)
      if (holds(*ranges, pu)) in.push_back(pu);
    return in;
  };
  if (!who.files.exists("/sys/devices/system/cpu/isolated")) {
    f.found = "the kernel does not tell which CPUs are isolated";
    return;
  }
  const auto isolated = inside("/sys/devices/system/cpu/isolated");
  const auto tickless = inside("/sys/devices/system/cpu/nohz_full");
  f.found = fmt::format("of the chosen, isolated: {}; without a timer tick: {}", format_pu_list(isolated),
                        format_pu_list(tickless));
  f.status = isolated.size() == who.pus.size() && tickless.size() == who.pus.size() ? health::ok : health::warn;
  if (f.status == health::ok) return;
  // One core must stay with the rest of the system.
  auto rest = who.pus;
  if (rest.size() == who.where.size()) rest.erase(rest.begin());
  f.remedy = rest.empty()
                 ? "with a single core there is nothing to isolate"
                 : fmt::format("boot with isolcpus={0} nohz_full={0} and run on --cores {0}", format_pu_list(rest));
}

constexpr probe probes[] = {
    {"affinity", "drivers can only run where the affinity mask and the cpuset let them", look_affinity},
    {"cpu_governor", "a core that has slowed down takes milliseconds to speed up again", look_governor},
    {"idle_states", "a parked core must leave its idle state before it can handle a message", look_idle},
    {"smt_siblings", "hardware threads of one core share its execution units and first caches", look_smt},
    {"virtual_machine", "the host moves and stops virtual CPUs unseen; a wake-up leaves the virtual machine",
     look_virtual},
    {"clock", "a slow clock makes every deadline and timestamp a system call; a drifting one lies", look_clock},
    {"isolation", "on a core that is not isolated the kernel runs other work and a timer tick", look_isolation},
};

}  // namespace

std::span<const probe> cpu_probes() { return probes; }

}  // namespace cooper::tools
