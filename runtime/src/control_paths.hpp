// SPDX-License-Identifier: BSD-3-Clause
// The names of control sockets, for both ends. Private to runtime; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/un.h>

#include <cooper/runtime/control.hpp>

namespace cooper::control {

inline constexpr std::size_t request_bytes_max = 256;

// <pid>.sock, or <pid>-<index>.sock from the second machine of a process on.
std::string file_name(std::int64_t pid, unsigned index);
// Pid and index of such a name; nothing if it is another kind of name.
std::optional<running_machine> parse_file_name(std::string_view name);
// Every such name in a directory, sorted; empty if it cannot be read.
std::vector<running_machine> sockets_in(const std::string& directory);

// Too long a path is no address.
std::optional<sockaddr_un> address_of(const std::string& path);

// A connected non-blocking socket, or -1 and errno.
int connect_to(const std::string& path);
// Whether somebody accepts connections there.
bool answers(const std::string& path);

}  // namespace cooper::control
