// SPDX-License-Identifier: BSD-3-Clause
// What on a machine spoils latency: one finding a cause, with what was found, why it matters, and what to do.
//
// Judging is apart from gathering: a probe is a function of the files, the topology, two snapshots of activity and what
// this process tried (trials), so that a test can make any machine ill. Main thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <cooper/runtime/topology.hpp>

#include "doctor_files.hpp"

namespace cooper::tools {

enum class health : std::uint8_t { ok, unknown, warn, bad };
std::string_view name_of(health) noexcept;

struct finding {
  std::string id;  // stable, for scripts
  health status = health::unknown;
  std::string found;
  std::string why;     // why it matters
  std::string remedy;  // mostly a command; empty when all is well
};

// What only trying can tell. Errors are errno, 0 is success.
struct trials {
  int membarrier_error = 0;
  int pin_error = 0;
  std::uint32_t pin_failed_on = 0;
  int eventfd_error = 0;
  int perf_error = 0;
  std::uint64_t processes_max = 0;  // RLIMIT_NPROC; UINT64_MAX is unlimited
  std::uint64_t memlock_bytes_max = 0;
  std::string lock_directory;
  int lock_error = 0;
};
// Leaves the thread's affinity as it was. `pus` are tried one by one.
trials try_everything(const std::vector<std::uint32_t>& pus);

struct patient {
  const system_files& files;
  const topology& where;
  std::vector<std::uint32_t> pus;  // the chosen cores, as the operating system numbers them
  activity before, after;
  double seconds = 0;  // between the two
  trials tried;
};

struct probe {
  const char* id;
  const char* why;
  // Fills status, found and remedy.
  void (*look)(const patient&, finding&);
};

// In the order in which they are shown.
std::span<const probe> cpu_probes();     // affinity, governor, idle states, SMT, virtual machine, clock, isolation
std::span<const probe> load_probes();    // load, other processes, steal time, interrupts
std::span<const probe> limit_probes();   // cgroups, pinning, membarrier, eventfd, perf, limits, core claims
std::span<const probe> memory_probes();  // huge pages, NUMA balancing

std::vector<finding> examine(const patient& who);
health worst_of(const std::vector<finding>& findings);
std::string findings_text(const std::vector<finding>& findings, bool coloured);
std::string findings_json(const std::vector<finding>& findings, const topology& where);

}  // namespace cooper::tools
