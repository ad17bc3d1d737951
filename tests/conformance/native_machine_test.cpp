// SPDX-License-Identifier: BSD-3-Clause
// What only a machine of real threads has: foreign threads, stepped cores and foreign loops, I/O, stall reports.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <csignal>
#include <future>
#include <latch>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cooper/runtime/trace.hpp>
#include "machines.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

template <class Kind>
machine_options options_of(std::size_t count) {
  machine_options options = native_options(count);
  options.force_fence = std::is_same_v<Kind, fence_cores>;
  return options;
}

// An endpoint on `where` that answers each line with the same number to `*back`, on the reply lane.
address open_echo(machine& m, std::size_t where, inbox& box, const address& back) {
  box.on_line = [&back](core& here, const line_view& line) {
    CHECK(here.post(back, 2, line.as<number>(), lane::reply) == send_result::ok);
  };
  return open_on(m, where, box);
}

}  // namespace

TEST_CASE_TEMPLATE("a flood of foreign threads runs completely, in order for each thread", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{120s};
  const auto m = Kind::make(2);
  constexpr std::size_t thread_count = 4;
  const std::uint64_t each = sanitized ? 3000 : 20000;
  struct tally {
    std::array<std::uint64_t, thread_count> next{};
    bool in_order = true;
  };
  std::array<tally, 2> tallies;
  std::latch start{thread_count};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (std::uint64_t i = 0; i < each; ++i) {
        for (std::size_t where = 0; where < 2; ++where) {
          const auto posted = m->post(core_number(where), [&tallies, t, i](core& here) {
            tally& mine = tallies[here.id().value];
            mine.in_order &= mine.next[t] == i;
            ++mine.next[t];
          });
          CHECK(posted);
        }
      }
    });
  }
  for (std::thread& t : threads) t.join();
  REQUIRE(m->stop());
  for (const tally& all : tallies) {
    CHECK(all.in_order);
    for (const std::uint64_t n : all.next) CHECK(n == each);
  }
}

TEST_CASE_TEMPLATE("a stepped core makes its turns on the thread that adopted it", Kind, COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  machine_options options = options_of<Kind>(2);
  options.stepped = {core_id{0}};
  const auto m = boot(options);
  CHECK(m->adopt(core_id{1}).error().code() == errc::bad_option);
  core& mine = **m->adopt(core_id{0});
  CHECK(*m->adopt(core_id{0}) == &mine);
  std::thread{[&] { CHECK(m->adopt(core_id{0}).error().code() == errc::bad_option); }}.join();

  std::uint64_t back = 0;
  const auto me = std::this_thread::get_id();
  inbox here_box{[&](core& here, const line_view& line) {
    CHECK(std::this_thread::get_id() == me);
    CHECK(core::current() == &here);
    CHECK(line.as<number>().value == back);
    ++back;
  }};
  inbox echo_box;
  const address reply_to = *mine.open(inbox::handle, &here_box);
  const address echo = open_echo(*m, 1, echo_box, reply_to);
  for (std::uint64_t i = 0; i < 300; ++i) {
    CHECK(mine.post(echo, 1, number{i}) == send_result::ok);
    while (back <= i) mine.poll_once();
  }
  CHECK(core::current() == nullptr);
  // A call to it from its own thread makes the turns that it needs.
  CHECK(ask(*m, 0, [&](core& here) { return core::current() == &here; }));
}

