// SPDX-License-Identifier: BSD-3-Clause
// Files with mistakes in them, made from good ones.
#pragma once

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <cooper/vocabulary/random.hpp>

namespace cooper::test {

// The first place of `right`, which must be there, made wrong.
inline std::string with_mistake(std::string text, const std::string& right, const std::string& wrong) {
  const auto at = text.find(right);
  REQUIRE_MESSAGE(at != std::string::npos, right);
  return text.replace(at, right.size(), wrong);
}

// One to four changes of a few bytes, drawn: bytes that mean something in TOML, and some that are no text.
inline std::string mutated(std::string text, cooper::random& draw) {
  // With the zero byte in it.
  static constexpr char bytes[] =
      "[]{}=.,\"'#\n\\ \t019-+eE_nanixf\x80\xc3\x00u"
      "\r";
  static const std::string alphabet{bytes, sizeof bytes - 1};
  for (std::uint64_t change = 0, changes = 1 + draw.below(4); change < changes && !text.empty(); ++change) {
    const std::size_t at = draw.below(text.size());
    const char c = alphabet[draw.below(alphabet.size())];
    switch (draw.below(5)) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.insert(at, draw.below(8) == 0 ? 40 : 1, c);
        break;
      case 2:
        text.erase(at, 1 + draw.below(20));
        break;
      case 3:
        text.insert(at, text.substr(draw.below(text.size()), draw.below(60)));
        break;
      default:
        text.resize(at + 1);
    }
  }
  return text;
}

}  // namespace cooper::test
