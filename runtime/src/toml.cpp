// SPDX-License-Identifier: BSD-3-Clause
// toml11 is known to this file only. It recurses once a bracket and once a dot, so what it is given is measured before:
// brackets, values, and the bytes of a line.
#include <cooper/runtime/toml.hpp>

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>
#include <sstream>

#include <fmt/format.h>
#include <toml.hpp>

#include <cooper/vocabulary/nearest.hpp>

#include "printable.hpp"
#include "topology_input.hpp"

namespace cooper {
namespace {

error malformed(const std::string& called, std::size_t line, std::string_view what) {
  return {errc::malformed_input, fmt::format("{}:{}: {}", detail::printable(called), line, what)};
}

struct mistake {
  std::size_t line;
  std::string words;
};

// Lines that are too long, and bytes that are no text. A carriage return may end a line.
std::optional<mistake> mistake_of_lines(std::string_view text) {
  std::size_t number = 1;
  for (std::size_t at = 0; at <= text.size(); ++number) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::string line{text.substr(at, end - at)};
    if (line.size() > toml_line_bytes_max) {
      return mistake{number, fmt::format("the line is longer than {} bytes; break it", toml_line_bytes_max)};
    }
    if (end < text.size() && line.ends_with('\r')) line.pop_back();
    std::replace(line.begin(), line.end(), '\t', ' ');
    if (detail::printable(line) != line) {
      return mistake{number, "the line holds a byte that is not UTF-8, or a character that cannot be seen; remove it"};
    }
    at = end + 1;
  }
  return std::nullopt;
}

// Follows strings and comments as TOML has them, and counts what stands outside of them. Where a text is not TOML it
// may go astray, but the parser stops there.
class measure {
 public:
  explicit measure(std::string_view text) : text_{text} {}

  std::optional<mistake> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\n') ++line_;
      if (c == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      if (c == '"' || c == '\'') skip_string(c);
      if (c == '[' || c == '{') ++depth_;
      if ((c == ']' || c == '}') && depth_ > 0) --depth_;
      if (c == '=' || c == ',') ++values_;
      if (depth_ > toml_depth_max) {
        return mistake{line_, fmt::format("brackets are nested more than {} deep", toml_depth_max)};
      }
      if (values_ > toml_values_max) {
        return mistake{line_, fmt::format("there are more than {} values up to here", toml_values_max)};
      }
    }
    return std::nullopt;
  }

 private:
  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool long_one = text_.substr(at_ - 1, 3) == three;
    if (long_one) at_ += 2;
    while (at_ < text_.size()) {
      if (!long_one && text_[at_] == '\n') return;  // no TOML
      if (long_one && text_.substr(at_, 3) == three) {
        at_ += 3;
        // Up to two more of them belong to the string.
        for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      }
      const char c = text_[at_++];
      if (!long_one && c == quote) return;
      if (c == '\n') ++line_;
      if (c == '\\' && quote == '"' && at_ < text_.size()) {
        if (text_[at_] == '\n') ++line_;
        ++at_;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
};

using theirs = toml::basic_value<toml::discard_comments, std::unordered_map, std::vector>;

toml_value ours(const theirs& from, std::size_t depth, std::optional<mistake>& wrong) {
  toml_value to;
  to.line = static_cast<std::uint32_t>(from.location().line());
  if (depth > 2 * toml_depth_max) {
    if (!wrong) wrong = mistake{to.line, "tables are nested too deep"};
    return to;
  }
  switch (from.type()) {
    case toml::value_t::boolean:
      to.is = from.as_boolean();
      break;
    case toml::value_t::integer:
      to.is = from.as_integer();
      break;
    case toml::value_t::floating:
      to.is = from.as_floating();
      break;
    case toml::value_t::string:
      to.is = from.as_string().str;
      break;
    case toml::value_t::array: {
      toml_value::array all;
      for (const theirs& one : from.as_array()) all.push_back(ours(one, depth + 1, wrong));
      to.is = std::move(all);
      break;
    }
    case toml::value_t::table: {
      toml_value::table all;
      for (const auto& [key, one] : from.as_table()) all.emplace_back(key, ours(one, depth + 1, wrong));
      // Theirs are in no order that two machines would agree on.
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return std::pair{a.second.line, std::string_view{a.first}} <
               std::pair{b.second.line, std::string_view{b.first}};
      });
      to.is = std::move(all);
      break;
    }
    default:
      to.is = toml_value::moment{};
  }
  return to;
}

// toml11 says what it means in a picture of several lines: its first line, and the last words beside an arrow.
std::string words_of(const std::string& picture) {
  std::string head = picture.substr(0, picture.find('\n'));
  if (head.starts_with("[error] ")) head.erase(0, 8);
  if (head.starts_with("toml::")) head.erase(0, head.find(": ") == head.npos ? head.size() : head.find(": ") + 2);
  std::string hint;
  for (const std::string_view arrow : {"^--- ", "~~~ "}) {
    const auto at = picture.rfind(arrow);
    if (at == picture.npos || !hint.empty()) continue;
    const auto begin = at + arrow.size();
    hint = picture.substr(begin, std::min(picture.find('\n', begin), picture.size()) - begin);
  }
  if (hint == "here") hint.clear();
  if (head.ends_with('.')) head.pop_back();
  return head + (head.empty() || hint.empty() ? "" : "; ") + hint;
}

}  // namespace

toml_value::toml_value() : is{table{}}, line{1} {}
toml_value::toml_value(const toml_value&) = default;
toml_value::toml_value(toml_value&&) noexcept = default;
toml_value& toml_value::operator=(const toml_value&) = default;
toml_value& toml_value::operator=(toml_value&&) noexcept = default;
toml_value::~toml_value() = default;