TEST_CASE_TEMPLATE("a stepped core goes down and up, and cores stop that nobody steps any more", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  machine_options options = options_of<Kind>(3);
  options.stepped = {core_id{0}, core_id{2}};
  const auto m = boot(options);
  core& mine = **m->adopt(core_id{0});
  std::uint64_t back = 0;
  inbox here_box{[&](core&, const line_view&) { ++back; }};
  inbox echo_box;
  address reply_to = *mine.open(inbox::handle, &here_box);
  const address echo = open_echo(*m, 1, echo_box, reply_to);
  // Core 2 has no thread yet; the one that asks for it to go down makes its turns.
  REQUIRE(m->adopt(core_id{2}));
  REQUIRE(m->down(core_id{2}));
  REQUIRE(m->down(core_id{0}));
  REQUIRE(m->up(core_id{0}));
  on(*m, 1, [&](core&) { reply_to = *mine.open(inbox::handle, &here_box); });
  CHECK(mine.post(echo, 1, number{}) == send_result::ok);
  while (back == 0) mine.poll_once();
  REQUIRE(m->up(core_id{2}));
  REQUIRE(m->stop());

  SUBCASE("a machine stops although nobody adopted its stepped core") { REQUIRE(boot(options)->stop()); }
  SUBCASE("whose thread makes no turns is named") {
    options.stepped = {core_id{0}};
    const auto other = boot(options);
    std::thread{[&] {
      REQUIRE(other->adopt(core_id{0}));
      const auto stopped = std::async(std::launch::async, [&] { return other->stop(20ms); }).get();
      REQUIRE_FALSE(stopped);
      CHECK_MESSAGE(stopped.error().message().find("core 0") != std::string::npos, stopped.error().message());
      REQUIRE(other->stop());
    }}.join();
  }
}

TEST_CASE_TEMPLATE("a foreign loop sleeps in poll(2) and wakes for lines, timers and posted work", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  machine_options options = options_of<Kind>(2);
  options.stepped = {core_id{0}};
  const auto m = boot(options);
  core& mine = **m->adopt(core_id{0});
  const int fd = *mine.wake_fd();
  std::uint64_t sleeps = 0;
  // The loop as a program with its own event loop would write it.
  const auto loop_until = [&](auto done) {
    while (!done()) {
      if (mine.poll_once()) continue;
      const instant until = mine.prepare_to_park();
      const std::int64_t left_ns = (until - mine.now()).count();
      if (until == never || left_ns > 0) {
        pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
        ++sleeps;
        ::poll(&readable, 1, until == never ? -1 : static_cast<int>(left_ns / 1'000'000 + 1));
      }
      mine.unpark();
    }
  };
  std::uint64_t back = 0;
  inbox here_box{[&](core&, const line_view&) { ++back; }};
  inbox echo_box;
  const address reply_to = *mine.open(inbox::handle, &here_box);
  const address echo = open_echo(*m, 1, echo_box, reply_to);
  for (std::uint64_t i = 1; i <= 200; ++i) {
    CHECK(mine.post(echo, 1, number{i}) == send_result::ok);
    loop_until([&] { return back == i; });
  }
  bool fired = false;
  mine.after(3ms, [&] { fired = true; });
  loop_until([&] { return fired; });
  int posted = 0;
  for (int i = 1; i <= 20; ++i) {
    std::thread other{[&] { CHECK(m->post(core_id{0}, [&](core&) { ++posted; })); }};
    loop_until([&] { return posted == i; });
    other.join();
  }
  CHECK(sleeps > 0);
  bool io_done = false;
  boost::asio::steady_timer timer{**mine.io(), 1ms};
  timer.async_wait([&](const boost::system::error_code&) {
    CHECK(core::current() == &mine);
    io_done = true;
  });
  loop_until([&] { return io_done; });
}

TEST_CASE_TEMPLATE("run() makes the turns of an adopted core until somebody asks it to stop", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  machine_options options = options_of<Kind>(2);
  options.stepped = {core_id{0}};
  const auto m = boot(options);
  core& mine = **m->adopt(core_id{0});
  std::uint64_t back = 0;
  address echo;
  inbox here_box{[&](core& here, const line_view&) {
    if (++back == 500) return here.home().request_stop();
    CHECK(here.post(echo, 1, number{back}) == send_result::ok);
  }};
  inbox echo_box;
  const address reply_to = *mine.open(inbox::handle, &here_box);
  echo = open_echo(*m, 1, echo_box, reply_to);
  CHECK(mine.post(echo, 1, number{}) == send_result::ok);
  m->run();
  CHECK(back == 500);
  // Asleep in run(), from another thread.
  std::thread other{[&] { m->request_stop(); }};
  m->run();
  other.join();
}

