// SPDX-License-Identifier: BSD-3-Clause
// A program of somebody else's: sees Cooper's installed headers and libraries, and nothing of its sources.
#include <cstdio>
#include <string>

#include <cooper/vocabulary/error.hpp>

namespace {

cooper::result<int> parse(const std::string& text) {
  if (text.empty()) return cooper::error{cooper::errc::malformed_input, "empty text"};
  return static_cast<int>(text.size());
}

}  // namespace

int main() {
  const auto good = parse("four");
  const auto bad = parse("");
  if (!good || good.value() != 4 || bad) return 1;
  std::printf("consumer: %s\n", bad.error().message().c_str());
  return bad.error().code() == cooper::errc::malformed_input ? 0 : 1;
}
