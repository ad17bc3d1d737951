// SPDX-License-Identifier: BSD-3-Clause
#include "text_gate.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace cooper::skb {
namespace {

// The bytes of the UTF-8 character that a text begins with; 0: it does not begin with one.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  if (byte(0) < 0x80) return 1;
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Longer than need be, half of a pair, and beyond Unicode.
  if (byte(0) == 0xe0 && byte(1) < 0xa0) return 0;
  if (byte(0) == 0xed && byte(1) >= 0xa0) return 0;
  if (byte(0) == 0xf0 && byte(1) < 0x90) return 0;
  if (byte(0) == 0xf4 && byte(1) >= 0x90) return 0;
  return size;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

bool is_name_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// Follows quotes, comments and brackets as SWI-Prolog does, in texts where there is no doubt about them.
class follower {
 public:
  explicit follower(std::string_view text) : text_{text} {}

  // Words, or nothing; at() is where.
  std::string_view mistake() {
    while (at_ < text_.size()) {
      const std::string_view wrong = step();
      if (!wrong.empty()) return wrong;
    }
    return {};
  }
  std::size_t at() const { return at_; }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  char before(std::size_t back) const { return at_ >= back ? text_[at_ - back] : '\0'; }

  std::string_view step() {
    switch (peek(0)) {
      case '(':
      case '[':
      case '{':
        if (peek(0) == '{' && peek(1) == '|') return "quasi quotations are not accepted";
        if (++depth_ > nesting_max) return "brackets in too many brackets";
        break;
      case ')':
      case ']':
      case '}':
        depth_ -= depth_ > 0 ? 1 : 0;
        break;
      case '%':
        at_ = std::min(text_.find('\n', at_), text_.size());
        return {};
      case '/':
        if (peek(1) == '*') return comment();
        break;
      case '\'':
        if (is_name_byte(before(1))) return character_code();
        return quoted('\'');
      case '"':
      case '`':
        return quoted(peek(0));
      default:
        break;
    }
    ++at_;
    return {};
  }

  std::string_view comment() {
    constexpr std::string_view symbols = "#$&*+-./:<=>?@^~\\";
    if (before(1) != '\0' &&
        (symbols.find(before(1)) != symbols.npos || static_cast<unsigned char>(before(1)) >= 0x80)) {
      return "a comment needs a space before it here";
    }
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == text_.npos) return "a comment without its end";
    at_ = end + 2;
    return {};
  }

  // 0'c, 0''', 0'\n: no other quote follows a name or a number.
  std::string_view character_code() {
    if (before(1) != '0' || is_name_byte(before(2)) || before(2) == '.') return "a quote needs a space before it here";
    const bool two = peek(1) == '\\' || (peek(1) == '\'' && peek(2) == '\'');
    if (peek(1) == '\0' || peek(1) == '\n' || (two && peek(2) == '\n') || (peek(1) == '\'' && !two)) {
      return "0' without its character";
    }
    at_ += two ? 3 : 2;
    at_ = std::min(at_, text_.size());
    return {};
  }

  std::string_view quoted(char mark) {
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        i = escape_end(i + 1);
        if (i == text_.npos) return "\\x without its digits";
      } else if (text_[i] == '\n') {
        return "a quote without its end on the same line";
      } else if (text_[i] == mark) {
        at_ = i + 1;
        return {};
      }
    }
    return "a quote without its end";
  }

  // The last character of what stands after a backslash in quotes: one, or \x41\ and \101\, whose last backslash may be
  // missing.
  std::size_t escape_end(std::size_t i) const {
    const auto digits_end = [&](std::size_t first, std::string_view digits) {
      return std::min(text_.find_first_not_of(digits, first), text_.size());
    };
    constexpr std::string_view octal = "01234567", hexadecimal = "0123456789abcdefABCDEF";
    std::size_t end = i;
    if (i < text_.size() && text_[i] == 'x') {
      end = digits_end(i + 1, hexadecimal);
      if (end == i + 1) return text_.npos;
    } else if (i < text_.size() && octal.find(text_[i]) != octal.npos) {
      end = digits_end(i, octal);
    } else {
      return i;
    }
    return end < text_.size() && text_[end] == '\\' ? end : end - 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

std::optional<text_mistake> mistake_in(std::string_view text) {
  const auto found = [&](std::size_t at, std::string_view words) {
    const auto before = text.substr(0, at);
    const auto line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    return text_mistake{.line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
                        .words = fmt::format("{}, at byte {} of its line", words, at - line_start + 1)};
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text.substr(at));
    if (size == 0) return found(at, "this is no UTF-8");
    const std::string_view character = text.substr(at, size);
    if (is_control(character) && character != "\t" && character != "\n" && character != "\r") {
      return found(at, "a control character");
    }
    at += size;
  }
  follower brackets{text};
  if (const auto words = brackets.mistake(); !words.empty()) return found(brackets.at(), words);
  return {};
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view cut = "...";
  std::string out;
  std::size_t whole = 0;  // of `out`, with which `cut` still fits
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) {
      out += '?';
    } else if (is_control(text.substr(0, size))) {
      out += ' ';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
    if (out.size() + cut.size() <= bytes_max) whole = out.size();
    if (out.size() > bytes_max) return out.substr(0, whole).append(cut);
  }
  return out;
}

}  // namespace cooper::skb