TEST_CASE("a turn inside a handler is a bug that says so") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Only the calling thread is left here, so all cores are stepped.
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(ends[1], 2);
    machine_options options = native_options(1);
    options.stepped = {core_id{0}};
    const auto m = boot(options);
    core& mine = **m->adopt(core_id{0});
    inbox nested{[](core& here, const line_view&) { here.poll_once(); }};
    const address me = *mine.open(inbox::handle, &nested);
    static_cast<void>(mine.send(me, 1, number{}));
    mine.poll_once();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  std::array<char, 256> chunk{};
  for (ssize_t n = 0; (n = ::read(ends[0], chunk.data(), chunk.size())) > 0;) {
    said.append(chunk.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK_MESSAGE(said.find("a turn inside a turn") != std::string::npos, said);
}

TEST_CASE_TEMPLATE("timers and pipes of the core's I/O context complete on the core, also under a flood", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  const auto m = Kind::make(2);
  bool flooding = false;
  std::array<address, 2> players;
  std::uint64_t hits = 0;
  inbox player{[&](core& here, const line_view&) {
    if (here.id().value == 0) ++hits;
    static_cast<void>(here.send(players[1u - here.id().value], 1, number{}));
    static_cast<void>(here.send(players[here.id().value], 1, number{}));
  }};
  SUBCASE("while nothing else is to do") {}
  SUBCASE("while lines never end") {
    flooding = true;
    for (std::size_t i = 0; i < 2; ++i) players[i] = open_on(*m, i, player);
    on(*m, 0, [&](core& here) { CHECK(here.send(players[1], 1, number{}) == send_result::ok); });
    wait_until(*m, 0, [&](core&) { return hits > 1000; });
  }
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  struct io_objects {
    boost::asio::steady_timer timer;
    boost::asio::posix::stream_descriptor source;
    std::array<char, 5> text{};
  };
  std::optional<io_objects> objects;
  int completed = 0;
  std::uint64_t hits_then = 0;
  on(*m, 0, [&](core& here) {
    boost::asio::io_context& context = **here.io();
    hits_then = hits;
    objects = io_objects{boost::asio::steady_timer{context}, boost::asio::posix::stream_descriptor{context, ends[0]}};
    const auto done = [&, me = std::this_thread::get_id()] {
      CHECK(std::this_thread::get_id() == me);
      CHECK(core::current() == &here);
      if (++completed == 2) here.home().request_stop();
    };
    objects->timer.expires_after(2ms);
    objects->timer.async_wait([done](const boost::system::error_code& failed) {
      CHECK_FALSE(failed);
      done();
    });
    objects->source.async_read_some(boost::asio::buffer(objects->text),
                                    [done](const boost::system::error_code& failed, std::size_t n) {
                                      CHECK_FALSE(failed);
                                      CHECK(n == 5);
                                      done();
                                    });
  });
  REQUIRE(::write(ends[1], "hello", 5) == 5);
  m->run();
  on(*m, 0, [&](core& here) {
    CHECK(completed == 2);
    CHECK(std::string(objects->text.data(), 5) == "hello");
    if (flooding) CHECK(hits > hits_then);
    objects.reset();
    static_cast<void>(here);
  });
  ::close(ends[1]);
}

TEST_CASE_TEMPLATE("a driver that stays in a handler is reported with the endpoint and the time", Kind,
                   COOPER_REAL_MACHINES) {
  const watchdog dog{60s};
  machine_options options = options_of<Kind>(2);
  options.stall_after = 30ms;
  const auto m = boot(options);
  std::atomic<bool> release{false};
  inbox slow{[&](core&, const line_view&) {
    while (!release) std::this_thread::yield();
  }};
  const address to = open_on(*m, 1, slow);
  on(*m, 0, [&](core& here) { CHECK(here.send(to, 1, number{}) == send_result::ok); });
  while (m->prometheus().find("cooper_stalls_total{core=\"1\"} 1\n") == std::string::npos) std::this_thread::yield();
  const core_status seen = m->status()[1];
  REQUIRE(seen.busy_endpoint);
  CHECK(*seen.busy_endpoint == to.slot);
  CHECK(seen.busy_for >= 30ms);
  CHECK(m->prometheus().find("cooper_stalls_total{core=\"0\"} 0\n") != std::string::npos);
  release = true;
  wait_until(*m, 1, [&](core& here) {
    for (const trace_event& event : here.trace().flight()) {
      if (event.kind == trace_kind::stall && event.slot == to.slot) return true;
    }
    return false;
  });
  CHECK_FALSE(m->status()[1].busy_endpoint == to.slot);
}
