// SPDX-License-Identifier: BSD-3-Clause
// Profiles as values: names, checks, and how one is written. Reading is in profile_file.cpp.
#include <cooper/runtime/profile.hpp>

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <cooper/runtime/toml.hpp>
#include <cooper/vocabulary/nearest.hpp>

#include "profile_fields.hpp"
#include "profile_texts.hpp"

namespace cooper {
namespace {

using detail::driver_fields;
using detail::link_fields;

constexpr std::array<std::string_view, work_count> work_names{
    "line", "call", "answer", "coroutine", "parcel_sent", "parcel_received", "spawn", "timer"};

std::optional<std::string> wrong_cost(cost c) {
  if (c < cost::zero()) return "is negative; a cost is 0 or more";
  if (c > detail::cost_max) return "is over 1 s; no cost is";
  return std::nullopt;
}

// Nanoseconds, with as many digits behind the point as there are picoseconds.
std::string ns_of(cost c) {
  const std::int64_t whole = c.count() / 1000, rest = c.count() % 1000;
  if (rest == 0) return std::to_string(whole);
  std::string digits = fmt::format("{:03}", rest);
  while (digits.back() == '0') digits.pop_back();
  return fmt::format("{}.{}", whole, digits);
}

class writer {
 public:
  explicit writer(const profile& p) : p_{p} {}

  std::string run() {
    out_ = fmt::format("cooper_profile = {}\nname = {}\n", detail::profile_format_version, toml_quoted(p_.name));
    if (!p_.words.empty()) out_ += fmt::format("words = {}\n", toml_quoted(p_.words));
    out_ += fmt::format("origin = {}\n", toml_quoted(name_of(p_.origin)));
    if (!p_.topology.empty()) out_ += fmt::format("topology = {}\n", toml_quoted(p_.topology));
    for (std::size_t i = 0; i < link_class_count; ++i) link(static_cast<link_class>(i));
    begin("driver");
    for (const auto& field : driver_fields) row(field.key, "cost", ns_of(p_.*field.at));
    begin("work");
    for (std::size_t i = 0; i < work_count; ++i) row(work_names[i], "cost", ns_of(p_.works[i]));
    return std::move(out_);
  }

 private:
  void begin(std::string table) {
    out_ += fmt::format("\n[{}]\n", table);
    table_ = std::move(table);
  }

  void link(link_class c) {
    begin(fmt::format("links.{}", name_of(c)));
    const link_costs& costs = p_.link(c);
    for (const auto& field : link_fields) {
      if (field.at == &link_costs::send_more && costs.burst == 0) continue;
      row(field.key, "cost", ns_of(costs.*field.at));
      if (field.at == &link_costs::send_more) row("burst", "lines", std::to_string(costs.burst));
    }
  }

  void row(std::string_view key, std::string_view what, const std::string& number) {
    const std::string path = fmt::format("{}.{}", table_, key);
    const auto mark = std::find_if(p_.marks.begin(), p_.marks.end(), [&](const auto& m) { return m.first == path; });
    if (mark == p_.marks.end()) {
      out_ += fmt::format("{} = {}\n", key, number);
    } else {
      out_ += fmt::format("{} = {{{} = {}, mark = {}}}\n", key, what, number, toml_quoted(mark->second));
    }
  }

