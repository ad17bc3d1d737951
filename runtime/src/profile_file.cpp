// SPDX-License-Identifier: BSD-3-Clause
// Profiles as files; docs/profiles.md is what people read about them. Numbers become picoseconds here, whatever the
// file's unit.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include <cooper/runtime/profile.hpp>
#include <cooper/runtime/toml.hpp>

#include "profile_fields.hpp"

namespace cooper {
namespace {

using detail::driver_fields;
using detail::link_fields;

std::vector<std::string> keys_of_links() {
  std::vector<std::string> keys{"burst"};
  for (const auto& field : link_fields) keys.emplace_back(field.key);
  return keys;
}

std::vector<std::string> names_of_classes() {
  std::vector<std::string> names{"all"};
  for (std::size_t i = 0; i < link_class_count; ++i) names.emplace_back(name_of(static_cast<link_class>(i)));
  return names;
}

class reader {
 public:
  explicit reader(const std::string& called) : wrong_{called} {}

  result<profile> run(const toml_value& root) {
    if (!right_version(root)) return wrong_.first();
    toml_table top{root,
                   "",
                   {"cooper_profile", "name", "words", "origin", "topology", "unit", "ghz", "links", "driver", "work"},
                   wrong_};
    read_head(top);
    if (const toml_value* links = top.need("links")) read_links(*links);
    if (const toml_value* driver = top.need("driver")) read_driver(*driver);
    if (const toml_value* works = top.find("work")) read_work(*works);
    if (wrong_) return wrong_.first();
    p_.marks = marks_in_order();
    return std::move(p_);
  }

 private:
  // Before all else: a later version may have other keys.
  bool right_version(const toml_value& root) {
    toml_complaints ignored{""};
    const toml_table any{root, "", {}, ignored};
    const toml_value* version = any.find("cooper_profile");
    if (version == nullptr) {
      wrong_.say(1, any.find("cooper_scenario") != nullptr
                        ? "this is a scenario, not a profile; give it where a scenario is asked for"
                        : "'cooper_profile' is missing; a profile begins with cooper_profile = 1");
      return false;
    }
    const auto* number = version->as<std::int64_t>();
    if (number != nullptr && *number == detail::profile_format_version) return true;
    wrong_.say(version->line, fmt::format("'cooper_profile' is {}; this version of Cooper reads {}",
                                          number != nullptr ? std::to_string(*number) : std::string{kind_of(*version)},
                                          detail::profile_format_version));
    return false;
  }

  void read_head(toml_table& top) {
    p_.name = top.text("name");
    if (!detail::is_profile_name(p_.name)) {
      top.complain("name", "is made of letters, digits, '_', '-' and '.', at least one and at most 100");
    }
    p_.words = top.text_or("words", "");
    const std::string origin = top.text("origin");
    bool known = false;
    for (const auto one : {profile_origin::measured, profile_origin::published, profile_origin::synthetic}) {
      if (name_of(one) == origin) p_.origin = one;
      known = known || name_of(one) == origin;
    }
    if (!known) top.complain("origin", "is one of measured, published, synthetic");
    p_.topology = top.text_or("topology", "");
    if (!p_.topology.empty()) {
      const auto where = topology::from_synthetic(p_.topology);
      if (!where) top.complain("topology", fmt::format("cannot be: {}", where.error().detail()));
    }
    read_unit(top);
  }

  void read_unit(toml_table& top) {
    const std::string unit = top.text_or("unit", "ns");
    if (unit == "cycles") {
      if (top.find("ghz") == nullptr) {
        top.complain("unit", "is cycles, and nothing says how long one is; add ghz");
      } else {
        ps_in_unit_ = 1000.0 / top.number("ghz", 0.001, 1000);
      }
    } else if (unit != "ns") {
      top.complain("unit", "is one of ns, cycles");
    } else if (top.find("ghz") != nullptr) {
      top.complain("ghz", "says how long a cycle is, and the unit is ns; write unit = \"cycles\", or leave ghz out");
    }
  }

