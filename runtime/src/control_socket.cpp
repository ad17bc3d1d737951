// SPDX-License-Identifier: BSD-3-Clause
#include "control_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cooper/vocabulary/assert.hpp>

#include "control_paths.hpp"

namespace cooper {
namespace {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;
using failure_code = boost::system::error_code;

constexpr std::size_t clients_max = 8;

constexpr std::string_view help_text =
    "status     cores and their state, as JSON\n"
    "metrics    counters in Prometheus text format\n"
    "trace      what the trace rings hold, as Chrome JSON\n"
    "trace on   record events from now on\n"
    "trace off  stop recording\n"
    "help       this text\n";

std::string ok(std::string_view body) { return fmt::format("ok {}\n{}", body.size(), body); }

std::string refusal(std::string_view why) {
  std::string line = fmt::format("error {}", why);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line + "\n";
}

std::string set_tracing(const control_verbs& verbs, bool on) {
  if (!verbs.set_tracing) return refusal("this machine does not offer that");
  const result<void> done = verbs.set_tracing(on);
  return done ? ok(on ? "tracing is on\n" : "tracing is off\n") : refusal(done.error().message());
}

std::string answer_to(std::string_view request, const control_verbs& verbs) {
  const auto text = [](const std::function<std::string()>& verb) {
    return verb ? ok(verb()) : refusal("this machine does not offer that");
  };
  try {
    if (request == "status") return text(verbs.status);
    if (request == "metrics") return text(verbs.metrics);
    if (request == "trace") return text(verbs.trace);
    if (request == "trace on") return set_tracing(verbs, true);
    if (request == "trace off") return set_tracing(verbs, false);
    if (request == "help") return ok(help_text);
  } catch (const std::exception& e) {
    return refusal(e.what());
  }
  return refusal("unknown request; known: status, metrics, trace, trace on, trace off, help");
}

// One client: a line in, an answer out. Lives as long as an operation of it is under way.
class client : public std::enable_shared_from_this<client> {
 public:
  client(local::socket socket, const control_verbs& verbs, duration patience, std::shared_ptr<std::size_t> count)
      : socket_{std::move(socket)},
        timer_{socket_.get_executor()},
        verbs_{verbs},
        patience_{patience},
        count_{std::move(count)} {
    ++*count_;
  }
  ~client() { --*count_; }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void read() {
    watch();
    socket_.async_read_some(asio::buffer(request_.data() + used_, request_.size() - used_),
                            [self = shared_from_this()](failure_code failure, std::size_t n) {
                              if (failure) return self->end();
                              self->used_ += n;
                              self->take_request();
                            });
  }

 private:
  void take_request() {
    const std::string_view so_far{request_.data(), used_};
    const std::size_t line_end = so_far.find('\n');
    if (line_end == std::string_view::npos) {
      if (used_ < request_.size()) return read();
      answer_ = refusal(fmt::format("a request is one line of less than {} bytes", control::request_bytes_max));
    } else {
      std::string_view line = so_far.substr(0, line_end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      answer_ = answer_to(line, verbs_);
    }
    write();
  }

  void write() {
    watch();
    socket_.async_write_some(asio::buffer(answer_.data() + written_, answer_.size() - written_),
                             [self = shared_from_this()](failure_code failure, std::size_t n) {
                               if (failure) return self->end();
                               self->written_ += n;
                               if (self->written_ < self->answer_.size()) return self->write();
                               self->end();
                             });
  }

  // Patience begins anew with each step that the client takes.
  void watch() {
    timer_.expires_after(patience_);
    timer_.async_wait([self = weak_from_this()](failure_code failure) {
      if (const auto me = self.lock(); me && !failure) me->end();
    });
  }

  void end() {
    failure_code ignored;
    timer_.cancel();
    socket_.close(ignored);
  }

  local::socket socket_;
  asio::steady_timer timer_;
  const control_verbs& verbs_;
  duration patience_;
  std::shared_ptr<std::size_t> count_;
  std::array<char, control::request_bytes_max> request_{};
  std::size_t used_ = 0;
  std::string answer_;
  std::size_t written_ = 0;
};

error no_socket(const std::string& path, std::string_view why) {
  return error{errc::socket_unavailable, fmt::format("{}: {}", path, why)};
}

// Ours, private, and a directory, not something that another user put there for us to fall into.
result<void> make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return no_socket(path, std::strerror(errno));
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return no_socket(path, std::strerror(errno));
  if (!S_ISDIR(found.st_mode)) return no_socket(path, "it is not a directory");
  if (found.st_uid != ::geteuid()) return no_socket(path, fmt::format("it belongs to user {}", found.st_uid));
  if ((found.st_mode & 077) != 0) return no_socket(path, "other users may enter it; chmod 700 would help");
  return {};
}

void remove_stale(const std::string& directory) {
  for (const running_machine& one : control::sockets_in(directory)) {
    // Both: a process that has just bound does not listen yet, and another pid namespace has pids of its own.
    const bool gone = ::kill(static_cast<pid_t>(one.pid), 0) != 0 && errno == ESRCH;
    if (gone && !control::answers(one.path)) ::unlink(one.path.c_str());
  }
}

// A socket that listens at `address`, or a negative errno.
int listen_at(const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  // The mode before bind, so that no moment exists in which others may connect.
  if (::fchmod(fd, 0600) == 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    if (::chmod(address.sun_path, 0600) == 0 && ::listen(fd, clients_max) == 0) return fd;
    const int why = errno;
    ::unlink(address.sun_path);
    ::close(fd);
    return -why;
  }
  const int why = errno;
  ::close(fd);
  return -why;
}

struct listening {
  int fd;
  std::string path;
};

// The first free name of this process. A name that is taken but does not answer was left by an earlier process with
// our pid.
result<listening> open_socket(const std::string& directory) {
  static std::mutex one_at_a_time;  // between bind and listen a socket of ours does not answer
  const std::lock_guard lock{one_at_a_time};
  if (result<void> usable = make_private_directory(directory); !usable) return usable.error();
  remove_stale(directory);
  constexpr unsigned machines_max = 1024;
  for (unsigned index = 0; index < machines_max; ++index) {
    const std::string path = directory + "/" + control::file_name(::getpid(), index);
    const std::optional<sockaddr_un> address = control::address_of(path);
    if (!address) return no_socket(path, "the path is too long for a socket");
    int fd = listen_at(*address);
    if (fd == -EADDRINUSE && !control::answers(path)) {
      ::unlink(path.c_str());
      fd = listen_at(*address);
    }
    if (fd >= 0) return listening{fd, path};
    if (fd != -EADDRINUSE) return no_socket(path, std::strerror(-fd));
  }
  return no_socket(directory, fmt::format("{} machines of this process answer there already", machines_max));
}

}  // namespace

struct control_socket::body {
  body(control_verbs v, control_options o) : verbs{std::move(v)}, options{std::move(o)} {}

