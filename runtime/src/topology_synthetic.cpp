// SPDX-License-Identifier: BSD-3-Clause
// hwloc's synthetic notation before hwloc sees it: whether it can be meant so, and how many PUs it would make.
#include <hwloc.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>

#include <cooper/vocabulary/ids.hpp>

#include "topology_input.hpp"

namespace cooper::detail {
namespace {

constexpr std::size_t description_bytes_max = 4096;
constexpr const char* notation =
    "; the notation is levels 'type:count', the outermost first and pu last, e.g. 'package:2 l3:2 core:4 pu:2'";

error refuse(const std::string& description, const std::string& what) {
  return {errc::malformed_input, "synthetic machine '" + description.substr(0, 80) + "': " + what + notation};
}

// Past the bracket that closes the one at `at`; npos if there is none.
std::size_t past_bracket(std::string_view text, std::size_t at, char close) {
  const auto end = text.find(close, at);
  return end == text.npos ? end : end + 1;
}

// One level "type:count" or "count", without attributes: its count, or what is wrong.
std::optional<std::string> count_of(std::string_view level, std::uint64_t& count) {
  const auto colon = level.find(':');
  const auto digits = colon == level.npos ? level : level.substr(colon + 1);
  const std::string shown{level};
  if (colon != level.npos) {
    hwloc_obj_type_t type;
    const std::string name{level.substr(0, colon)};
    if (hwloc_type_sscanf(name.c_str(), &type, nullptr, 0) != 0) return "'" + name + "' is no type of object";
  } else if (level.empty() || std::isdigit(static_cast<unsigned char>(level.front())) == 0) {
    return "'" + shown + "' has no count";
  }
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (code == std::errc::result_out_of_range) return "the count of '" + shown + "' is too large";
  if (code != std::errc{}) return "the count of '" + shown + "' is no number";
  if (end != digits.data() + digits.size())
    return "in '" + shown + "', '" + std::string{end, digits.data() + digits.size()} +
           "' after the count is not understood";
  if (count == 0) return "the count of '" + shown + "' is zero";
  return std::nullopt;
}

}  // namespace

result<void> check_synthetic(const std::string& description) {
  if (description.size() > description_bytes_max)
    return refuse(description, "it is longer than " + std::to_string(description_bytes_max) + " characters");
  const std::string_view text = description;
  const auto too_many = [&](const char* things) {
    return error{errc::too_large, "synthetic machine '" + description.substr(0, 80) + "' has more than " +
                                      std::to_string(core_count_max) + things};
  };
  std::uint64_t pus = 1, attached = 0;
  std::string_view last;
  for (std::size_t at = 0; at < text.size();) {
    if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
      ++at;
      continue;
    }
    if (text[at] == '[' || text[at] == '(') {
      // One of these for each object of the level before it.
      if (text[at] == '[' && (attached += pus) > core_count_max) return too_many(" memories");
      at = past_bracket(text, at, text[at] == '[' ? ']' : ')');
      if (at == text.npos) return refuse(description, "a bracket is not closed");
      continue;
    }
    const auto end = std::min(text.find_first_of(" \t\r\n([", at), text.size());
    std::uint64_t count = 0;
    if (auto wrong = count_of(text.substr(at, end - at), count)) return refuse(description, *wrong);
    pus = count > core_count_max ? core_count_max + 1 : pus * count;
    if (pus > core_count_max) return too_many(" PUs");
    last = text.substr(at, end - at);
    at = end;
  }
  if (last.empty()) return refuse(description, "it has no level");
  hwloc_obj_type_t type = HWLOC_OBJ_PU;
  const std::string name{last.substr(0, last.find(':'))};
  // A level without a type is a mere number; hwloc finds out what it is.
  if (hwloc_type_sscanf(name.c_str(), &type, nullptr, 0) == 0 && type != HWLOC_OBJ_PU)
    return refuse(description, "its last level is '" + name + "', not 'pu'");
  return {};
}

}  // namespace cooper::detail
