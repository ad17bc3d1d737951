// SPDX-License-Identifier: BSD-3-Clause
// TOML files of ours (profiles, scenarios), read as a stranger's: every value knows its line, every mistake is told
// with file, line and remedy, and nothing in a file can crash or occupy the reader for long.
//
//   const auto root = read_toml("x.toml");             // the whole tree, or an error with its place
//   toml_complaints wrong{"x.toml"};
//   toml_table top{*root, "", {"name", "seed"}, wrong};  // other keys are complained of
//   const std::string name = top.text("name");         // harmless values after a complaint; look at the end
//   if (wrong) return wrong.first();
//
// Any thread; a tree is a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <cooper/vocabulary/error.hpp>

namespace cooper {

// Larger files, and files of more values, are refused: what people write by hand is smaller.
inline constexpr std::size_t toml_bytes_max = 1u << 20;
inline constexpr std::size_t toml_values_max = 10'000;
inline constexpr std::size_t toml_line_bytes_max = 2'000;
inline constexpr std::size_t toml_depth_max = 8;
// The longest text that one of our files may hold.
inline constexpr std::size_t toml_text_bytes_max = 1'000;

struct toml_value {
  struct moment {};  // a date or a time: none of our files has one
  using array = std::vector<toml_value>;
  using table = std::vector<std::pair<std::string, toml_value>>;  // by line, then by name
  std::variant<bool, std::int64_t, double, std::string, moment, array, table> is;
  std::uint32_t line;

  // In the source, where the type is complete: with constexpr vectors clang 14 looks into them too early.
  toml_value();
  toml_value(const toml_value&);
  toml_value(toml_value&&) noexcept;
  toml_value& operator=(const toml_value&);
  toml_value& operator=(toml_value&&) noexcept;
  ~toml_value();

  template <class T>
  const T* as() const noexcept {
    return std::get_if<T>(&is);
  }
};

// Errors: unreadable_input (no such file, empty, over 1 MiB), malformed_input (with file and line).
result<toml_value> read_toml(const std::filesystem::path& file);
// `called` stands in messages where the file's name would.
result<toml_value> parse_toml(std::string_view text, const std::string& called);

// What is wrong with a file. The first complaint is the one that is told: the others often follow from it.
class toml_complaints {
 public:
  explicit toml_complaints(std::string called) : called_{std::move(called)} {}
  void say(std::uint32_t line, std::string_view what);
  explicit operator bool() const noexcept { return first_.has_value(); }
  const error& first() const { return *first_; }

 private:
  std::string called_;
  std::optional<error> first_;
};

// One table of a file, and the keys that it may have; `of` and the complaints outlive it.
class toml_table {
 public:
  // `path` is the table's name with a dot behind it, empty for the whole file. Complains of a value that is no table
  // and of every other key, with the nearest of those that there are.
  toml_table(const toml_value& of, std::string path, const std::vector<std::string>& keys, toml_complaints& wrong);

  std::uint32_t line() const noexcept { return line_; }
  // Null if it is not there.
  const toml_value* find(std::string_view key) const;
  // ... and complains of that.
  const toml_value* need(std::string_view key);
  // One line of printable text.
  std::string text(std::string_view key);
  std::string text_or(std::string_view key, std::string otherwise);
  std::int64_t whole(std::string_view key, std::int64_t least, std::int64_t most);
  std::int64_t whole_or(std::string_view key, std::int64_t least, std::int64_t most, std::int64_t otherwise);
  // Whole or not; never NaN.
  double number(std::string_view key, double least, double most);

  // At the key's line, or at the table's if the key is not there; the key is named.
  void complain(std::string_view key, std::string_view what);
  toml_complaints& complaints() { return wrong_; }
  std::string path_of(std::string_view key) const { return path_ + std::string{key}; }

 private:
  const toml_value::table* members_;
  std::string path_;
  std::uint32_t line_;
  toml_complaints& wrong_;
};

// "a text", "a whole number", ...: for complaints.
std::string_view kind_of(const toml_value& value) noexcept;
// One line of printable text, as our files hold; no longer than toml_text_bytes_max.
bool is_toml_text(std::string_view text);
// In quotes, with what must be escaped.
std::string toml_quoted(std::string_view text);

}  // namespace cooper
