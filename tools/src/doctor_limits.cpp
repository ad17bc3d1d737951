// SPDX-License-Identifier: BSD-3-Clause
// What this process is allowed: cgroups, pinning, barriers, counters, limits, claims; and the kernel's memory habits.
#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "doctor.hpp"

namespace cooper::tools {
namespace {

// Folders of this process's cgroup that has the controller, innermost first; version 1 or 2, whichever is mounted.
struct cgroup {
  bool is_v2 = false;
  std::vector<std::string> folders;
};

cgroup cgroup_of(const system_files& files, std::string_view controller) {
  const auto chain = [&](const std::string& mount, std::string path) {
    std::vector<std::string> folders;
    while (path.size() > 1 && path.front() == '/') {
      // Inside a container the path may be the host's, which is not visible.
      if (files.exists(mount + path)) folders.push_back(mount + path);
      path.erase(path.rfind('/'));
    }
    folders.push_back(mount);
    return folders;
  };
  cgroup found;
  for (const auto& line : lines_of(files.text("/proc/self/cgroup").value_or(""))) {
    const auto first = line.find(':');
    const auto second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const auto path = line.substr(second + 1);
    if (controllers.find("," + std::string{controller} + ",") != controllers.npos) {
      const auto joined = line.substr(first + 1, second - first - 1);
      for (const auto& mount : {"/sys/fs/cgroup/" + std::string{controller}, "/sys/fs/cgroup/" + joined})
        if (files.exists(mount)) return {false, chain(mount, path)};
    }
    if (line.starts_with("0::") && files.exists("/sys/fs/cgroup/cgroup.controllers"))
      found = {true, chain("/sys/fs/cgroup", path)};
  }
  return found;
}

// CPUs that one folder's quota grants; nothing if it sets no limit.
std::optional<double> quota_of(const system_files& files, const std::string& folder, bool is_v2) {
  std::optional<std::int64_t> quota, period;
  if (is_v2) {
    const auto words = words_of(files.line(folder + "/cpu.max").value_or(""));
    if (words.size() == 2) {
      quota = number_of(words[0]);
      period = number_of(words[1]);
    }
  } else {
    quota = files.number(folder + "/cpu.cfs_quota_us");
    period = files.number(folder + "/cpu.cfs_period_us");
  }
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

void look_quota(const patient& who, finding& f) {
  const auto group = cgroup_of(who.files, "cpu");
  if (group.folders.empty()) {
    f.found = "no cgroup with the cpu controller is visible";
    return;
  }
  std::optional<double> least;
  std::string where;
  std::int64_t throttled = 0;
  for (const auto& folder : group.folders) {
    const auto quota = quota_of(who.files, folder, group.is_v2);
    if (quota && (!least || *quota < *least)) {
      least = quota;
      where = folder;
    }
    for (const auto& line : lines_of(who.files.text(folder + "/cpu.stat").value_or("")))
      if (line.starts_with("nr_throttled ")) throttled = std::max(throttled, number_of(line.substr(13)).value_or(0));
  }
  f.status = health::ok;
  f.found = "no quota";
  if (!least) return;
  f.status = *least < static_cast<double>(who.pus.size()) ? health::bad : health::warn;
  f.found = fmt::format("{:.2g} CPUs for {} chosen cores ({})", *least, who.pus.size(), where);
  if (throttled > 0) f.found += fmt::format(", throttled {} times so far", throttled);
  f.remedy = group.is_v2 ? fmt::format("echo max > {}/cpu.max (docker: no --cpus, use --cpuset-cpus)", where)
                         : fmt::format("echo -1 > {}/cpu.cfs_quota_us (docker: no --cpus, use --cpuset-cpus)", where);
}

void look_cpuset(const patient& who, finding& f) {
  const auto group = cgroup_of(who.files, "cpuset");
  std::optional<std::string> cpus;
  for (const auto& folder : group.folders)
    for (const char* name : {"/cpuset.cpus.effective", "/cpuset.effective_cpus", "/cpuset.cpus"})
      if (!cpus) {
        cpus = who.files.line(folder + name);
        if (cpus && cpus->empty()) cpus.reset();
      }
  if (!cpus) {
    f.found = "no cpuset is visible";
    return;
  }
  const auto ranges = parse_pu_list(*cpus);
  if (!ranges) {
    f.found = fmt::format("the cpuset '{}' is not understood", *cpus);
    return;
  }
  std::vector<std::uint32_t> outside;
  for (const auto& t : who.where.threads())
    if (!holds(*ranges, t.pu_index)) outside.push_back(t.pu_index);
  f.status = outside.empty() ? health::ok : health::warn;
  f.found = fmt::format("PU {}", *cpus);
  if (outside.empty()) return;
  f.found += fmt::format("; PU {} of this machine are left out", format_pu_list(outside));
  f.remedy = "widen cpuset.cpus of the cgroup (docker: --cpuset-cpus), if more cores are wanted";
}

void look_pinning(const patient& who, finding& f) {
  f.status = who.tried.pin_error == 0 ? health::ok : health::bad;
  f.found = who.tried.pin_error == 0 ? "a thread can be pinned to each chosen core"
                                     : fmt::format("pinning to PU {} fails: {}", who.tried.pin_failed_on,
                                                   std::strerror(who.tried.pin_error));
  if (f.status == health::bad)
    f.remedy = "allow sched_setaffinity (seccomp profile, cpuset); Cooper then runs unpinned";
}

void look_membarrier(const patient& who, finding& f) {
  f.status = who.tried.membarrier_error == 0 ? health::ok : health::warn;
  f.found = who.tried.membarrier_error == 0
                ? "private expedited membarrier works"
                : fmt::format("private expedited membarrier is missing: {}", std::strerror(who.tried.membarrier_error));
  if (f.status == health::warn)
    f.remedy = "use Linux 4.14 or newer and allow membarrier(2) in the seccomp profile; until then fences are used";
}

void look_eventfd(const patient& who, finding& f) {
  f.status = who.tried.eventfd_error == 0 ? health::ok : health::bad;
  f.found = who.tried.eventfd_error == 0
                ? "eventfd and epoll work"
                : fmt::format("eventfd with epoll fails: {}", std::strerror(who.tried.eventfd_error));
  if (f.status == health::bad) f.remedy = "allow eventfd2 and epoll in the seccomp profile; raise 'ulimit -n'";
}

void look_perf(const patient& who, finding& f) {
  const auto paranoid = who.files.number("/proc/sys/kernel/perf_event_paranoid");
  f.found = paranoid ? fmt::format("perf_event_paranoid is {}", *paranoid) : "perf_event_paranoid cannot be read";
  f.status = who.tried.perf_error == 0 ? health::ok : health::warn;
  f.found += who.tried.perf_error == 0 ? ", hardware counters can be read"
                                       : fmt::format(", no hardware counters: {}", std::strerror(who.tried.perf_error));
  if (who.tried.perf_error == 0) return;
  f.remedy = paranoid && *paranoid > 2 ? "sysctl kernel.perf_event_paranoid=2"
                                       : "give the virtual machine a PMU, or allow perf_event_open in the container";
}

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

void look_limits(const patient& who, finding& f) {
  const auto shown = [](std::uint64_t n) { return n == unlimited ? std::string{"unlimited"} : std::to_string(n); };
  // A driver a core, and a few threads besides.
  const auto needed = who.pus.size() + 16;
  const bool few_threads = who.tried.processes_max < needed;
  const bool little_memory = who.tried.memlock_bytes_max < (std::uint64_t{1} << 20) * who.pus.size();
  f.status = few_threads ? health::bad : little_memory ? health::warn : health::ok;
  f.found = fmt::format("processes {}, locked memory {} bytes", shown(who.tried.processes_max),
                        shown(who.tried.memlock_bytes_max));
  if (few_threads)
    f.remedy = fmt::format("ulimit -u {}", 4 * needed);
  else if (little_memory)
    f.remedy = "ulimit -l unlimited (or LimitMEMLOCK=infinity in the systemd unit)";
}

void look_claims(const patient& who, finding& f) {
  f.status = who.tried.lock_error == 0 ? health::ok : health::bad;
  f.found = who.tried.lock_error == 0
                ? fmt::format("{} takes claims", who.tried.lock_directory)
                : fmt::format("{}: {}", who.tried.lock_directory, std::strerror(who.tried.lock_error));
  if (f.status == health::bad)
    f.remedy = "set COOPER_LOCK_DIR to a directory that all users of this machine may write to";
}

void look_huge_pages(const patient& who, finding& f) {
  const auto choice = marked_word(who.files.line("/sys/kernel/mm/transparent_hugepage/enabled").value_or(""));
  if (choice.empty()) {
    f.found = "the kernel has no transparent huge pages, or does not tell";
    return;
  }
  f.found = fmt::format("transparent huge pages: {}", choice);
  f.status = choice == "always" ? health::warn : health::ok;
  if (f.status == health::warn) f.remedy = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
}

void look_balancing(const patient& who, finding& f) {
  const auto on = who.files.number("/proc/sys/kernel/numa_balancing");
  f.status = health::ok;
  f.found = !on || *on == 0 ? "off" : who.where.nodes().size() < 2 ? "on, but there is one NUMA node only" : "on";
  if (f.found != "on") return;
  f.status = health::warn;
  f.remedy = "sysctl kernel.numa_balancing=0";
}

constexpr probe limits[] = {
    {"cpu_quota", "a quota that is used up stops every driver at once for the rest of the period", look_quota},
    {"cpuset", "the cpuset says where this process may run, and can be changed at any time", look_cpuset},
    {"pinning", "a driver that is moved finds its caches cold and its lines far away", look_pinning},
    {"membarrier", "with it a send needs no fence; without it every send and poll pays one", look_membarrier},
    {"eventfd", "a parked core is woken through an eventfd in its epoll set", look_eventfd},
    {"perf_counters", "reports explain costs with hardware counters; without them they only state the costs",
     look_perf},
    {"limits", "each driver is a thread; pages that are locked cannot be swapped out under a message", look_limits},
    {"core_claims", "claims keep two processes from driving one core; without them drivers do not boot", look_claims},
};

constexpr probe memory[] = {
    {"huge_pages", "making and compacting huge pages in the background stalls whoever touches them", look_huge_pages},
    {"numa_balancing", "the kernel unmaps pages to see who uses them: page faults in a driver's turn", look_balancing},
};

}  // namespace

std::span<const probe> limit_probes() { return limits; }
std::span<const probe> memory_probes() { return memory; }

}  // namespace cooper::tools
