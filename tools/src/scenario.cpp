// SPDX-License-Identifier: BSD-3-Clause
#include "scenario.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include <cooper/runtime/toml.hpp>
#include <cooper/vocabulary/nearest.hpp>

namespace cooper::tools {
namespace {

constexpr std::int64_t format_version = 1;
constexpr std::int64_t number_max =
    std::numeric_limits<std::int64_t>::max() - 1;  // toml11 cuts larger ones to the last
constexpr std::size_t written_max = 256;
constexpr std::int64_t drawn_max = 1000;
constexpr double ns_max = 365.0 * 24 * 3600 * 1e9;
constexpr double ns_in_us = 1e3, ns_in_ms = 1e6;

std::vector<std::string> fault_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < fault_kind_count; ++i) names.emplace_back(name_of(static_cast<fault_kind>(i)));
  return names;
}

duration time_in(toml_table& in, std::string_view key, double ns_in_unit) {
  return duration{std::llround(in.number(key, 0, ns_max / ns_in_unit) * ns_in_unit)};
}

// A member of `names`, by its position; complains with the nearest and gives none.
std::optional<std::size_t> choice(toml_table& in, std::string_view key, const std::string& given,
                                  const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), given);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const auto meant = nearest_name(given, names);
  in.complain(key, fmt::format("is '{}'; {}it is one of {}", given,
                               meant ? fmt::format("did you mean '{}'? ", *meant) : "", fmt::join(names, ", ")));
  return std::nullopt;
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

// hwloc reads files.
result<topology> from_xml_text(const std::string& xml) {
  std::string path = (std::filesystem::temp_directory_path() / "cooper-machine-XXXXXX").string();
  const int fd = ::mkstemp(path.data());
  if (fd < 0) return error{errc::io_failed, "a temporary file: " + std::string{std::strerror(errno)}};
  ::close(fd);
  std::ofstream{path, std::ios::binary} << xml;
  auto made = topology::from_xml(path);
  std::filesystem::remove(path);
  return made;
}

class reader {
 public:
  reader(std::filesystem::path file, std::span<const program_description> programs, const scenario_parts* parts)
      : file_{std::move(file)}, programs_{programs}, parts_{parts}, wrong_{file_.string()} {}

  result<scenario> run(const toml_value& root) {
    if (!right_version(root)) return wrong_.first();
    toml_table top{root,
                   "",
                   {"cooper_scenario", "words", "topology", "xml", "profile", "cores", "program", "seed", "until_ms",
                    "load", "fault", "swarm", "handlers"},
                   wrong_};
    top.text_or("words", "");
    const auto costs = read_profile(top);
    if (!costs) return wrong_.first();
    auto where = read_machine(top, costs->topology);
    if (!where) return wrong_.first();
    scenario s{.file = file_, .where = *std::move(where), .costs = *costs};
    s.synthetic = synthetic_;
    s.machine_xml = machine_xml_;
    read_cores(top, s);
    read_program(top, s);
    s.seed = static_cast<std::uint64_t>(top.whole_or("seed", 0, number_max, 1));
    if (top.find("until_ms") != nullptr) {
      s.until = time_in(top, "until_ms", ns_in_ms);
      if (*s.until == duration::zero())
        top.complain("until_ms", "is 0, so nothing would happen; leave it out for no limit");
    }
    if (const toml_value* faults = top.find("fault"); faults != nullptr && !wrong_) read_faults(*faults, s);
    if (const toml_value* swarm = top.find("swarm"); swarm != nullptr && !wrong_) read_swarm(*swarm, s);
    if (wrong_) return wrong_.first();
    return s;
  }