  // The number, or the one in {number = ..., mark = ...}, whose mark is kept.
  const toml_value* marked(toml_table& in, std::string_view key, const std::string& what) {
    const toml_value* value = in.find(key);
    if (value == nullptr || value->as<toml_value::table>() == nullptr) return value;
    toml_table pair{*value, in.path_of(key) + ".", {what, "mark"}, wrong_};
    const std::string mark = pair.text("mark");
    if (mark.empty()) pair.complain("mark", "says nothing; say where the number is from, or leave the mark out");
    marks_[in.path_of(key)] = mark;
    return pair.need(what);
  }

  // Zero after a complaint.
  cost cost_in(toml_table& in, std::string_view key) {
    const toml_value* value = marked(in, key, "cost");
    if (value == nullptr) return cost::zero();
    const auto* whole = value->as<std::int64_t>();
    const auto* broken = value->as<double>();
    if ((whole == nullptr && broken == nullptr) || (broken != nullptr && !std::isfinite(*broken))) {
      return in.complain(key, fmt::format("is {}; write a number", kind_of(*value))), cost::zero();
    }
    const double ps = (whole != nullptr ? static_cast<double>(*whole) : *broken) * ps_in_unit_;
    if (ps < 0) return in.complain(key, "is negative; a cost is 0 or more"), cost::zero();
    if (ps > static_cast<double>(detail::cost_max.count())) {
      return in.complain(key, "is over 1 s; no cost is"), cost::zero();
    }
    return cost{std::llround(ps)};
  }

  std::uint32_t burst_in(toml_table& in) {
    const toml_value* value = marked(in, "burst", "lines");
    if (value == nullptr) return 0;
    const auto* lines = value->as<std::int64_t>();
    if (lines != nullptr && *lines >= 0 && *lines <= detail::burst_max) return static_cast<std::uint32_t>(*lines);
    in.complain("burst", fmt::format("is {}; write a whole number from 0 to {}",
                                     lines != nullptr ? std::to_string(*lines) : std::string{kind_of(*value)},
                                     detail::burst_max));
    return 0;
  }

  using marks = std::map<std::string, std::string, std::less<>>;

  // What a table [links.x] says; what it does not say is taken from `all` if there is one.
  link_costs read_link(const toml_value& of, const std::string& name, const link_costs* all) {
    const std::string path = fmt::format("links.{}.", name);
    toml_table in{of, path, keys_of_links(), wrong_};
    link_costs costs;
    const bool has_burst = in.find("burst") != nullptr;
    costs.burst = has_burst ? burst_in(in) : all != nullptr ? all->burst : 0;
    if (!has_burst && all != nullptr) take_mark("links.all.burst", path + "burst", "");
    for (const auto& field : link_fields) {
      const bool is_more = field.at == &link_costs::send_more;
      if (in.find(field.key) != nullptr) {
        costs.*field.at = cost_in(in, field.key);
      } else if (is_more && costs.burst == 0) {
        continue;
      } else if (is_more && !all_has_more_) {
        if (name != "all") in.complain("burst", "has no send_more; say what each later line costs, with send_more");
      } else if (all != nullptr) {
        costs.*field.at = all->*field.at;
        take_mark(fmt::format("links.all.{}", field.key), fmt::format("{}{}", path, field.key), "");
      } else if (name != "all" && !detail::may_be_left_out(field)) {
        in.need(field.key);
      }
    }
    if (costs.burst == 0) drop_marks_of_burst(path);
    // [links.all] by itself need not be complete, so neither need it be right: the classes are checked.
    if (name == "all") return costs;
    if (const auto found = detail::wrong_in(costs)) in.complain(found->key, found->words);
    return costs;
  }

  void drop_marks_of_burst(const std::string& path) {
    marks_.erase(path + "burst");
    marks_.erase(path + "send_more");
  }

  void take_mark(const std::string& from, const std::string& to, const std::string& before) {
    const auto found = marks_.find(from);
    const std::string words = found == marks_.end() ? "" : found->second;
    std::string mark = before.empty() ? words : before + (words.empty() ? "" : ": " + words);
    if (mark.size() > toml_text_bytes_max) mark = before;
    if (!mark.empty()) marks_[to] = std::move(mark);
  }