  void accept() {
    acceptor.async_accept([this](failure_code failure, local::socket socket) {
      if (failure == asio::error::operation_aborted) return;
      if (failure) return accept_later();
      if (*client_count >= clients_max) {
        const std::string line = refusal("busy: too many clients at once");
        static_cast<void>(::send(socket.native_handle(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
      } else {
        std::make_shared<client>(std::move(socket), verbs, options.client_patience, client_count)->read();
      }
      accept();
    });
  }

  // Out of descriptors, most likely: trying again at once would spin.
  void accept_later() {
    retry.expires_after(std::chrono::milliseconds{100});
    retry.async_wait([this](failure_code failure) {
      if (!failure) accept();
    });
  }

  void tick() {
    ticker.expires_after(options.period);
    ticker.async_wait([this](failure_code failure) {
      if (failure) return;
      options.periodic();
      tick();
    });
  }

  void run() {
    const auto stay = asio::make_work_guard(io);
    io.run();
  }

  control_verbs verbs;
  control_options options;
  // Before everything that lives in it: a client that is destroyed with the context still counts down.
  std::shared_ptr<std::size_t> client_count = std::make_shared<std::size_t>(0);
  asio::io_context io{1};
  local::acceptor acceptor{io};
  asio::steady_timer ticker{io}, retry{io};
  std::thread thread;
};

control_socket::control_socket(std::unique_ptr<body> b, std::string path)
    : body_{std::move(b)}, path_{std::move(path)} {}

result<std::unique_ptr<control_socket>> control_socket::start(control_verbs verbs, control_options options) {
  auto b = std::make_unique<body>(std::move(verbs), std::move(options));
  std::string path;
  if (b->options.listen) {
    const std::string directory = b->options.directory.empty() ? control_directory() : b->options.directory;
    result<listening> opened = open_socket(directory);
    if (!opened) return opened.error();
    path = opened->path;
    b->acceptor.assign(local{}, opened->fd);
    b->accept();
  }
  if (b->options.period > duration{0} && b->options.periodic) b->tick();
  std::unique_ptr<control_socket> self{new control_socket{std::move(b), std::move(path)}};
  // Signals are for the program's own threads.
  sigset_t all, former;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &former);
  std::optional<error> failed;
  try {
    self->body_->thread = std::thread{[body = self->body_.get()] { body->run(); }};
  } catch (const std::system_error& e) {
    failed.emplace(errc::thread_failed, e.what());
  }
  ::pthread_sigmask(SIG_SETMASK, &former, nullptr);
  if (failed) return *failed;
  return self;
}

control_socket::~control_socket() { stop(); }

const std::string& control_socket::path() const noexcept { return path_; }

void control_socket::stop() {
  if (body_ == nullptr) return;
  if (body_->thread.joinable()) {
    COOPER_ASSERT(body_->thread.get_id() != std::this_thread::get_id(), "a control socket stopped by its own callback");
    body_->io.stop();
    body_->thread.join();
  }
  if (!path_.empty()) ::unlink(path_.c_str());
  body_.reset();
}

}  // namespace cooper
