// SPDX-License-Identifier: BSD-3-Clause
// Invented machines with every illness the doctor knows, as trees of files.
#include "doctor.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>

#include <doctest/doctest.h>
#include <boost/json.hpp>

using namespace cooper;
using namespace cooper::tools;
namespace fs = std::filesystem;

namespace {

// A machine of two cores with two hardware threads each, PU 0-3; files are added by the test.
class sick_bay {
 public:
  explicit sick_bay(const std::string& machine = "package:1 core:2 pu:2") : where_{*topology::from_synthetic(machine)} {
    std::string name = (fs::temp_directory_path() / "cooper-doctor-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    files_ = system_files{root_};
    tried.processes_max = tried.memlock_bytes_max = UINT64_MAX;
    tried.lock_directory = "/locks";
  }
  ~sick_bay() { fs::remove_all(root_); }

  sick_bay& with(const std::string& file, const std::string& content) {
    const auto path = files_.under_root(file);
    fs::create_directories(path.parent_path());
    std::ofstream{path} << content;
    return *this;
  }

  activity snapshot() const { return read_activity(files_); }
  std::vector<finding> examine_all() const { return examine({files_, where_, pus, before, after, 0.5, tried}); }
  finding look(const std::string& id) const {
    for (auto& f : examine_all())
      if (f.id == id) return f;
    FAIL("no probe " << id);
    return {};
  }

  std::vector<std::uint32_t> pus{0, 2};
  activity before, after;
  trials tried;

 private:
  topology where_;
  fs::path root_;
  system_files files_;
};

bool mentions(const std::string& text, const char* what) { return text.find(what) != std::string::npos; }

std::string stat_of(int busy, int idle, int steal) {
  const auto n = [](int x) { return std::to_string(x); };
  const std::string cpu = " " + n(busy) + " 0 0 " + n(idle) + " 0 0 0 " + n(steal) + " 0 0\n";
  return "cpu " + cpu + "cpu0" + cpu + "cpu2 0 0 0 " + n(busy + idle + steal) + " 0 0 0 0 0 0\nintr 5\n";
}

}  // namespace

TEST_CASE("a machine that tells nothing is unknown in places, and never crashes the doctor") {
  const sick_bay bay;
  const auto findings = bay.examine_all();
  CHECK(findings.size() >= 20);
  std::set<std::string> ids;
  for (const auto& f : findings) {
    CHECK_FALSE(f.found.empty());
    CHECK_FALSE(f.why.empty());
    CHECK_MESSAGE((f.status != health::bad && f.status != health::warn) == f.remedy.empty(), f.id);
    ids.insert(f.id);
  }
  CHECK(ids.size() == findings.size());
  CHECK(bay.look("cpu_governor").status == health::unknown);
  CHECK(bay.look("other_processes").status == health::unknown);
}

TEST_CASE("files full of garbage do not disturb the doctor") {
  sick_bay bay;
  for (const char* file :
       {"/proc/stat", "/proc/interrupts", "/proc/loadavg", "/proc/cpuinfo", "/proc/self/cgroup",
        "/sys/devices/system/cpu/isolated", "/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/cpu.max",
        "/sys/fs/cgroup/cpuset.cpus.effective", "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "/proc/sys/kernel/numa_balancing"})
    bay.with(file, std::string("]0::x[\n\xff\xfe : :: 0::nowhere/x\ncpu99999999999999999999 -\ncpu0\nCPU0 CPU\n1:\n"));
  bay.before = bay.after = bay.snapshot();
  CHECK(bay.examine_all().size() >= 20);
}

TEST_CASE("a governor that saves power is a warning on the chosen cores only") {
  sick_bay bay;
  bay.with("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n")
      .with("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
  CHECK(bay.look("cpu_governor").status == health::ok);
  bay.with("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "schedutil\n");
  const auto f = bay.look("cpu_governor");
  CHECK(f.status == health::warn);
  CHECK(mentions(f.found, "schedutil on PU 2"));
  CHECK(mentions(f.remedy, "performance"));
}

TEST_CASE("a deep idle state is a warning until it is disabled") {
  sick_bay bay;
  const std::string state = "/sys/devices/system/cpu/cpu0/cpuidle/state3";
  bay.with(state + "/name", "C6\n").with(state + "/latency", "133\n").with(state + "/disable", "0\n");
  const auto f = bay.look("idle_states");
  CHECK(f.status == health::warn);
  CHECK(mentions(f.found, "C6, 133 us"));
  bay.with(state + "/disable", "1\n");
  CHECK(bay.look("idle_states").status == health::ok);
}

TEST_CASE("two chosen hardware threads of one core are a warning with a better choice") {
  sick_bay bay;
  CHECK(bay.look("smt_siblings").status == health::ok);
  CHECK(mentions(bay.look("smt_siblings").found, "siblings are PU 1,3"));
  bay.pus = {0, 1, 2};
  const auto f = bay.look("smt_siblings");
  CHECK(f.status == health::warn);
  CHECK(mentions(f.found, "PU 0-1"));
  CHECK(mentions(f.remedy, "--cores 0,2"));
}

TEST_CASE("a virtual machine is recognised by its flag, and named") {
  sick_bay bay;
  bay.with("/proc/cpuinfo", "processor: 0\nflags\t: fpu tsc constant_tsc nonstop_tsc\n");
  CHECK(bay.look("virtual_machine").status == health::ok);
  bay.with("/proc/cpuinfo", "processor: 0\nflags\t: fpu tsc hypervisor\n")
      .with("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  const auto f = bay.look("virtual_machine");
  CHECK(f.status == health::warn);
  CHECK(mentions(f.found, "QEMU"));
}

TEST_CASE("a varying TSC is a warning, a clock source outside the processor is bad") {
  sick_bay bay;
  const std::string source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  bay.with(source, "tsc\n").with("/proc/cpuinfo", "processor: 0\nflags\t: constant_tsc nonstop_tsc\n");
  CHECK(bay.look("clock").status == health::ok);
  bay.with("/proc/cpuinfo", "processor: 0\nflags\t: constant_tsc\n");
  CHECK(bay.look("clock").status == health::warn);
  bay.with(source, "hpet\n");
  CHECK(bay.look("clock").status == health::bad);
}

TEST_CASE("isolation is complete only if every chosen core is isolated and without a tick") {
  sick_bay bay;
  bay.with("/sys/devices/system/cpu/isolated", "0-2\n").with("/sys/devices/system/cpu/nohz_full", "2\n");
  CHECK(bay.look("isolation").status == health::warn);
  CHECK(mentions(bay.look("isolation").remedy, "isolcpus=0,2"));
  bay.with("/sys/devices/system/cpu/nohz_full", "0,2\n");
  CHECK(bay.look("isolation").status == health::ok);
}

TEST_CASE("the load average counts against the machine's size") {
  sick_bay bay;
  bay.with("/proc/loadavg", "0.10 0.1 0.1 1/100 1\n");
  CHECK(bay.look("load").status == health::ok);
  bay.with("/proc/loadavg", "2.00 0.1 0.1 1/100 1\n");
  CHECK(bay.look("load").status == health::warn);
  bay.with("/proc/loadavg", "9.00 0.1 0.1 1/100 1\n");
  CHECK(bay.look("load").status == health::bad);
}

TEST_CASE("work of others and stolen time on a chosen core are told apart") {
  sick_bay bay;
  bay.with("/proc/stat", stat_of(1000, 1000, 0));
  bay.before = bay.snapshot();
  bay.with("/proc/stat", stat_of(1050, 1050, 0));
  bay.after = bay.snapshot();
  CHECK(bay.look("other_processes").status == health::bad);
  CHECK(mentions(bay.look("other_processes").found, "50 % of a chosen core (PU 0)"));
  CHECK(bay.look("steal_time").status == health::ok);
  bay.with("/proc/stat", stat_of(1000, 1080, 20));
  bay.after = bay.snapshot();
  CHECK(bay.look("other_processes").status == health::ok);
  CHECK(bay.look("steal_time").status == health::bad);
  bay.pus = {2};
  CHECK(bay.look("other_processes").status == health::ok);
}

TEST_CASE("device interrupts count on chosen cores only, the kernel's own do not") {
  sick_bay bay;
  const std::string head = "     CPU0   CPU1   CPU2   CPU3\n";
  bay.with("/proc/interrupts", head + " 42:  0 0 0 0  PCI-MSI eth0\nLOC: 0 0 0 0 Local timer\n");
  bay.before = bay.snapshot();
  bay.with("/proc/interrupts", head + " 42:  0 90000 0 0  PCI-MSI eth0\nLOC: 90000 0 0 0 Local timer\n");
  bay.after = bay.snapshot();
  CHECK(bay.look("interrupts").status == health::ok);
  bay.with("/proc/interrupts", head + " 42:  0 0 1000 0  PCI-MSI eth0\nLOC: 0 0 0 0 Local timer\n");
  bay.after = bay.snapshot();
  const auto f = bay.look("interrupts");
  CHECK(f.status == health::warn);
  CHECK(mentions(f.found, "2000 device interrupts a second"));
  CHECK(mentions(f.remedy, "/proc/irq/42/"));
}

TEST_CASE("a cgroup's CPU quota below the chosen cores is bad, in version 1 and 2, at any level") {
  sick_bay v2;
  v2.with("/proc/self/cgroup", "0::/a/b\n")
      .with("/sys/fs/cgroup/cgroup.controllers", "cpu\n")
      .with("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(v2.look("cpu_quota").status == health::ok);
  v2.with("/sys/fs/cgroup/a/cpu.max", "150000 100000\n")
      .with("/sys/fs/cgroup/a/cpu.stat", "nr_periods 9\nnr_throttled 7\n");
  const auto f = v2.look("cpu_quota");
  CHECK(f.status == health::bad);
  CHECK(mentions(f.found, "1.5 CPUs for 2 chosen"));
  CHECK(mentions(f.found, "throttled 7 times"));
  v2.with("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  CHECK(v2.look("cpu_quota").status == health::warn);

  sick_bay v1;
  v1.with("/proc/self/cgroup", "4:cpu,cpuacct:/box\n0::/\n")
      .with("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n")
      .with("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  CHECK(v1.look("cpu_quota").status == health::ok);
  v1.with("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n");
  CHECK(v1.look("cpu_quota").status == health::bad);
  CHECK(mentions(v1.look("cpu_quota").remedy, "cfs_quota_us"));
}

TEST_CASE("a cpuset that leaves out PUs is a warning that names them") {
  sick_bay bay;
  bay.with("/proc/self/cgroup", "0::/\n").with("/sys/fs/cgroup/cgroup.controllers", "cpuset\n");
  CHECK(bay.look("cpuset").status == health::unknown);
  bay.with("/sys/fs/cgroup/cpuset.cpus.effective", "0-3\n");
  CHECK(bay.look("cpuset").status == health::ok);
  bay.with("/sys/fs/cgroup/cpuset.cpus.effective", "0,2\n");
  CHECK(bay.look("cpuset").status == health::warn);
  CHECK(mentions(bay.look("cpuset").found, "PU 1,3"));
}

TEST_CASE("what was tried and failed is told with the system's words") {
  sick_bay bay;
  CHECK(bay.look("pinning").status == health::ok);
  bay.tried.pin_error = EPERM;
  bay.tried.pin_failed_on = 2;
  CHECK(bay.look("pinning").status == health::bad);
  CHECK(mentions(bay.look("pinning").found, "PU 2 fails: Operation not permitted"));
  bay.tried.membarrier_error = ENOSYS;
  CHECK(bay.look("membarrier").status == health::warn);
  bay.tried.eventfd_error = EMFILE;
  CHECK(bay.look("eventfd").status == health::bad);
  bay.tried.perf_error = EACCES;
  bay.with("/proc/sys/kernel/perf_event_paranoid", "3\n");
  CHECK(bay.look("perf_counters").status == health::warn);
  CHECK(mentions(bay.look("perf_counters").remedy, "perf_event_paranoid=2"));
  bay.tried.lock_error = EACCES;
  CHECK(bay.look("core_claims").status == health::bad);
  bay.tried.processes_max = 4;
  CHECK(bay.look("limits").status == health::bad);
  bay.tried.processes_max = 4096;
  bay.tried.memlock_bytes_max = 65536;
  CHECK(bay.look("limits").status == health::warn);
}

TEST_CASE("the kernel's memory habits are warnings where they can hurt") {
  sick_bay bay;
  bay.with("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  CHECK(bay.look("huge_pages").status == health::warn);
  bay.with("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  CHECK(bay.look("huge_pages").status == health::ok);
  bay.with("/proc/sys/kernel/numa_balancing", "1\n");
  CHECK(bay.look("numa_balancing").status == health::ok);
  sick_bay large{"numa:2 core:2 pu:1"};
  large.with("/proc/sys/kernel/numa_balancing", "1\n");
  CHECK(large.look("numa_balancing").status == health::warn);
}

TEST_CASE("cores outside the affinity mask are a warning, a single usable one of many is bad") {
  const auto limited = topology::from_xml(fs::path{COOPER_SOURCE_DIR} / "tests/data/topology/cpuset_limited.xml");
  REQUIRE(limited);
  const system_files none{"/nonexistent"};
  for (const auto& f : examine({none, *limited, {2, 3}, {}, {}, 0.5, {}}))
    if (f.id == "affinity") {
      CHECK(f.status == health::warn);
      CHECK(mentions(f.found, "4 of 8"));
      CHECK(mentions(f.found, "PU 0-1,6-7 may not"));
    }
}

TEST_CASE("trying leaves the thread where it was") {
  cpu_set_t before, after;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  const auto here = topology::discover();
  REQUIRE(here);
  std::vector<std::uint32_t> pus;
  for (const auto c : here->allowed_cores()) pus.push_back(here->thread(c).pu_index);
  const auto tried = try_everything(pus);
  REQUIRE(::sched_getaffinity(0, sizeof after, &after) == 0);
  CHECK(CPU_EQUAL(&before, &after));
  CHECK_FALSE(tried.lock_directory.empty());
  // A PU that no machine has cannot be pinned to, and that is reported.
  CHECK(try_everything({131'000}).pin_error == EINVAL);
}

TEST_CASE("findings print as text and as JSON with the same statuses") {
  sick_bay bay;
  bay.tried.pin_error = EPERM;
  const auto findings = bay.examine_all();
  CHECK(worst_of(findings) == health::bad);
  const auto text = findings_text(findings, false);
  CHECK(mentions(text, "bad     pinning"));
  CHECK_FALSE(mentions(text, "\033["));
  CHECK(mentions(findings_text(findings, true), "\033[1;31mbad"));
  const auto where = topology::from_synthetic("core:2 pu:1");
  const auto json = boost::json::parse(findings_json(findings, *where)).as_object();
  CHECK(json.at("worst").as_string() == "bad");
  CHECK(json.at("findings").as_array().size() == findings.size());
}