result<toml_value> parse_toml(std::string_view text, const std::string& called) {
  if (text.empty()) return malformed(called, 1, "it is empty");
  if (text.size() > toml_bytes_max) return malformed(called, 1, "it is larger than 1 MiB");
  try {
    if (const auto wrong = mistake_of_lines(text)) return malformed(called, wrong->line, wrong->words);
    if (const auto wrong = measure{text}.run()) return malformed(called, wrong->line, wrong->words);
    std::istringstream in{std::string{text}};
    std::optional<mistake> wrong;
    toml_value root = ours(toml::parse<toml::discard_comments>(in, "text"), 0, wrong);
    root.line = 1;
    if (wrong) return malformed(called, wrong->line, wrong->words);
    return root;
  } catch (const toml::exception& e) {
    return malformed(called, e.location().line(), "this is not TOML: " + detail::printable(words_of(e.what()), 300));
  } catch (const std::bad_alloc&) {
    return error{errc::out_of_memory, fmt::format("{} does not fit", detail::printable(called))};
  } catch (const std::exception& e) {
    return malformed(called, 1, "this is not TOML: " + detail::printable(words_of(e.what()), 300));
  }
}

result<toml_value> read_toml(const std::filesystem::path& file) {
  const auto text = detail::read_text_file(file, toml_bytes_max);
  if (!text) return text.error();
  return parse_toml(*text, file.string());
}

void toml_complaints::say(std::uint32_t line, std::string_view what) {
  if (!first_) first_ = malformed(called_, line, what);
}

toml_table::toml_table(const toml_value& of, std::string path, const std::vector<std::string>& keys,
                       toml_complaints& wrong)
    : members_{of.as<toml_value::table>()}, path_{std::move(path)}, line_{of.line}, wrong_{wrong} {
  static const toml_value::table none;
  if (members_ == nullptr) {
    wrong_.say(line_, fmt::format("'{}' is {}; write a table, [{}]", path_.substr(0, path_.size() - 1), kind_of(of),
                                  path_.substr(0, path_.size() - 1)));
    members_ = &none;
  }
  for (const auto& [key, value] : *members_) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    const std::string shown = detail::printable(key, 60);
    const auto meant = nearest_name(key, keys);
    const std::string remedy = meant          ? fmt::format("did you mean '{}'?", *meant)
                               : keys.empty() ? "it has no keys"
                                              : fmt::format("it has {}", fmt::join(keys, ", "));
    wrong_.say(value.line, fmt::format("there is no key '{}{}'; {}", path_, shown, remedy));
  }
}

const toml_value* toml_table::find(std::string_view key) const {
  const auto at = std::find_if(members_->begin(), members_->end(), [&](const auto& m) { return m.first == key; });
  return at == members_->end() ? nullptr : &at->second;
}

const toml_value* toml_table::need(std::string_view key) {
  const toml_value* found = find(key);
  if (found == nullptr) wrong_.say(line_, fmt::format("'{}{}' is missing; add it", path_, key));
  return found;
}

std::string toml_table::text(std::string_view key) { return need(key) == nullptr ? std::string{} : text_or(key, {}); }

std::string toml_table::text_or(std::string_view key, std::string otherwise) {
  const toml_value* found = find(key);
  if (found == nullptr) return otherwise;
  const auto* is = found->as<std::string>();
  if (is != nullptr && is_toml_text(*is)) return *is;
  if (is == nullptr) {
    complain(key, fmt::format("is {}; write a text in quotes", kind_of(*found)));
  } else {
    complain(key, fmt::format("is not one line of at most {} bytes; shorten it", toml_text_bytes_max));
  }
  return otherwise;
}

std::int64_t toml_table::whole(std::string_view key, std::int64_t least, std::int64_t most) {
  return need(key) == nullptr ? least : whole_or(key, least, most, least);
}

std::int64_t toml_table::whole_or(std::string_view key, std::int64_t least, std::int64_t most, std::int64_t otherwise) {
  const toml_value* found = find(key);
  if (found == nullptr) return otherwise;
  const auto* is = found->as<std::int64_t>();
  if (is != nullptr && *is >= least && *is <= most) return *is;
  const std::string shown = is == nullptr ? std::string{kind_of(*found)} : std::to_string(*is);
  complain(key, fmt::format("is {}; write a whole number from {} to {}", shown, least, most));
  return otherwise;
}

double toml_table::number(std::string_view key, double least, double most) {
  const toml_value* found = need(key);
  if (found == nullptr) return least;
  double is = std::nan("");
  if (const auto* whole = found->as<std::int64_t>()) is = static_cast<double>(*whole);
  if (const auto* broken = found->as<double>()) is = *broken;
  if (is >= least && is <= most) return is;
  complain(key, fmt::format("is {}; write a number from {} to {}",
                            std::isnan(is) ? std::string{kind_of(*found)} : fmt::format("{}", is), least, most));
  return least;
}

void toml_table::complain(std::string_view key, std::string_view what) {
  const toml_value* found = find(key);
  wrong_.say(found == nullptr ? line_ : found->line, fmt::format("'{}{}' {}", path_, key, what));
}

std::string_view kind_of(const toml_value& value) noexcept {
  switch (value.is.index()) {
    case 0:
      return "true or false";
    case 1:
      return "a whole number";
    case 2:
      return std::isfinite(*value.as<double>()) ? "a number" : "no finite number";
    case 3:
      return "a text";
    case 4:
      return "a date or time";
    case 5:
      return "an array";
    default:
      return "a table";
  }
}

bool is_toml_text(std::string_view text) {
  return text.size() <= toml_text_bytes_max && detail::printable(text) == text;
}

std::string toml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

}  // namespace cooper
