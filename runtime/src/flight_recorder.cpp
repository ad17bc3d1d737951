// SPDX-License-Identifier: BSD-3-Clause
// The flight recorder. Everything from on_signal() and on_assertion() down runs in a process that has just proved to be
// broken, on a signal stack: only system calls that are async-signal-safe, memory that was there before, and numbers
// formatted here. A second thread that crashes waits until the first has written; a crash inside the writing itself
// takes the signal's former course at once.
#include "flight_recorder.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string_view>

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cooper/vocabulary/assert.hpp>

namespace cooper {
namespace {

constexpr std::size_t ring_count_max = 2 * core_count_max;
constexpr std::uint64_t traced_events_max = 4096;  // of each core's full ring, the last ones
constexpr std::array crash_signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

std::array<std::atomic<const trace_ring*>, ring_count_max> rings;
std::atomic<std::uint32_t> rings_left_out{0};
std::array<struct sigaction, crash_signals.size()> former_actions;
std::mutex installing;
bool installed = false;
// Two buffers and an index, so that a crash during a change of directory reads one that is whole.
std::array<std::array<char, PATH_MAX>, 2> directories;
std::atomic<unsigned> directory_now{0};
std::atomic<long> writer_thread{0};
std::atomic<bool> written{false};

// Text into a file by write(2), collected in lines.
class safe_text {
 public:
  explicit safe_text(int file) : file_{file} {}
  ~safe_text() { flush(); }
  safe_text(const safe_text&) = delete;
  safe_text& operator=(const safe_text&) = delete;

  safe_text& operator<<(std::string_view s) {
    for (const char c : s) put(c);
    return *this;
  }
  safe_text& operator<<(std::uint64_t n) {
    std::array<char, 20> digits;
    std::size_t count = 0;
    do digits[count++] = static_cast<char>('0' + n % 10);
    while ((n /= 10) != 0);
    while (count != 0) put(digits[--count]);
    return *this;
  }
  safe_text& operator<<(std::int64_t n) {
    if (n < 0) put('-');
    return *this << (n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n));
  }
  safe_text& hex(std::uint64_t n) {
    *this << "0x";
    int shift = 60;
    while (shift > 0 && n >> shift == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) put("0123456789abcdef"[n >> shift & 15]);
    return *this;
  }
  void flush() {
    const char* from = text_.data();
    while (used_ != 0) {
      const ssize_t n = ::write(file_, from, used_);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      from += n;
      used_ -= static_cast<std::size_t>(n);
    }
    used_ = 0;
  }

 private:
  void put(char c) {
    if (used_ == text_.size()) flush();
    text_[used_++] = c;
  }

  int file_;
  std::size_t used_ = 0;
  std::array<char, 4096> text_;
};

std::string_view signal_name(int number) {
  switch (number) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGILL:
      return "SIGILL";
    case SIGFPE:
      return "SIGFPE";
    case SIGABRT:
      return "SIGABRT";
    default:
      return "an assertion";
  }
}

bool has_peer(trace_kind kind) {
  switch (kind) {
    case trace_kind::line_sent:
    case trace_kind::line_received:
    case trace_kind::handler_begin:
    case trace_kind::wake_sent:
    case trace_kind::bind:
    case trace_kind::close:
      return true;
    default:
      return false;
  }
}

void write_event(safe_text& out, const trace_event& e) {
  out << "  " << e.time_ns << " " << name_of(e.kind);
  if (has_peer(e.kind)) out << " peer=" << std::uint64_t{e.peer.value};
  if (e.slot != 0 || e.kind == trace_kind::stall || e.kind == trace_kind::handler_end) {
    out << " slot=" << std::uint64_t{e.slot};
  }
  if (e.flow != 0) (out << " flow=").hex(e.flow);
  out << " arg=" << e.arg << "\n";
}

