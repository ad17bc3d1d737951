// SPDX-License-Identifier: BSD-3-Clause
// The asking side of the control socket, and what both sides know of its names.
#include <cooper/runtime/control.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control_paths.hpp"

namespace cooper {
namespace control {

std::string file_name(std::int64_t pid, unsigned index) {
  return index == 0 ? fmt::format("{}.sock", pid) : fmt::format("{}-{}.sock", pid, index);
}

std::optional<running_machine> parse_file_name(std::string_view name) {
  if (!name.ends_with(".sock")) return std::nullopt;
  const char* const end = name.data() + name.size() - 5;
  running_machine found{};
  const char* at = std::from_chars(name.data(), end, found.pid).ptr;
  if (at != end && *at == '-') at = std::from_chars(at + 1, end, found.index).ptr;
  // Only the one way that file_name writes it.
  if (at != end || found.pid <= 0 || file_name(found.pid, found.index) != name) return std::nullopt;
  return found;
}

std::vector<running_machine> sockets_in(const std::string& directory) {
  std::vector<running_machine> found;
  std::error_code failure;
  for (std::filesystem::directory_iterator at{directory, failure}, end; !failure && at != end; at.increment(failure)) {
    if (std::optional<running_machine> one = parse_file_name(at->path().filename().string())) {
      one->path = at->path().string();
      found.push_back(std::move(*one));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::tie(a.pid, a.index) < std::tie(b.pid, b.index); });
  return found;
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

int connect_to(const std::string& path) {
  const std::optional<sockaddr_un> address = address_of(path);
  if (!address) return errno = ENAMETOOLONG, -1;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0) return fd;
  const int why = errno;
  ::close(fd);
  return errno = why, -1;
}

bool answers(const std::string& path) {
  const int fd = connect_to(path);
  if (fd >= 0) ::close(fd);
  // EAGAIN: its queue of connections is full, so there is somebody.
  return fd >= 0 || errno == EAGAIN;
}

}  // namespace control

namespace {

using deadline = std::chrono::steady_clock::time_point;

class connection {
 public:
  connection(int fd, deadline until) : fd_{fd}, until_{until} {}
  ~connection() { ::close(fd_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  bool write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n > 0) {
        text.remove_prefix(static_cast<std::size_t>(n));
      } else if (!may_retry() || !wait(POLLOUT)) {
        return false;
      }
    }
    return true;
  }

  // Until the other side closes. False on failure or at the deadline; what came stays in `into`.
  bool read_all(std::string& into) {
    char part[16 * 1024];
    for (;;) {
      const ssize_t n = ::recv(fd_, part, sizeof(part), 0);
      if (n == 0) return true;
      if (n > 0) {
        into.append(part, static_cast<std::size_t>(n));
      } else if (!may_retry() || !wait(POLLIN)) {
        return false;
      }
    }
  }

 private:
  static bool may_retry() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

  bool wait(short events) {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - std::chrono::steady_clock::now());
      pollfd one{fd_, events, 0};
      const int n = left.count() <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(std::min<long>(left.count(), 60'000)));
      if (n > 0) return true;
      if (n == 0 && std::chrono::steady_clock::now() >= until_) return errno = ETIMEDOUT, false;
      if (n < 0 && errno != EINTR) return false;
    }
  }

  int fd_;
  deadline until_;
};

std::string path_of(std::string_view whom) {
  if (whom.find('/') != std::string_view::npos) return std::string{whom};
  return fmt::format("{}/{}.sock", control_directory(), whom);
}

error unavailable(const std::string& path) {
  return error{errc::socket_unavailable, fmt::format("{}: {}", path, std::strerror(errno))};
}

// A full queue of connections is waited for; everything else is final.
int connect_until(const std::string& path, deadline until) {
  for (;;) {
    const int fd = control::connect_to(path);
    if (fd >= 0 || errno != EAGAIN || std::chrono::steady_clock::now() >= until) return fd;
    const timespec moment{0, 5'000'000};
    ::nanosleep(&moment, nullptr);
  }
}

result<std::string> body_of(std::string answer, const std::string& path) {
  const std::size_t line_end = answer.find('\n');
  const std::string_view line = std::string_view{answer}.substr(0, line_end);
  if (line_end != std::string::npos && line.starts_with("error ")) {
    return error{errc::bad_option, std::string{line.substr(6)}};
  }
  std::size_t bytes = 0;
  const bool is_ok =
      line_end != std::string::npos && line.starts_with("ok ") &&
      std::from_chars(line.data() + 3, line.data() + line.size(), bytes).ptr == line.data() + line.size();
  if (!is_ok) return error{errc::io_failed, path + ": no machine of ours answers there"};
  if (answer.size() - line_end - 1 != bytes) {
    return error{errc::io_failed, fmt::format("{}: the answer was cut off after {} of {} bytes", path,
                                              answer.size() - line_end - 1, bytes)};
  }
  answer.erase(0, line_end + 1);
  return answer;
}

}  // namespace

std::string control_directory() {
  const char* const runtime_directory = std::getenv("XDG_RUNTIME_DIR");
  std::error_code failure;
  if (runtime_directory != nullptr && runtime_directory[0] == '/' &&
      std::filesystem::is_directory(runtime_directory, failure)) {
    return std::string{runtime_directory} + "/cooper";
  }
  return fmt::format("/tmp/cooper-{}", ::geteuid());
}

std::vector<running_machine> list_running() {
  std::vector<running_machine> found = control::sockets_in(control_directory());
  std::erase_if(found, [](const running_machine& one) { return !control::answers(one.path); });
  return found;
}

result<std::string> ask(std::string_view whom, std::string_view request, duration timeout) {
  const std::string path = path_of(whom);
  if (request.size() >= control::request_bytes_max || request.find('\n') != std::string_view::npos) {
    return error{errc::bad_option,
                 fmt::format("a request is one line of less than {} bytes", control::request_bytes_max)};
  }
  const deadline until = std::chrono::steady_clock::now() + timeout;
  const int fd = connect_until(path, until);
  if (fd < 0) return unavailable(path);
  connection to{fd, until};
  std::string answer;
  // A machine that is busy answers and closes without reading: its line may be there although the write failed.
  const bool written = to.write_all(std::string{request} + "\n");
  const int why = errno;
  if (!to.read_all(answer) && answer.empty()) {
    return error{errc::io_failed, fmt::format("{}: {}", path, std::strerror(written ? errno : why))};
  }
  return body_of(std::move(answer), path);
}

}  // namespace cooper
