// SPDX-License-Identifier: BSD-3-Clause
#include "core_claims.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace cooper::detail {
namespace {

// A directory that every user may make files in, but only their own remove.
bool make_shared_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return ::chmod(path.c_str(), 01777) == 0;
  struct stat s {};
  return errno == EEXIST && ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode) && ::access(path.c_str(), W_OK) == 0;
}

// Opens without following a link that somebody planted; a file of another user is opened for reading, which is all
// that flock needs.
int open_claim(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == EACCES) fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd >= 0) static_cast<void>(::fchmod(fd, 0666));
    // Somebody else made it between the two calls: open theirs.
    if (fd < 0 && errno == EEXIST) fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  }
  return fd;
}

std::string holder_named_in(int fd) {
  char text[200] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  if (n <= 0) return "a process that does not say its name";
  std::string holder{text, static_cast<std::size_t>(n)};
  for (char& c : holder) {
    if (c < ' ' || c > '~') c = ' ';
  }
  while (!holder.empty() && holder.back() == ' ') holder.pop_back();
  return holder;
}

}  // namespace

std::string claim_directory() {
  if (const char* chosen = std::getenv("COOPER_LOCK_DIR"); chosen != nullptr && *chosen != '\0') return chosen;
  const std::string usual = "/run/lock/cooper";
  return make_shared_directory(usual) ? usual : "/tmp/cooper-lock";
}

core_claim& core_claim::operator=(core_claim&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

core_claim::~core_claim() {
  if (fd_ >= 0) ::close(fd_);
}

result<core_claim> core_claim::take(unsigned pu_index) {
  const std::string directory = claim_directory();
  if (!make_shared_directory(directory)) {
    return error{errc::claim_failed, fmt::format("{}: {}", directory, std::strerror(errno))};
  }
  const std::string path = fmt::format("{}/pu-{}.lock", directory, pu_index);
  const int fd = open_claim(path);
  if (fd < 0) return error{errc::claim_failed, fmt::format("{}: {}", path, std::strerror(errno))};
  core_claim claim{fd};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return error{errc::claim_failed, fmt::format("{}: {}", path, std::strerror(errno))};
    return error{errc::core_claimed, fmt::format("PU {} is held by {}", pu_index, holder_named_in(fd))};
  }
  // For the next one's message only: where the file belongs to somebody else, it stays as it is.
  const std::string name = fmt::format("pid {} ({})\n", ::getpid(), program_invocation_short_name);
  if (::ftruncate(fd, 0) == 0) static_cast<void>(::pwrite(fd, name.data(), name.size(), 0) > 0);
  return claim;
}

}  // namespace cooper::detail