 private:
  // Before all else: a later version may have other keys.
  bool right_version(const toml_value& root) {
    toml_complaints ignored{""};
    const toml_table any{root, "", {}, ignored};
    const toml_value* version = any.find("cooper_scenario");
    if (version == nullptr) {
      wrong_.say(1, any.find("cooper_profile") != nullptr
                        ? "this is a profile, not a scenario; a scenario names it with profile = \"...\""
                        : "'cooper_scenario' is missing; a scenario begins with cooper_scenario = 1");
      return false;
    }
    const auto* number = version->as<std::int64_t>();
    if (number != nullptr && *number == format_version) return true;
    wrong_.say(version->line, fmt::format("'cooper_scenario' is {}; this version of Cooper reads {}",
                                          number != nullptr ? std::to_string(*number) : std::string{kind_of(*version)},
                                          format_version));
    return false;
  }

  std::filesystem::path beside(const std::string& path) const { return file_.parent_path() / path; }

  // Nothing after a complaint.
  std::optional<profile> read_profile(toml_table& top) {
    const std::string name = top.text_or("profile", "uniform");
    const bool is_path = name.find('/') != name.npos || name.ends_with(".toml");
    auto read = parts_ != nullptr ? profile::parse(parts_->profile_toml, "the profile beside it")
                : is_path         ? profile::read(beside(name))
                                  : profile::named(name);
    if (!read) top.complain("profile", fmt::format("cannot be had: {}", read.error().detail()));
    if (wrong_) return std::nullopt;
    return *std::move(read);
  }

  std::optional<topology> read_machine(toml_table& top, const std::string& otherwise) {
    const bool by_xml = top.find("xml") != nullptr, by_words = top.find("topology") != nullptr;
    if (by_xml && by_words) top.complain("xml", "describes a machine, and so does topology; leave one out");
    const std::string key = by_xml ? "xml" : "topology";
    const std::string given = by_xml || by_words ? top.text(key) : otherwise;
    if (given.empty()) top.complain(key, "is missing; add it or xml, or name a profile that describes a machine");
    if (wrong_) return std::nullopt;
    if (!by_xml) synthetic_ = given;
    if (by_xml) machine_xml_ = parts_ != nullptr ? parts_->machine_xml : content_of(beside(given));
    auto made = !by_xml             ? topology::from_synthetic(given)
                : parts_ != nullptr ? from_xml_text(parts_->machine_xml)
                                    : topology::from_xml(beside(given));
    if (made) return *std::move(made);
    top.complain(key, fmt::format("cannot be: {}", made.error().detail()));
    return std::nullopt;
  }

  void read_cores(toml_table& top, scenario& s) {
    std::optional<std::string> list;
    if (top.find("cores") != nullptr) list = top.text("cores");
    const auto chosen = select_cores(s.where, list, false);
    if (!chosen) top.complain("cores", fmt::format("cannot be: {}", chosen.error().detail()));
    if (chosen) s.cores = *chosen;
  }

  void read_program(toml_table& top, scenario& s) {
    const toml_value* load = top.find("load");
    const toml_value* handlers = top.find("handlers");
    s.program = top.text("program");
    if (wrong_) return;
    std::vector<std::string> names;
    for (const auto& p : programs_) names.push_back(p.name);
    const auto which = choice(top, "program", s.program, names);
    if (!which) return;
    const program_description& program = programs_[*which];
    static const toml_value nothing;
    read_load(load != nullptr ? *load : nothing, program, s);
    if (handlers != nullptr) read_handlers(*handlers, program, s);
  }

  void read_load(const toml_value& of, const program_description& program, scenario& s) {
    std::vector<std::string> keys;
    for (const auto& k : program.load) keys.push_back(k.key);
    toml_table in{of, "load.", keys, wrong_};
    for (const auto& k : program.load) {
      if (const auto* number = std::get_if<std::int64_t>(&k.otherwise)) {
        s.load.emplace_back(k.key, in.whole_or(k.key, k.least, k.most, *number));
      } else {
        s.load.emplace_back(k.key, in.text_or(k.key, std::get<std::string>(k.otherwise)));
      }
    }
  }

