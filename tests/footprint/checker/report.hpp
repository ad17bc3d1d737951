// SPDX-License-Identifier: BSD-3-Clause
// What the footprint check has found, in words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lines.hpp"

namespace cooper::footprint {

// What was found since the last call, in this process. Any thread.
std::size_t take_violations(violation* out, std::size_t room);

// While it lives, nothing that the calling thread touches is looked at.
struct ignored {
  ignored();
  ~ignored();
  ignored(const ignored&) = delete;
  ignored& operator=(const ignored&) = delete;
};

struct finding {
  violation what;
  std::string text;  // both cores, both places, the address, and what to do
  // The namespace of the library whose code, and not ours, made one of the accesses; empty if ours made both.
  std::string made_in;
};

// Takes what was found and explains it (addr2line). `libraries` are namespaces as "caf::" whose own sharing is known.
std::vector<finding> explain_violations(std::span<const std::string_view> libraries = {});

}  // namespace cooper::footprint