void write_events(safe_text& out, std::string_view what, const detail::event_ring& ring, std::uint64_t count_max) {
  const std::uint64_t end = ring.head();
  std::uint64_t position = ring.oldest();
  if (end - position > count_max) position = end - count_max;
  out << " " << what << ": " << (end - position) << " of " << end << "\n";
  for (; position < end; ++position) {
    if (const std::optional<trace_event> event = ring.at(position)) write_event(out, *event);
  }
}

void write_rings(safe_text& out) {
  for (const auto& slot : rings) {
    // sync(flight.read) acquire <-> flight.enter: the ring is whole before we read it.
    const trace_ring* const ring = slot.load(std::memory_order_acquire);
    if (ring == nullptr) continue;
    out << "machine " << std::uint64_t{ring->machine()} << " core " << std::uint64_t{ring->owner().value} << "\n";
    write_events(out, "coarse events", ring->flight_ring(), trace_ring::flight_capacity);
    if (const detail::event_ring* const full = ring->full_ring()) {
      write_events(out, "traced events", *full, traced_events_max);
    }
  }
  // sync(flight.left_out) relaxed: a number by itself.
  if (const std::uint64_t n = rings_left_out.load(std::memory_order_relaxed)) out << n << " more cores left out\n";
}

// <directory>/cooper-crash-<pid>.txt, made by hand; the process may have forked since the directory was chosen.
void make_path(std::array<char, PATH_MAX + 64>& path) {
  // sync(flight.directory_read) acquire <-> flight.directory: the text is whole before its index.
  const char* const directory = directories[directory_now.load(std::memory_order_acquire)].data();
  std::size_t used = std::strlen(directory);
  std::memcpy(path.data(), directory, used);
  const auto append = [&](std::string_view s) {
    std::memcpy(path.data() + used, s.data(), s.size());
    used += s.size();
  };
  append("/cooper-crash-");
  std::array<char, 20> digits;
  std::size_t count = 0;
  auto pid = static_cast<std::uint64_t>(::getpid());
  do digits[digits.size() - ++count] = static_cast<char>('0' + pid % 10);
  while ((pid /= 10) != 0);
  append({digits.data() + digits.size() - count, count});
  append({".txt\0", 5});
}

void write_record(int signal_number, const void* address) {
  std::array<char, PATH_MAX + 64> path;
  make_path(path);
  const int file = ::open(path.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  safe_text to_user{STDERR_FILENO};
  if (file < 0) {
    to_user << "cooper: " << signal_name(signal_number) << "; the flight record cannot be written to " << path.data()
            << " (errno " << std::uint64_t{static_cast<unsigned>(errno)} << ")\n";
    return;
  }
  {
    safe_text out{file};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    out << "cooper flight record\nprocess " << std::int64_t{::getpid()} << " thread " << std::int64_t{::gettid()}
        << " ended by " << signal_name(signal_number);
    if (signal_number != 0 && signal_number != SIGABRT) {
      (out << " at address ").hex(reinterpret_cast<std::uintptr_t>(address));
    }
    out << "\nunix time " << std::int64_t{now.tv_sec} << "\n";
    out << "events are: time in ns of the core's clock, kind, peer core, endpoint slot, flow, argument\n";
    write_rings(out);
    out << "end of record\n";
  }
  ::close(file);
  to_user << "cooper: " << signal_name(signal_number) << "; the flight record is in " << path.data() << "\n";
}

// True if this thread has written the record, or somebody else has; false if the crash is in the writing itself.
void record_once(int signal_number, const void* address) {
  const long self = ::gettid();
  long nobody = 0;
  // sync(flight.claim) acq_rel <-> flight.claim: one thread writes; the others wait for `written`.
  if (writer_thread.compare_exchange_strong(nobody, self, std::memory_order_acq_rel)) {
    write_record(signal_number, address);
    // sync(flight.written) release <-> flight.written_read: the file is complete.
    written.store(true, std::memory_order_release);
    return;
  }
  if (nobody == self) return;  // a crash within the record: do not try again
  const timespec pause{0, 1'000'000};
  // sync(flight.written_read) acquire <-> flight.written: only then may this thread end the process.
  while (!written.load(std::memory_order_acquire)) ::nanosleep(&pause, nullptr);
}

void on_signal(int number, siginfo_t* info, void*) {
  const int saved_errno = errno;
  record_once(number, info->si_addr);
  // The former course: a sanitizer's report, or the default. A fault happens again when we return; a signal that was
  // sent is sent again, and arrives as soon as it is no longer blocked.
  for (std::size_t i = 0; i < crash_signals.size(); ++i) {
    if (crash_signals[i] == number) ::sigaction(number, &former_actions[i], nullptr);
  }
  if (info->si_code <= 0 || number == SIGABRT) ::raise(number);
  errno = saved_errno;
}

void on_assertion() noexcept { record_once(0, nullptr); }

result<void> check_directory(const std::string& directory) {
  if (directory.empty() || directory.size() >= PATH_MAX || directory.find('\0') != std::string::npos) {
    return error{errc::unwritable_output, "'" + directory + "' is no usable directory for flight records"};
  }
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  if (fd < 0 || ::access(directory.c_str(), W_OK | X_OK) != 0) {
    return error{errc::unwritable_output, directory + ": " + std::strerror(errno)};
  }
  return {};
}

}  // namespace