  void read_handlers(const toml_value& of, const program_description& program, scenario& s) {
    toml_table in{of, "handlers.", program.handlers, wrong_};
    for (const auto& name : program.handlers) {
      if (in.find(name) != nullptr) s.handlers.emplace_back(name, cost{std::llround(in.number(name, 0, 1e9) * 1000)});
    }
  }

  core_id core_in(toml_table& in, std::string_view key, const scenario& s) {
    const auto last = static_cast<std::int64_t>(s.cores.size()) - 1;
    return core_number(static_cast<std::size_t>(in.whole(key, 0, last)));
  }

  fault read_fault(const toml_value& of, const std::string& path, const scenario& s) {
    fault f;
    std::vector<std::string> keys{"kind", "core", "to", "at_us", "for_us", "by_us", "factor"};
    const auto no = [&](std::string_view key) { keys.erase(std::find(keys.begin(), keys.end(), key)); };
    {
      toml_table any{of, path, keys, wrong_};
      const std::string kind = any.text("kind");
      if (wrong_) return f;
      const auto found = choice(any, "kind", kind, fault_names());
      if (!found) return f;
      f.kind = static_cast<fault_kind>(*found);
    }
    // What would say nothing for this kind is a mistake too.
    const bool of_link = f.kind == fault_kind::delay || f.kind == fault_kind::fill;
    const bool has_by = f.kind == fault_kind::delay || f.kind == fault_kind::late;
    if (!of_link) no("to");
    if (!has_by) no("by_us");
    if (f.kind != fault_kind::slow) no("factor");
    if (f.kind == fault_kind::stop) no("for_us");
    toml_table in{of, path, keys, wrong_};
    f.core = core_in(in, "core", s);
    f.begin = time_in(in, "at_us", ns_in_us);
    if (f.kind != fault_kind::stop) f.length = time_in(in, "for_us", ns_in_us);
    if (of_link) f.to = core_in(in, "to", s);
    if (has_by) f.by = time_in(in, "by_us", ns_in_us);
    if (f.kind == fault_kind::slow) f.factor = static_cast<std::uint32_t>(in.whole("factor", 2, 1000));
    return f;
  }

  void read_faults(const toml_value& of, scenario& s) {
    const auto* all = of.as<toml_value::array>();
    if (all == nullptr)
      return wrong_.say(of.line, fmt::format("'fault' is {}; write [[fault]] above each", kind_of(of)));
    if (all->size() > written_max) wrong_.say(of.line, fmt::format("there are more than {} faults", written_max));
    for (std::size_t i = 0; i < all->size() && !wrong_; ++i) {
      s.faults.push_back(read_fault((*all)[i], fmt::format("fault[{}].", i + 1), s));
    }
    if (wrong_) return;
    const auto checked = check(s.faults, s.cores.size());
    if (checked) return;
    // The detail names the fault by its number.
    const std::string& detail = checked.error().detail();
    const auto digits = std::min(detail.find_first_of("0123456789"), detail.size());
    std::size_t number = 1;
    std::from_chars(detail.data() + digits, detail.data() + detail.size(), number);
    wrong_.say((*all)[std::clamp<std::size_t>(number, 1, all->size()) - 1].line, detail);
  }

  void read_swarm(const toml_value& of, scenario& s) {
    toml_table in{of, "swarm.", {"faults", "within_us", "length_max_us", "by_max_us", "factor_max", "kinds"}, wrong_};
    cooper::swarm plan;
    plan.faults = static_cast<std::size_t>(in.whole("faults", 0, drawn_max));
    plan.within = time_in(in, "within_us", ns_in_us);
    if (in.find("length_max_us") != nullptr) plan.length_max = time_in(in, "length_max_us", ns_in_us);
    if (in.find("by_max_us") != nullptr) plan.by_max = time_in(in, "by_max_us", ns_in_us);
    plan.factor_max = static_cast<std::uint32_t>(in.whole_or("factor_max", 2, 1000, plan.factor_max));
    if (const toml_value* kinds = in.find("kinds")) plan.kinds = read_kinds(*kinds, in);
    if (wrong_) return;
    s.swarm = plan;
    if (const auto drawn = faults_of(s, s.seed); !drawn) wrong_.say(of.line, drawn.error().detail());
  }

