// SPDX-License-Identifier: BSD-3-Clause
// The numbers of a profile by the names that its file has for them, and what may not be; shared by reading, writing and
// checking.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <cooper/runtime/profile.hpp>

namespace cooper::detail {

inline constexpr std::int64_t profile_format_version = 1;
inline constexpr cost cost_max = std::chrono::seconds{1};
inline constexpr std::uint32_t burst_max = 1'000'000;

struct link_field {
  std::string_view key;
  cost link_costs::*at;
};
inline constexpr std::array link_fields{
    link_field{"send", &link_costs::send},       link_field{"send_more", &link_costs::send_more},
    link_field{"gap", &link_costs::gap},         link_field{"transit", &link_costs::transit},
    link_field{"receive", &link_costs::receive}, link_field{"first", &link_costs::first},
    link_field{"credit", &link_costs::credit},   link_field{"fetch", &link_costs::fetch},
    link_field{"move", &link_costs::move}};
// What a file need not say: it is 0 then.
constexpr bool may_be_left_out(const link_field& f) {
  return f.at == &link_costs::gap || f.at == &link_costs::first || f.at == &link_costs::credit;
}

struct driver_field {
  std::string_view key;
  cost profile::*at;
};
inline constexpr std::array driver_fields{
    driver_field{"turn", &profile::turn},         driver_field{"look", &profile::look},
    driver_field{"dispatch", &profile::dispatch}, driver_field{"signal", &profile::signal},
    driver_field{"wake", &profile::wake},         driver_field{"park", &profile::park}};

// Calls one(path) for each number in the order of a file, "links.self.send" to "work.timer"; `burst` stands behind
// send_more.
void for_each_path(const std::function<void(const std::string& path)>& one);

// Which number is wrong, and why.
struct wrong_number {
  std::string key;
  std::string words;
};
std::optional<wrong_number> wrong_in(const link_costs& costs);  // the key without its class
std::optional<wrong_number> wrong_in_driver(const profile& p);  // "turn"; the key without "driver."

// What a command line can say without quotes.
bool is_profile_name(std::string_view name);

}  // namespace cooper::detail
