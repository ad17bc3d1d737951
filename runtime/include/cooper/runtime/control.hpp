// SPDX-License-Identifier: BSD-3-Clause
// Asking a running machine, in this or another process, over its control socket.
//
// Sockets stand in $XDG_RUNTIME_DIR/cooper/, or /tmp/cooper-<uid>/ without it: <pid>.sock for the first machine of a
// process, <pid>-<n>.sock for the others. One request is one line of at most 256 bytes: status, metrics, trace,
// trace on, trace off, help. The answer is a line "ok <bytes>" and that many bytes, or a line "error <what>"; then the
// machine closes. Any thread; these calls wait for the other side, up to their timeout.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper {

struct running_machine {
  std::int64_t pid;
  unsigned index;  // of the machine in its process
  std::string path;
};

// Where this user's sockets stand; the directory need not exist.
std::string control_directory();

// Every machine of this user that accepts a connection now, by pid and index. Empty if there is none.
std::vector<running_machine> list_running();

// `whom`: a path (it contains a slash), a pid, or pid-index. The body of the answer. Errors: socket_unavailable,
// io_failed (cut off, timed out), bad_option (the machine refused the request, in its words).
result<std::string> ask(std::string_view whom, std::string_view request, duration timeout = std::chrono::seconds{10});

}  // namespace cooper
