// SPDX-License-Identifier: BSD-3-Clause
// The service thread of a machine: answers on its control socket, and runs one periodic callback.
//
// Private to runtime; machine owns one. Its callbacks run on the service thread, one at a time, and must not wait for
// a driver without a limit, or stop() waits with them. Without clients and without a periodic callback the thread
// never wakes up. The protocol is in cooper/runtime/control.hpp. What a client can cost is bounded: 8 at once,
// 256 bytes of request, 5 seconds of patience without progress.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper {

// What the verbs do. An empty one is answered with an error line.
struct control_verbs {
  std::function<std::string()> status;   // JSON
  std::function<std::string()> metrics;  // Prometheus text
  std::function<std::string()> trace;    // Chrome JSON
  std::function<result<void>(bool on)> set_tracing;
};

struct control_options {
  bool listen = true;              // false: only the periodic callback
  std::string directory;           // empty: control_directory()
  duration period{0};              // zero: no callback
  std::function<void()> periodic;  // must not throw
  duration client_patience = std::chrono::seconds{5};
};

class control_socket {
 public:
  // Opens the socket and starts the thread. Errors: socket_unavailable (the directory is not ours or not private, or
  // the address cannot be bound), thread_failed.
  static result<std::unique_ptr<control_socket>> start(control_verbs verbs, control_options options = {});
  ~control_socket();  // stops
  control_socket(const control_socket&) = delete;
  control_socket& operator=(const control_socket&) = delete;

  // Where it listens, or did until it was stopped; empty if it never listened.
  const std::string& path() const noexcept;
  // Drops every client and ends the thread; returns when a callback that runs now has returned. Idempotent.
  // Not from a callback.
  void stop();

 private:
  struct body;
  control_socket(std::unique_ptr<body> b, std::string path);
  std::unique_ptr<body> body_;  // null once stopped
  std::string path_;
};

}  // namespace cooper