  std::uint32_t read_kinds(const toml_value& of, toml_table& in) {
    std::uint32_t bits = 0;
    const auto* all = of.as<toml_value::array>();
    if (all == nullptr || all->empty()) {
      in.complain("kinds", "is not an array of kinds; write for example [\"pause\", \"slow\"]");
      return bits;
    }
    for (const toml_value& one : *all) {
      const auto* name = one.as<std::string>();
      const auto kind = choice(in, "kinds", name != nullptr && is_toml_text(*name) ? *name : std::string{kind_of(one)},
                               fault_names());
      if (kind) bits |= 1u << *kind;
    }
    return bits;
  }

  std::filesystem::path file_;
  std::span<const program_description> programs_;
  const scenario_parts* parts_;  // null: they are looked for
  std::string synthetic_, machine_xml_;
  toml_complaints wrong_;
};

// What an option says has this line, which no file has.
constexpr std::uint32_t line_of_options = 0;

toml_value value_of(std::variant<std::int64_t, double, std::string> v) {
  toml_value made;
  std::visit([&](auto& one) { made.is = std::move(one); }, v);
  made.line = line_of_options;
  return made;
}

void put(toml_value& in, const std::string& key, toml_value v) {
  auto* table = std::get_if<toml_value::table>(&in.is);
  if (table == nullptr) return;  // the reader complains of that
  const auto at = std::find_if(table->begin(), table->end(), [&](const auto& one) { return one.first == key; });
  if (at == table->end()) {
    table->emplace_back(key, std::move(v));
  } else {
    at->second = std::move(v);
  }
}

void remove(toml_value& from, std::string_view key) {
  if (auto* table = std::get_if<toml_value::table>(&from.is)) {
    std::erase_if(*table, [&](const auto& one) { return one.first == key; });
  }
}

toml_value& table_in(toml_value& in, const std::string& key) {
  auto& table = std::get<toml_value::table>(in.is);
  for (auto& [name, v] : table) {
    if (name == key) return v;
  }
  table.emplace_back(key, toml_value{});
  table.back().second.line = line_of_options;
  return table.back().second;
}

// A number where the program's key wants one, or where no such key is known and it looks like one.
result<void> set_one(toml_value& root, const std::string& word, const program_description* of) {
  constexpr std::string_view handlers = "handlers.";
  const auto equals = word.find('=');
  if (equals == word.npos || equals == 0) {
    return error{errc::bad_option, fmt::format("--set {}: write KEY=VALUE", word.substr(0, 80))};
  }
  const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
  if (!is_toml_text(value) || value.size() > toml_text_bytes_max) {
    return error{errc::bad_option, fmt::format("--set {}: its value is no line of text", key.substr(0, 80))};
  }
  const char* end = value.data() + value.size();
  if (key.starts_with(handlers)) {
    double number = 0;
    const auto [at, failed] = std::from_chars(value.data(), end, number);
    if (failed != std::errc{} || at != end) {
      return error{errc::bad_option, fmt::format("--set {}: '{}' is no number", key.substr(0, 80), value)};
    }
    put(table_in(root, "handlers"), key.substr(handlers.size()), value_of(number));
    return {};
  }
  bool wants_text = false;
  if (of != nullptr) {
    for (const load_key& k : of->load) wants_text |= k.key == key && std::holds_alternative<std::string>(k.otherwise);
  }
  std::int64_t number = 0;
  const auto [at, failed] = std::from_chars(value.data(), end, number);
  const bool is_number = !wants_text && failed == std::errc{} && at == end;
  put(table_in(root, "load"), key, is_number ? value_of(number) : value_of(value));
  return {};
}