void detail::enter_flight_recorder(const trace_ring& ring) noexcept {
  for (auto& slot : rings) {
    const trace_ring* nobody = nullptr;
    // sync(flight.enter) release <-> flight.read: the ring is built before it can be found.
    if (slot.compare_exchange_strong(nobody, &ring, std::memory_order_release, std::memory_order_relaxed)) return;
  }
  // sync(flight.left_out) relaxed: a number by itself.
  rings_left_out.fetch_add(1, std::memory_order_relaxed);
}

void detail::leave_flight_recorder(const trace_ring& ring) noexcept {
  for (auto& slot : rings) {
    const trace_ring* self = &ring;
    // sync(flight.leave) relaxed: a crash at this very moment may read a ring that is going; it is a crash anyway.
    if (slot.compare_exchange_strong(self, nullptr, std::memory_order_relaxed)) return;
  }
  // sync(flight.left_out) relaxed: it was not in the list, so it was counted.
  rings_left_out.fetch_sub(1, std::memory_order_relaxed);
}

result<void> install_flight_recorder(const std::string& directory) {
  if (result<void> usable = check_directory(directory); !usable) return usable;
  const std::lock_guard lock{installing};
  // sync(flight.directory_own) relaxed: changed under the lock only.
  const unsigned next = 1 - directory_now.load(std::memory_order_relaxed);
  std::copy_n(directory.c_str(), directory.size() + 1, directories[next].data());
  // sync(flight.directory) release <-> flight.directory_read: the text before its index.
  directory_now.store(next, std::memory_order_release);
  if (installed) return {};
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < crash_signals.size(); ++i) {
    if (::sigaction(crash_signals[i], &action, &former_actions[i]) != 0) {
      return error{errc::io_failed, std::string{"sigaction: "} + std::strerror(errno)};
    }
  }
  cooper::detail::set_crash_hook(on_assertion);
  installed = true;
  return {};
}

crash_stack::crash_stack() {
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  constexpr std::size_t bytes = 64 * 1024;
  auto memory = std::make_unique<std::byte[]>(bytes);
  stack_t wanted{};
  wanted.ss_sp = memory.get();
  wanted.ss_size = bytes;
  if (::sigaltstack(&wanted, nullptr) == 0) memory_ = std::move(memory);
}

crash_stack::~crash_stack() {
  if (memory_ == nullptr) return;
  stack_t off{};
  off.ss_flags = SS_DISABLE;
  ::sigaltstack(&off, nullptr);
}

}  // namespace cooper
