// SPDX-License-Identifier: BSD-3-Clause
// The control socket and its clients, good and bad.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cooper/runtime/control.hpp>

#include "control_paths.hpp"
#include "control_socket.hpp"

using namespace cooper;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct scratch_directory {
  scratch_directory() {
    std::string pattern = (fs::temp_directory_path() / "cooper-control-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~scratch_directory() { fs::remove_all(path); }
  std::string path;
};

control_verbs some_verbs() {
  control_verbs verbs;
  verbs.status = [] { return std::string{R"({"cores":[]})"}; };
  verbs.metrics = [] { return std::string{"cooper_lines_sent_total{core=\"0\"} 1\n"}; };
  return verbs;
}

std::unique_ptr<control_socket> started(const std::string& directory, control_verbs verbs = some_verbs(),
                                        control_options options = {}) {
  options.directory = directory;
  auto s = control_socket::start(std::move(verbs), std::move(options));
  REQUIRE_MESSAGE(s, (s ? "" : s.error().message()));
  return std::move(*s);
}

// A client that is not ours: sends bytes as they are and reads until the other side closes.
class raw_client {
 public:
  explicit raw_client(const std::string& path) : fd_{control::connect_to(path)} { REQUIRE(fd_ >= 0); }
  ~raw_client() { ::close(fd_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  void send(std::string_view text) {
    REQUIRE(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  std::string read_all() {
    std::string all;
    char part[4096];
    for (;;) {
      pollfd one{fd_, POLLIN, 0};
      ::poll(&one, 1, -1);
      const ssize_t n = ::recv(fd_, part, sizeof(part), 0);
      if (n <= 0) return all;
      all.append(part, static_cast<std::size_t>(n));
    }
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("each verb is answered with what its callback says, and an unknown one with an error") {
  const scratch_directory directory;
  std::vector<bool> switched;
  control_verbs verbs = some_verbs();
  verbs.set_tracing = [&](bool on) -> result<void> {
    switched.push_back(on);
    if (!on) return error{errc::core_down, "core 1"};
    return {};
  };
  const auto server = started(directory.path, std::move(verbs));
  CHECK(*ask(server->path(), "status") == R"({"cores":[]})");
  CHECK(ask(server->path(), "metrics")->starts_with("cooper_lines_sent_total"));
  CHECK(ask(server->path(), "help")->find("trace off") != std::string::npos);
  CHECK(ask(server->path(), "trace on"));
  const auto off = ask(server->path(), "trace off");
  REQUIRE_FALSE(off);
  CHECK(off.error().detail().find("core 1") != std::string::npos);
  CHECK(switched == std::vector{true, false});
  for (const char* unknown : {"", "statu", "status ", "STATUS", "trace  on", "\x01\xff"}) {
    CAPTURE(unknown);
    const auto answer = ask(server->path(), unknown);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code() == errc::bad_option);
  }
  const auto missing = ask(server->path(), "trace");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().detail().find("does not offer") != std::string::npos);
}

TEST_CASE("an answer of many megabytes arrives whole") {
  const scratch_directory directory;
  const std::string large(5'000'000, 'x');
  control_verbs verbs;
  verbs.trace = [&] { return large; };
  const auto server = started(directory.path, std::move(verbs));
  const auto answer = ask(server->path(), "trace");
  REQUIRE(answer);
  CHECK((*answer == large));
}

TEST_CASE("a callback that throws costs one error line") {
  const scratch_directory directory;
  control_verbs verbs = some_verbs();
  verbs.trace = []() -> std::string { throw std::runtime_error{"no\nluck"}; };
  const auto server = started(directory.path, std::move(verbs));
  CHECK(ask(server->path(), "trace").error().detail() == "no luck");
  CHECK(ask(server->path(), "status"));
}

TEST_CASE("a request without an end is refused at the limit, and what follows it is not a second request") {
  const scratch_directory directory;
  const auto server = started(directory.path);
  {
    raw_client endless{server->path()};
    endless.send(std::string(control::request_bytes_max, 'a'));
    CHECK(endless.read_all().starts_with("error a request is one line"));
  }
  {
    raw_client two{server->path()};
    two.send("help\nstatus\n");
    const std::string answer = two.read_all();
    CHECK(answer.starts_with("ok "));
    CHECK(answer.find("cores\":") == std::string::npos);
  }
  {
    raw_client from_telnet{server->path()};
    from_telnet.send("sta");
    from_telnet.send("tus\r\n");
    CHECK(from_telnet.read_all().starts_with("ok "));
  }
  const auto too_long = ask(server->path(), std::string(1000, 'a'));
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().code() == errc::bad_option);
}

TEST_CASE("a client that says nothing is dropped after its patience, others are served meanwhile") {
  const scratch_directory directory;
  control_options options;
  options.client_patience = 50ms;
  const auto server = started(directory.path, some_verbs(), std::move(options));
  raw_client silent{server->path()};
  raw_client halfway{server->path()};
  halfway.send("stat");
  CHECK(ask(server->path(), "status"));
  CHECK(silent.read_all().empty());
  CHECK(halfway.read_all().empty());
}

TEST_CASE("the ninth client at once is told that the machine is busy, and there is room again when one leaves") {
  const scratch_directory directory;
  const auto server = started(directory.path);
  std::vector<std::unique_ptr<raw_client>> all;
  for (int i = 0; i < 8; ++i) all.push_back(std::make_unique<raw_client>(server->path()));
  raw_client ninth{server->path()};
  CHECK(ninth.read_all() == "error busy: too many clients at once\n");
  all.back()->send("status\n");
  CHECK(all.back()->read_all().starts_with("ok "));
  all.clear();
  // The server learns of the others' leaving in its own time.
  while (!ask(server->path(), "status")) std::this_thread::yield();
}

TEST_CASE("stopping is possible at once with clients connected, twice, and takes the socket away") {
  const scratch_directory directory;
  auto server = started(directory.path);
  const std::string path = server->path();
  raw_client waiting{path};
  server->stop();
  server->stop();
  CHECK(waiting.read_all().empty());
  CHECK_FALSE(fs::exists(path));
  const auto answer = ask(path, "status");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == errc::socket_unavailable);
}

TEST_CASE("the socket is private to its user and named after the process; a second machine has a second one") {
  const scratch_directory directory;
  const std::string home = directory.path + "/cooper";
  const auto first = started(home);
  const auto second = started(home);
  const std::string pid = std::to_string(::getpid());
  CHECK(first->path() == home + "/" + pid + ".sock");
  CHECK(second->path() == home + "/" + pid + "-1.sock");
  struct stat found {};
  REQUIRE(::stat(home.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  REQUIRE(::stat(first->path().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  CHECK(ask(first->path(), "status"));
  CHECK(ask(second->path(), "status"));
}

TEST_CASE("a directory that others may enter, or that is none, is refused with its path") {
  const scratch_directory directory;
  const std::string open = directory.path + "/open", file = directory.path + "/file", link = directory.path + "/link";
  fs::create_directory(open);
  fs::permissions(open, fs::perms{0755});
  std::ofstream{file} << "x";
  fs::create_directory_symlink(directory.path, link);
  for (const std::string& bad : {open, file, link, directory.path + "/no/such/parent"}) {
    CAPTURE(bad);
    control_options options;
    options.directory = bad;
    const auto server = control_socket::start(some_verbs(), std::move(options));
    REQUIRE_FALSE(server);
    CHECK(server.error().code() == errc::socket_unavailable);
    CHECK(server.error().detail().starts_with(bad));
  }
  control_options options;
  options.directory = directory.path + "/" + std::string(100, 'd');
  const auto server = control_socket::start(some_verbs(), std::move(options));
  REQUIRE_FALSE(server);
  CHECK(server.error().detail().find("too long") != std::string::npos);
}

TEST_CASE("sockets of processes that ended are removed, and our own left-over name is used again") {
  const scratch_directory directory;
  std::fflush(stdout);  // or the child prints it once more
  const pid_t ended = ::fork();
  REQUIRE(ended >= 0);
  if (ended == 0) ::_exit(0);
  REQUIRE(::waitpid(ended, nullptr, 0) == ended);
  const std::string stale = directory.path + "/" + control::file_name(ended, 0);
  const std::string ours = directory.path + "/" + control::file_name(::getpid(), 0);
  const std::string other = directory.path + "/notes.sock";
  for (const std::string& path : {stale, ours, other}) {
    const auto address = control::address_of(path);
    REQUIRE(address);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0);
    ::close(fd);
  }
  const auto server = started(directory.path);
  CHECK_FALSE(fs::exists(stale));
  CHECK(fs::exists(other));
  CHECK(server->path() == ours);
  CHECK(ask(ours, "status"));
}

TEST_CASE("running machines are found by name, and asked by pid") {
  const scratch_directory directory;
  REQUIRE(::setenv("XDG_RUNTIME_DIR", directory.path.c_str(), 1) == 0);
  CHECK(control_directory() == directory.path + "/cooper");
  CHECK(list_running().empty());
  const auto nobody = ask("1", "status");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code() == errc::socket_unavailable);
  {
    auto made = control_socket::start(some_verbs());
    REQUIRE(made);
    auto second = control_socket::start(some_verbs());
    REQUIRE(second);
    std::ofstream{control_directory() + "/12x.sock"} << "no socket";
    std::ofstream{control_directory() + "/99999999.sock"} << "no socket";
    const std::vector<running_machine> all = list_running();
    REQUIRE(all.size() == 2);
    CHECK(all[0].pid == ::getpid());
    CHECK(all[0].index == 0);
    CHECK(all[1].index == 1);
    CHECK(all[0].path == (*made)->path());
    CHECK(ask(std::to_string(::getpid()), "status"));
    CHECK(ask(std::to_string(::getpid()) + "-1", "status"));
  }
  CHECK(list_running().empty());
  REQUIRE(::setenv("XDG_RUNTIME_DIR", "/nonexistent/place", 1) == 0);
  CHECK(control_directory() == "/tmp/cooper-" + std::to_string(::geteuid()));
}

TEST_CASE("only names as they are written count as socket names") {
  REQUIRE(control::parse_file_name("12.sock"));
  CHECK(control::parse_file_name("12-3.sock")->index == 3);
  for (const char* bad : {"", ".sock", "12", "12.sock.tmp", "-1.sock", "0.sock", "012.sock", "12-.sock", "12-0.sock",
                          "12-03.sock", "12-1-2.sock", "99999999999999999999.sock", "12 .sock"}) {
    CAPTURE(bad);
    CHECK_FALSE(control::parse_file_name(bad));
  }
}

TEST_CASE("somebody who speaks another protocol, or breaks off, is an error and not an answer") {
  const scratch_directory directory;
  for (const char* said : {"hello\n", "ok 10\nshort", "ok -1\n", "ok\n", "", "ok 2\nabc", "error"}) {
    CAPTURE(said);
    const std::string path = directory.path + "/strange.sock";
    const auto address = control::address_of(path);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    std::thread stranger{[&] {
      const int fd = ::accept(listener, nullptr, nullptr);
      char request[64];
      static_cast<void>(::recv(fd, request, sizeof(request), 0));
      static_cast<void>(::send(fd, said, std::char_traits<char>::length(said), MSG_NOSIGNAL));
      ::close(fd);
    }};
    const auto answer = ask(path, "status");
    stranger.join();
    ::close(listener);
    ::unlink(path.c_str());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code() == errc::io_failed);
  }
}

TEST_CASE("a machine that does not answer in time is an error") {
  const scratch_directory directory;
  const std::string path = directory.path + "/mute.sock";
  const auto address = control::address_of(path);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  const auto answer = ask(path, "status", 20ms);
  ::close(listener);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == errc::io_failed);
}

TEST_CASE("the periodic callback runs on the service thread, with or without a socket, until stopped") {
  std::mutex lock;
  std::condition_variable changed;
  int calls = 0;
  std::thread::id who;
  control_options options;
  options.listen = false;
  options.period = 1ms;
  options.periodic = [&] {
    const std::lock_guard held{lock};
    ++calls;
    who = std::this_thread::get_id();
    changed.notify_one();
  };
  auto service = control_socket::start({}, std::move(options));
  REQUIRE(service);
  CHECK((*service)->path().empty());
  std::unique_lock held{lock};
  changed.wait(held, [&] { return calls >= 3; });
  CHECK(who != std::this_thread::get_id());
  held.unlock();
  (*service)->stop();
  const int at_stop = calls;
  service = error{errc::stopped};
  CHECK(calls == at_stop);
}
