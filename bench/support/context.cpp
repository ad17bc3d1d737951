// SPDX-License-Identifier: BSD-3-Clause
#include "support/context.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <boost/json/array.hpp>

#include <cooper/runtime/native_environment.hpp>

namespace cooper::bench {
namespace {

std::string first_line(const std::string& path, const std::string& otherwise) {
  std::ifstream file{path};
  std::string line;
  return std::getline(file, line) && !line.empty() ? line : otherwise;
}

std::string now_iso8601() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S%z", &local);
  const std::string_view iso = text.data();
  if (iso.size() < 5) return std::string{iso};
  return std::string{iso.substr(0, iso.size() - 2)} + ':' + std::string{iso.substr(iso.size() - 2)};  // +01:00
}

std::string executable() {
  std::array<char, 4096> path{};
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  return n > 0 ? std::string(path.data(), static_cast<std::size_t>(n)) : "unknown";
}

double clock_mhz() {
  std::ifstream info{"/proc/cpuinfo"};
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(':');
    if (line.starts_with("cpu MHz") && colon != std::string::npos) return std::atof(line.c_str() + colon + 1);
  }
  return 0;
}

boost::json::array caches_of(const topology& where) {
  boost::json::array all;
  for (std::uint32_t level = 1; level <= 4; ++level) {
    for (const auto& c : where.caches()) {
      if (c.level != level) continue;
      all.push_back({{"type", level == 1 ? "Data" : "Unified"},
                     {"level", level},
                     {"size", c.size_bytes},
                     {"num_sharing", c.cores.size()}});
      break;  // one of each level, as Google Benchmark gives them
    }
  }
  return all;
}

boost::json::array load_average() {
  std::array<double, 3> load{};
  boost::json::array all;
  const int n = ::getloadavg(load.data(), 3);
  for (int i = 0; i < n; ++i) all.push_back(load[static_cast<std::size_t>(i)]);
  return all;
}

}  // namespace

std::string_view build_revision() noexcept { return COOPER_REVISION; }
std::string_view build_type() noexcept { return std::strlen(COOPER_BUILD_TYPE) == 0 ? "none" : COOPER_BUILD_TYPE; }

std::string hypervisor_name() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & 1u << 31) == 0) return "none";
  __cpuid(0x40000000, a, b, c, d);
  std::array<char, 13> name{};
  std::memcpy(name.data(), &b, 4);
  std::memcpy(name.data() + 4, &c, 4);
  std::memcpy(name.data() + 8, &d, 4);
  const std::string_view vendor{name.data()};
  if (vendor == "KVMKVMKVM") return "KVM";
  if (vendor == "Microsoft Hv") return "Hyper-V";
  if (vendor == "VMwareVMware") return "VMware";
  if (vendor == "XenVMMXenVMM") return "Xen";
  return vendor.empty() ? "unnamed" : std::string{vendor};
#else
  return first_line("/sys/hypervisor/type", "unknown");
#endif
}

boost::json::object describe_context(const run_options& options) {
  const topology& where = *options.where;
  utsname system{};
  uname(&system);
  std::string model = where.model();
  if (model.empty() && !where.packages().empty()) model = where.packages().front().model;
  boost::json::array cores;
  for (const core_id id : options.cores) cores.push_back(where.thread(id).pu_index);
  boost::json::object context;
  context["date"] = now_iso8601();
  context["host_name"] = system.nodename;
  context["executable"] = executable();
  context["num_cpus"] = where.size();
  context["mhz_per_cpu"] = clock_mhz();
  context["cpu_model"] = model.empty() ? "unknown" : model;
  context["physical_cores"] = where.physical_core_count();
  context["packages"] = where.packages().size();
  context["numa_nodes"] = where.nodes().size();
  context["topology_hash"] = where.hash();
  context["caches"] = caches_of(where);
  context["load_avg"] = load_average();
  context["kernel"] = std::string{system.sysname} + ' ' + system.release + ' ' + system.machine;
  context["governor"] = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "unknown");
  context["idle_driver"] = first_line("/sys/devices/system/cpu/cpuidle/current_driver", "unknown");
  context["hypervisor"] = hypervisor_name();
  context["barrier_mode"] = native::membarrier_available() ? "membarrier" : "fence";
  context["cores"] = std::move(cores);
  context["library_build_type"] = build_type();
#if defined(__clang__)
  context["compiler"] = "clang " __clang_version__;
#else
  context["compiler"] = "g++ " __VERSION__;
#endif
  context["git"] = build_revision();
  context["seconds_per_contender"] = options.seconds;
  context["smoke"] = options.smoke;
  return context;
}

}  // namespace cooper::bench
