// SPDX-License-Identifier: BSD-3-Clause
// What the data for hostile_test.cpp are made of.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cooper::test {

// What may become of a question.
enum class outcome {
  refused,    // forbidden, or unknown: what is not loaded is not there
  malformed,  // no goal, or no text
  failed,     // an error of the question's own, with the engine's words
  stopped,    // by a limit: which one is the machine's affair
  too_much,   // an answer over its limit
  too_large,  // the text itself
  answered,   // it only looks dangerous
  survived,   // anything
};

struct questions {
  std::string_view about;
  outcome expected;
  std::vector<std::string> texts;
};

inline std::string times(std::size_t n, std::string_view what) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += what;
  return out;
}

// A text that counts: f(0)f(1)f(2)...
inline std::string counted(std::size_t n, const std::function<std::string(std::string)>& one) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += one(std::to_string(i));
  return out;
}

}  // namespace cooper::test
