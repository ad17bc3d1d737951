// SPDX-License-Identifier: BSD-3-Clause
#include "knowledge.hpp"

#include <cstdio>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cooper/runtime/machine.hpp>
#include <cooper/skb/costs.hpp>
#include <cooper/skb/facts.hpp>
#include <cooper/skb/measure.hpp>

#include "options.hpp"

namespace cooper::tools {
namespace {

std::string when(std::int64_t unix_time) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(unix_time)));
}

// Of the machine we run on: as they were kept, else measured now on all cores that we may use.
result<skb::cost_snapshot> measured_costs(const topology& where, bool remeasure, std::vector<std::string>& warnings) {
  const auto folder = skb::default_cache_folder();
  if (!remeasure && !folder.empty()) {
    auto kept = skb::load_snapshot(where, folder);
    if (!kept) {
      warnings.push_back(kept.error().message() + "; measuring again");
    } else if (*kept && is_stale(**kept, static_cast<std::int64_t>(std::time(nullptr)))) {
      warnings.push_back("the links' costs are from " + when((*kept)->unix_time) + "; measuring again");
    } else if (*kept) {
      return std::move(**kept);
    }
  }
  cooper::machine_options options;
  options.control_socket = false;
  auto booted = machine::boot(where, std::move(options));
  if (!booted) return booted.error();
  auto costs = skb::measure_costs(**booted);
  static_cast<void>((*booted)->stop());
  if (!costs) return costs.error();
  // What was measured badly is better than nothing, but not to be kept.
  if (!costs->reliable) {
    warnings.push_back("the links' costs are unreliable: " + costs->why_not + "; measure again on a quiet machine");
  } else if (!folder.empty()) {
    if (const auto saved = skb::save_snapshot(*costs, folder); !saved) warnings.push_back(saved.error().message());
  }
  return costs;
}

}  // namespace

result<knowledge> open_knowledge(const topology& machine, bool remeasure) {
  if (!skb::engine::available()) {
    return knowledge{.base = skb::knowledge_base::without_engine(),
                     .costs = {},
                     .warnings = {"Cooper was built without SWI-Prolog (swi-prolog-nox): trees are direct"}};
  }
  auto opened = skb::knowledge_base::open(machine);
  if (!opened) {
    return knowledge{.base = skb::knowledge_base::without_engine(),
                     .costs = {},
                     .warnings = {opened.error().message() + "; trees are direct"}};
  }
  knowledge out{.base = std::move(*opened), .costs = {}, .warnings = {}};
  std::vector<skb::term> facts;
  if (!machine.is_this_machine()) {
    facts = skb::assumed_costs(machine);
    out.costs = "costs are assumed, not measured: this is not the machine we run on";
  } else if (const auto costs = measured_costs(machine, remeasure, out.warnings); costs) {
    facts = facts_of(*costs);
    out.costs = fmt::format("costs measured on {}{}", when(costs->unix_time), costs->reliable ? "" : ", unreliable");
  } else {
    facts = skb::assumed_costs(machine);
    out.warnings.push_back("the links cannot be measured: " + costs.error().message());
    out.costs = "costs are assumed, not measured";
  }
  const auto told = out.base->run([&](skb::engine& e) { return e.change({}, facts); });
  if (!told) return told.error();
  return out;
}

void print_warnings(const knowledge& from) {
  for (const std::string& w : from.warnings) {
    fmt::print(stderr, "{}: {}\n", tinted("warning", tint::warning, wants_colour(stderr)), w);
  }
}

}  // namespace cooper::tools