  void read_links(const toml_value& of) {
    toml_table links{of, "links.", names_of_classes(), wrong_};
    std::optional<link_costs> all;
    const toml_value* for_all = links.find("all");
    if (for_all != nullptr) all = read_link(*for_all, "all", nullptr);
    const bool fills_gaps = for_all != nullptr && is_complete(*for_all, all->burst > 0);
    std::array<bool, link_class_count> given{};
    for (std::size_t i = 0; i < link_class_count; ++i) {
      const std::string name{name_of(static_cast<link_class>(i))};
      const toml_value* own = links.find(name);
      given[i] = own != nullptr || fills_gaps;
      if (given[i]) p_.links[i] = read_link(own != nullptr ? *own : *for_all, name, all ? &*all : nullptr);
    }
    if (std::find(given.begin(), given.end(), true) == given.end()) {
      wrong_.say(for_all != nullptr ? for_all->line : of.line,
                 for_all != nullptr
                     ? "[links.all] is not complete, and no class is there; add what is missing, or a class"
                     : "there is no class of links; add [links.all], or one of self, smt, l2, l3, package, remote");
      return;
    }
    for (std::size_t i = 0; i < link_class_count; ++i) {
      if (!given[i]) take_class(i, given);
    }
  }

  // Whether [links.all] says all that a class needs.
  bool is_complete(const toml_value& of, bool has_burst) {
    const auto* members = of.as<toml_value::table>();
    if (members == nullptr) return false;
    const auto has = [&](std::string_view key) {
      return std::any_of(members->begin(), members->end(), [&](const auto& m) { return m.first == key; });
    };
    all_has_more_ = has("send_more");
    return std::all_of(link_fields.begin(), link_fields.end(), [&](const auto& field) {
      return has(field.key) || detail::may_be_left_out(field) || (field.at == &link_costs::send_more && !has_burst);
    });
  }

  // The next farther class that the file has: nothing seems faster than somebody found it. Beyond the last, that one.
  void take_class(std::size_t to, const std::array<bool, link_class_count>& given) {
    std::size_t from = to;
    while (from < link_class_count && !given[from]) ++from;
    if (from == link_class_count) {
      from = to;
      while (!given[from]) --from;
    }
    p_.links[to] = p_.links[from];
    const auto name = name_of(static_cast<link_class>(from));
    const auto copy = [&](std::string_view key) {
      take_mark(fmt::format("links.{}.{}", name, key),
                fmt::format("links.{}.{}", name_of(static_cast<link_class>(to)), key),
                fmt::format("as links.{}", name));
    };
    for (const auto& field : link_fields) {
      const bool unsaid = (field.at == &link_costs::send_more && p_.links[to].burst == 0) ||
                          (detail::may_be_left_out(field) && p_.links[to].*field.at == cost{});
      if (!unsaid) copy(field.key);
    }
    if (p_.links[to].burst > 0) copy("burst");
  }

  void read_driver(const toml_value& of) {
    std::vector<std::string> keys;
    for (const auto& field : driver_fields) keys.emplace_back(field.key);
    toml_table in{of, "driver.", keys, wrong_};
    for (const auto& field : driver_fields) {
      if (in.need(field.key) != nullptr) p_.*field.at = cost_in(in, field.key);
    }
    if (const auto found = detail::wrong_in_driver(p_)) in.complain(found->key, found->words);
  }

  void read_work(const toml_value& of) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < work_count; ++i) keys.emplace_back(name_of(static_cast<work>(i)));
    toml_table in{of, "work.", keys, wrong_};
    for (std::size_t i = 0; i < work_count; ++i) p_.works[i] = cost_in(in, keys[i]);
  }

  std::vector<std::pair<std::string, std::string>> marks_in_order() const {
    std::vector<std::pair<std::string, std::string>> out;
    detail::for_each_path([&](const std::string& path) {
      if (const auto found = marks_.find(path); found != marks_.end()) out.emplace_back(path, found->second);
    });
    return out;
  }

  toml_complaints wrong_;
  profile p_;
  double ps_in_unit_ = 1000;
  bool all_has_more_ = false;
  marks marks_;
};

}  // namespace

result<profile> profile::parse(std::string_view text, const std::string& called) {
  const auto root = parse_toml(text, called);
  if (!root) return root.error();
  return reader{called}.run(*root);
}

result<profile> profile::read(const std::filesystem::path& file) {
  const auto root = read_toml(file);
  if (!root) return root.error();
  return reader{file.string()}.run(*root);
}

}  // namespace cooper
