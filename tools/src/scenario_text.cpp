// SPDX-License-Identifier: BSD-3-Clause
// A scenario written down: everything that decides a run, as a file that can be read again.
#include <iterator>

#include <fmt/format.h>

#include <cooper/runtime/toml.hpp>

#include "scenario.hpp"

namespace cooper::tools {
namespace {

// As a broken number that gives the same nanoseconds again.
std::string in_us(duration d) { return fmt::format("{}", static_cast<double>(d.count()) / 1e3); }

// In order, which decides what each core is called: "4,0-2" is not "0-2,4".
std::string list_of(const scenario& s) {
  std::string out;
  const auto pu = [&](std::size_t i) { return s.where.thread(s.cores[i]).pu_index; };
  for (std::size_t i = 0; i < s.cores.size();) {
    std::size_t last = i;
    while (last + 1 < s.cores.size() && pu(last + 1) == pu(last) + 1) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ",", pu(i));
    if (last != i) out += fmt::format("-{}", pu(last));
    i = last + 1;
  }
  return out;
}

std::string text_of(const fault& f) {
  std::string out = fmt::format("\n[[fault]]\nkind = \"{}\"\ncore = {}\n", name_of(f.kind), f.core.value);
  auto to = std::back_inserter(out);
  const bool of_link = f.kind == fault_kind::delay || f.kind == fault_kind::fill;
  if (of_link) fmt::format_to(to, "to = {}\n", f.to.value);
  fmt::format_to(to, "at_us = {}\n", in_us(f.begin));
  if (f.kind != fault_kind::stop) fmt::format_to(to, "for_us = {}\n", in_us(f.length));
  if (f.kind == fault_kind::delay || f.kind == fault_kind::late) fmt::format_to(to, "by_us = {}\n", in_us(f.by));
  if (f.kind == fault_kind::slow) fmt::format_to(to, "factor = {}\n", f.factor);
  return out;
}

std::string text_of(const swarm& s) {
  std::string out = fmt::format("\n[swarm]\nfaults = {}\nwithin_us = {}\n", s.faults, in_us(s.within));
  auto to = std::back_inserter(out);
  if (s.length_max != duration::zero()) fmt::format_to(to, "length_max_us = {}\n", in_us(s.length_max));
  if (s.by_max != duration::zero()) fmt::format_to(to, "by_max_us = {}\n", in_us(s.by_max));
  fmt::format_to(to, "factor_max = {}\nkinds = [", s.factor_max);
  const char* between = "";
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    if ((s.kinds >> i & 1) == 0) continue;
    fmt::format_to(to, "{}\"{}\"", between, name_of(static_cast<fault_kind>(i)));
    between = ", ";
  }
  return out + "]\n";
}

}  // namespace

std::string to_toml(const scenario& of) {
  std::string out = fmt::format("cooper_scenario = 1\nprofile = {}\n", toml_quoted(of.costs.name));
  auto to = std::back_inserter(out);
  if (of.machine_xml.empty()) fmt::format_to(to, "topology = {}\n", toml_quoted(of.synthetic));
  if (!of.machine_xml.empty()) fmt::format_to(to, "xml = \"machine.xml\"\n");
  fmt::format_to(to, "cores = {}\nprogram = {}\nseed = {}\n", toml_quoted(list_of(of)), toml_quoted(of.program),
                 of.seed);
  if (of.until) fmt::format_to(to, "until_ms = {}\n", static_cast<double>(of.until->count()) / 1e6);
  if (!of.load.empty()) out += "\n[load]\n";
  for (const auto& [key, value] : of.load) {
    const auto* number = std::get_if<std::int64_t>(&value);
    out += number != nullptr ? fmt::format("{} = {}\n", key, *number)
                             : fmt::format("{} = {}\n", key, toml_quoted(std::get<std::string>(value)));
  }
  for (const fault& f : of.faults) out += text_of(f);
  if (of.swarm) out += text_of(*of.swarm);
  if (!of.handlers.empty()) out += "\n[handlers]\n";
  for (const auto& [key, c] : of.handlers) {
    out += fmt::format("{} = {}\n", key, static_cast<double>(c.count()) / 1e3);
  }
  return out;
}

scenario_parts parts_of(const scenario& of) {
  return {.profile_toml = of.costs.to_toml(), .machine_xml = of.machine_xml};
}

}  // namespace cooper::tools
