// SPDX-License-Identifier: BSD-3-Clause
// Fields of JSON objects that may be missing or of another type: read without an exception.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace cooper::tools {

inline std::string text_of(const boost::json::object& from, std::string_view key, std::string_view otherwise = {}) {
  const boost::json::value* v = from.if_contains(key);
  return std::string{v != nullptr && v->is_string() ? std::string_view{v->get_string()} : otherwise};
}

inline std::optional<double> number_of(const boost::json::value& v) {
  if (!v.is_number()) return std::nullopt;
  return v.to_number<double>();
}

inline std::optional<double> number_of(const boost::json::object& from, std::string_view key) {
  const boost::json::value* v = from.if_contains(key);
  return v == nullptr ? std::nullopt : number_of(*v);
}

// A count: not negative, and exact above 2^53; 0 if there is none.
inline std::uint64_t count_of(const boost::json::object& from, std::string_view key) {
  const boost::json::value* v = from.if_contains(key);
  if (v == nullptr || !v->is_number()) return 0;
  boost::system::error_code failed;
  const auto n = v->to_number<std::uint64_t>(failed);
  return failed ? 0 : n;
}

inline bool flag_of(const boost::json::object& from, std::string_view key) {
  const boost::json::value* v = from.if_contains(key);
  return v != nullptr && v->is_bool() && v->get_bool();
}

}  // namespace cooper::tools
