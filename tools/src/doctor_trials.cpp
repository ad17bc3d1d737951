// SPDX-License-Identifier: BSD-3-Clause
// What only trying can tell: each trial undoes itself and answers with the error it met.
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>

#include "doctor.hpp"

namespace cooper::tools {
namespace {

int try_membarrier() {
  const long known = ::syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  if (known < 0) return errno;
  if ((known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) return EOPNOTSUPP;
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) return errno;
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 ? 0 : errno;
}

using cpu_set_ptr = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)>;
cpu_set_ptr new_cpu_set(std::size_t width) {
  return {CPU_ALLOC(width), [](cpu_set_t* s) { CPU_FREE(s); }};
}

void try_pinning(const std::vector<std::uint32_t>& pus, trials& tried) {
  constexpr std::size_t width = 1u << 17;
  const auto bytes = CPU_ALLOC_SIZE(width);
  const auto old = new_cpu_set(width), one = new_cpu_set(width);
  if (::sched_getaffinity(0, bytes, old.get()) != 0) {
    tried.pin_error = errno;
    return;
  }
  for (const auto pu : pus) {
    CPU_ZERO_S(bytes, one.get());
    CPU_SET_S(pu, bytes, one.get());
    if (::sched_setaffinity(0, bytes, one.get()) == 0) continue;
    tried.pin_error = errno;
    tried.pin_failed_on = pu;
    break;
  }
  if (::sched_setaffinity(0, bytes, old.get()) != 0 && tried.pin_error == 0) tried.pin_error = errno;
}

int try_eventfd() {
  const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event < 0) return errno;
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  int failed = set < 0 ? errno : 0;
  epoll_event interest{};
  interest.events = EPOLLIN;
  if (failed == 0 && ::epoll_ctl(set, EPOLL_CTL_ADD, event, &interest) != 0) failed = errno;
  const std::uint64_t one = 1;
  if (failed == 0 && ::write(event, &one, sizeof one) != sizeof one) failed = errno;
  if (failed == 0 && ::epoll_wait(set, &interest, 1, 0) != 1) failed = EIO;
  if (set >= 0) ::close(set);
  ::close(event);
  return failed;
}

int try_perf() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const long fd = ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return errno;
  ::close(static_cast<int>(fd));
  return 0;
}

std::uint64_t limit_of(__rlimit_resource_t what) {
  rlimit limit{};
  if (::getrlimit(what, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<std::uint64_t>::max();
  return limit.rlim_cur;
}

// Whether a directory takes files, or could be made; nothing is made, for a doctor does not change the patient.
int try_directory(const std::string& directory) {
  if (::access(directory.c_str(), F_OK) == 0) {
    struct stat about {};
    if (::stat(directory.c_str(), &about) != 0) return errno;
    if (!S_ISDIR(about.st_mode)) return ENOTDIR;
    return ::access(directory.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
  }
  if (errno != ENOENT) return errno;
  const auto parent = std::filesystem::path{directory}.parent_path();
  return ::access(parent.empty() ? "." : parent.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

// As the machine chooses when it claims cores.
void try_claims(trials& tried) {
  const char* chosen = std::getenv("COOPER_LOCK_DIR");
  if (chosen != nullptr && *chosen != '\0') {
    tried.lock_directory = chosen;
    tried.lock_error = try_directory(chosen);
    return;
  }
  tried.lock_directory = "/run/lock/cooper";
  tried.lock_error = try_directory(tried.lock_directory);
  if (tried.lock_error == 0) return;
  tried.lock_directory = "/tmp/cooper-lock";
  tried.lock_error = try_directory(tried.lock_directory);
}

}  // namespace

trials try_everything(const std::vector<std::uint32_t>& pus) {
  trials tried;
  tried.membarrier_error = try_membarrier();
  try_pinning(pus, tried);
  tried.eventfd_error = try_eventfd();
  tried.perf_error = try_perf();
  tried.processes_max = limit_of(RLIMIT_NPROC);
  tried.memlock_bytes_max = limit_of(RLIMIT_MEMLOCK);
  try_claims(tried);
  return tried;
}

}  // namespace cooper::tools
