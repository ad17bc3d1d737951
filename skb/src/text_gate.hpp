// SPDX-License-Identifier: BSD-3-Clause
// What a text must be before SWI-Prolog reads it, and what words must be before people read them. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cooper::skb {

// SWI-Prolog reads brackets in brackets by recursion, some 600 bytes of its thread's stack each, and does not look how
// much there is: sixty thousand of them end the process.
inline constexpr std::size_t nesting_max = 500;

struct text_mistake {
  std::size_t line;
  std::string words;
};
// The first thing for which a text is not given to SWI-Prolog: bytes that are not UTF-8, control characters, brackets
// in too many brackets; and what would hide brackets: a quote or a comment without its end, a quote over several lines,
// and the few places where it depends on much whether a quote or a comment begins.
std::optional<text_mistake> mistake_in(std::string_view text);

// For messages: control characters and what is not UTF-8 become spaces and question marks; cut after a whole character
// to so many bytes, "..." included.
std::string one_line(std::string_view text, std::size_t bytes_max);

}  // namespace cooper::skb