result<void> change(toml_value& root, const scenario_changes& by, std::span<const program_description> programs) {
  // An option's path begins where the command runs, not where the file is.
  const auto from_here = [](const std::string& path) { return std::filesystem::absolute(path).string(); };
  if (by.program) put(root, "program", value_of(*by.program));
  if (by.profile) {
    const bool is_path = by.profile->find('/') != std::string::npos || by.profile->ends_with(".toml");
    put(root, "profile", value_of(is_path ? from_here(*by.profile) : *by.profile));
  }
  if (by.synthetic || by.xml) {
    remove(root, "topology");
    remove(root, "xml");
  }
  if (by.synthetic) put(root, "topology", value_of(*by.synthetic));
  if (by.xml) put(root, "xml", value_of(from_here(*by.xml)));
  if (by.cores) put(root, "cores", value_of(*by.cores));
  if (by.seed) {
    if (*by.seed > static_cast<std::uint64_t>(number_max)) {
      return error{errc::bad_option, fmt::format("--seed: the largest is {}", number_max)};
    }
    put(root, "seed", value_of(static_cast<std::int64_t>(*by.seed)));
  }
  if (by.until_ms) put(root, "until_ms", value_of(*by.until_ms));
  if (by.faults) {
    toml_value swarm;
    swarm.line = line_of_options;
    put(swarm, "faults", value_of(static_cast<std::int64_t>(std::min<std::size_t>(*by.faults, 1u << 20))));
    put(swarm, "within_us", value_of(std::int64_t{1000}));
    put(root, "swarm", std::move(swarm));
  }
  const program_description* of = nullptr;
  for (const auto& [key, v] : std::get<toml_value::table>(root.is)) {
    const auto* name = v.as<std::string>();
    if (key != "program" || name == nullptr) continue;
    for (const program_description& p : programs) of = p.name == *name ? &p : of;
  }
  for (const std::string& word : by.set) {
    if (const auto good = set_one(root, word, of); !good) return good.error();
  }
  return {};
}

result<scenario> read_changed(toml_value& root, const std::filesystem::path& file,
                              std::span<const program_description> programs, const scenario_changes& changes,
                              const scenario_parts* parts) {
  if (const auto good = change(root, changes, programs); !good) return good.error();
  auto read = reader{file, programs, parts}.run(root);
  if (read) return read;
  // What is wrong with an option has no place in the file.
  const std::string place = fmt::format("{}:{}: ", file.string(), line_of_options);
  const std::string no_file = fmt::format(":{}: ", 1);
  const std::string& detail = read.error().detail();
  for (const std::string& prefix : {place, file.empty() ? no_file : place}) {
    if (detail.starts_with(prefix)) return error{errc::bad_option, "of the options, " + detail.substr(prefix.size())};
  }
  return read;
}

}  // namespace

result<scenario> parse_scenario(std::string_view text, const std::filesystem::path& file,
                                std::span<const program_description> programs, const scenario_changes& changes,
                                const scenario_parts* parts) {
  auto root = parse_toml(text, file.string());
  if (!root) return root.error();
  return read_changed(*root, file, programs, changes, parts);
}

result<scenario> read_scenario(const std::filesystem::path& file, std::span<const program_description> programs,
                               const scenario_changes& changes) {
  auto root = read_toml(file);
  if (!root) return root.error();
  return read_changed(*root, file, programs, changes, nullptr);
}

result<std::vector<fault>> faults_of(const scenario& from, std::uint64_t seed) {
  std::vector<fault> all = from.faults;
  if (from.swarm) {
    const auto drawn = draw_faults(*from.swarm, from.cores.size(), seed);
    if (!drawn) return drawn.error();
    for (const fault& f : *drawn) {
      std::vector<fault> with = from.faults;
      with.push_back(f);
      if (check(with, from.cores.size())) all.push_back(f);
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const fault& a, const fault& b) { return a.begin < b.begin; });
  return all;
}

}  // namespace cooper::tools