  const profile& p_;
  std::string out_;
  std::string table_;
};

// Each mark belongs to a number that is written, once and in order.
std::optional<std::string> wrong_marks(const profile& p) {
  std::size_t next = 0;
  detail::for_each_path([&](const std::string& path) {
    if (next < p.marks.size() && p.marks[next].first == path) ++next;
  });
  if (next < p.marks.size()) {
    return fmt::format("the mark of '{}' is of no number, or not in its order", p.marks[next].first);
  }
  for (const auto& [path, words] : p.marks) {
    if (!is_toml_text(words)) return fmt::format("the mark of '{}' is not one line of printable text", path);
    for (std::size_t i = 0; i < link_class_count; ++i) {
      const auto c = static_cast<link_class>(i);
      const bool has_burst = p.link(c).burst > 0;
      if (!has_burst && (path == fmt::format("links.{}.burst", name_of(c)) ||
                         path == fmt::format("links.{}.send_more", name_of(c)))) {
        return fmt::format("the mark of '{}' is of no number: there is no burst", path);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> wrong_texts(const profile& p) {
  if (!detail::is_profile_name(p.name)) return "the name is not made of letters, digits, '_', '-' and '.'";
  if (!is_toml_text(p.words)) return "the words are not one line of printable text";
  if (p.topology.empty()) return std::nullopt;
  if (!is_toml_text(p.topology)) return "the topology is not one line of printable text";
  if (const auto where = topology::from_synthetic(p.topology); !where) return where.error().detail();
  return std::nullopt;
}

std::optional<std::string> wrong_in_profile(const profile& p) {
  if (auto words = wrong_texts(p)) return words;
  for (std::size_t i = 0; i < link_class_count; ++i) {
    const auto found = detail::wrong_in(p.links[i]);
    if (found) return fmt::format("links.{}.{} {}", name_of(static_cast<link_class>(i)), found->key, found->words);
  }
  if (const auto found = detail::wrong_in_driver(p)) return fmt::format("driver.{} {}", found->key, found->words);
  for (std::size_t i = 0; i < work_count; ++i) {
    if (const auto words = wrong_cost(p.works[i])) return fmt::format("work.{} {}", work_names[i], *words);
  }
  return wrong_marks(p);
}

}  // namespace

namespace detail {

void for_each_path(const std::function<void(const std::string& path)>& one) {
  for (std::size_t i = 0; i < link_class_count; ++i) {
    for (const auto& field : link_fields) {
      const auto name = name_of(static_cast<link_class>(i));
      one(fmt::format("links.{}.{}", name, field.key));
      if (field.at == &link_costs::send_more) one(fmt::format("links.{}.burst", name));
    }
  }
  for (const auto& field : driver_fields) one(fmt::format("driver.{}", field.key));
  for (const auto name : work_names) one(fmt::format("work.{}", name));
}

std::optional<wrong_number> wrong_in(const link_costs& costs) {
  for (const auto& field : link_fields) {
    if (auto words = wrong_cost(costs.*field.at)) return wrong_number{std::string{field.key}, *std::move(words)};
  }
  if (costs.burst > burst_max) return wrong_number{"burst", fmt::format("is over {} lines", burst_max)};
  if (costs.burst == 0 && costs.send_more != cost::zero()) {
    return wrong_number{"send_more", "has no burst; say after how many lines of a turn it begins, with burst"};
  }
  if (costs.burst > 0 && costs.send_more < costs.send) {
    return wrong_number{"send_more", "is less than send; lines after a burst cost as much or more"};
  }
  return std::nullopt;
}

std::optional<wrong_number> wrong_in_driver(const profile& p) {
  for (const auto& field : driver_fields) {
    if (auto words = wrong_cost(p.*field.at)) return wrong_number{std::string{field.key}, *std::move(words)};
  }
  // An idle core polls about as long as a wake-up costs.
  if (p.turn == cost::zero() && p.signal + p.wake + p.park > cost::zero()) {
    return wrong_number{"turn", "is 0, but waking is not: an idle core would poll for ever; give turn a cost"};
  }
  return std::nullopt;
}

bool is_profile_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), good);
}

}  // namespace detail

std::string_view name_of(work w) noexcept { return work_names[static_cast<std::size_t>(w)]; }

std::string_view name_of(profile_origin o) noexcept {
  constexpr std::array<std::string_view, 3> names{"measured", "published", "synthetic"};
  return names[static_cast<std::size_t>(o)];
}

profile profile::uniform() {
  static const profile made = [] {
    const auto read = named("uniform");
    COOPER_ASSERT(read, "the profile 'uniform' comes with the library, and is good");
    return *read;
  }();
  return made;
}

result<profile> profile::named(std::string_view name) {
  if (name == "free") return free();
  for (const auto& [its_name, text] : detail::profile_texts()) {
    if (its_name == name) return parse(text, fmt::format("{}.toml", its_name));
  }
  const auto there = names();
  std::string words =
      fmt::format("no profile is called '{}'; there are {}", name.substr(0, 100), fmt::join(there, ", "));
  if (const auto meant = nearest_name(name, there)) words += fmt::format("; did you mean '{}'?", *meant);
  return error{errc::unknown_name, std::move(words)};
}

std::vector<std::string> profile::names() {
  std::vector<std::string> all{"free"};
  for (const auto& row : detail::profile_texts()) all.emplace_back(row.name);
  std::sort(all.begin(), all.end());
  return all;
}

std::string profile::to_toml() const { return writer{*this}.run(); }

result<void> profile::check() const {
  const auto wrong = wrong_in_profile(*this);
  if (!wrong) return {};
  return error{errc::bad_option, fmt::format("profile '{}': {}", is_toml_text(name) ? name : "?", *wrong)};
}

}  // namespace cooper
