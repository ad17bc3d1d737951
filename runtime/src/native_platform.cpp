// SPDX-License-Identifier: BSD-3-Clause
#include "native_platform.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <system_error>

#include <cooper/runtime/footprint.hpp>

namespace cooper::detail {

native_sleeper::native_sleeper() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
  descriptor_.assign(fd);
  bell_.fd = fd;
  footprint::declare(&bell_.signalled_at, sizeof bell_.signalled_at, footprint::rule::many_writers);
  read_again();
}

native_sleeper::~native_sleeper() = default;

void native_sleeper::signal() noexcept {
  bell_.signalled_at.store(native::now().ns, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  // An eventfd at its limit is readable already, which is all that is wanted.
  static_cast<void>(::write(bell_.fd, &one, sizeof one) == sizeof one);
}

void native_sleeper::read_again() {
  descriptor_.async_read_some(boost::asio::buffer(&buffer_, sizeof buffer_),
                              [this](const boost::system::error_code& failed, std::size_t) {
                                if (failed == boost::asio::error::operation_aborted) return;
                                signalled_ = true;
                                ++own_completions_;
                                read_again();
                              });
}

void native_sleeper::arm(instant deadline) {
  if (deadline == armed_) return;
  armed_ = deadline;
  if (deadline == never) {
    timer_.cancel();
    return;
  }
  const duration left = deadline - native::now();
  timer_.expires_after(std::max(left, duration::zero()));
  timer_.async_wait([this](const boost::system::error_code& failed) {
    ++own_completions_;
    if (!failed) armed_ = never;
  });
}

bool native_sleeper::wait(instant deadline) {
  arm(deadline);
  signalled_ = false;
  context_.run_one();
  if (signalled_) {
    const duration took = native::now() - instant{bell_.signalled_at.load(std::memory_order_relaxed)};
    // A signal from before the wait measures nothing; one beyond a second measures a stopped machine.
    if (took > duration::zero() && took < std::chrono::seconds{1}) wake_cost_ += (took - wake_cost_) / 8;
  }
  return signalled_;
}

bool native_sleeper::poll() {
  own_completions_ = 0;
  return context_.poll() > own_completions_;
}

}  // namespace cooper::detail
