// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/skb/facts.hpp>

#include <algorithm>
#include <limits>
#include <string>

#include <fmt/format.h>

#include <cooper/vocabulary/assert.hpp>

#include "text_gate.hpp"

namespace cooper::skb {
namespace {

using enum argument;

constexpr std::int64_t threads_max = 1 << 16;
// Of a fact in words, so that there is room for what is wrong with it.
constexpr std::size_t fact_words_max = 300;

const std::vector<fact_shape>& table() {
  static const std::vector<fact_shape> all{
      {"machine", {name, name, amount}, "its name, the source (native, xml, synthetic), 1 if we run on it"},
      {"package", {id}, "a package"},
      {"die", {id, id}, "a die, its package"},
      {"numa_node", {id, unknown_or, unknown_or}, "a node, its os number, bytes of memory"},
      {"core", {id, id_or_none, id_or_none}, "a physical core, its package, its kind"},
      {"cpukind", {id, unknown_or}, "a kind of core; higher efficiency is faster"},
      {"pu", {thread, amount, id}, "a hardware thread, its os number, its physical core"},
      {"pu_place",
       {thread, id, id_or_none, id_or_none, id_or_none, id_or_none},
       "a hardware thread, its physical core, level 2 and 3 caches, package, node"},
      {"cache",
       {id, amount, name, unknown_or, unknown_or, unknown_or},
       "level, type (data, instruction, unified), bytes, bytes of a line, ways"},
      {"cache_pu", {id, thread}, "who uses a cache"},
      {"numa_distance", {id, id, amount}, "from node to node, as the firmware has it"},
      {"memattr", {name, id, any, amount}, "an attribute of a node's memory, seen from an initiator"},
      {"pci_dev", {id, name, amount, amount, amount}, "its bus id, vendor, device, class"},
      {"pci_near", {id, thread}, "who is near a PCI device"},
      {"os_dev", {id, name, id_or_none}, "a device's name in the system, and its PCI device"},
      {"link", {thread, thread, time, transit, time}, "measured: ns to send, in transit, to receive"},
      {"link_stat",
       {thread, thread, amount, amount, amount, amount, amount, amount},
       "median, spread (MAD), least and most ns, samples, when (Unix time)"},
      {"class_cost", {any, time, transit, time}, "a class of links: ns to send, in transit, to receive"},
      {"running", {thread, any}, "a core is up, with the number of its driver"},
      {"down", {thread}, "a core is down"},
      {"group", {any, thread}, "a member of a multicast group"},
      {"setting", {name, any}, "what rules read: domain_level, dispatch_ns"},
  };
  return all;
}

bool in(const term& t, std::int64_t least, std::int64_t most) {
  const std::int64_t* n = t.integer();
  return n != nullptr && *n >= least && *n <= most;
}

// Prolog would read other bytes as other characters. one_line() puts a question mark for each.
bool is_utf8(const std::string& bytes) {
  const std::string line = one_line(bytes, std::string::npos);
  return std::count(line.begin(), line.end(), '?') == std::count(bytes.begin(), bytes.end(), '?');
}

// Whether the engine keeps it as it is, and can give it back.
bool is_kept(const term& t, std::size_t depth) {
  const auto all = [&](const std::vector<term>& parts) {
    return std::all_of(parts.begin(), parts.end(), [&](const term& part) { return is_kept(part, depth + 1); });
  };
  if (depth > nesting_max || t.as<variable>() != nullptr) return false;
  if (const auto* a = t.as<atom>()) return is_utf8(a->name);
  if (const auto* s = t.as<text>()) return is_utf8(s->value);
  if (const auto* c = t.as<compound_term>()) return !c->arguments.empty() && is_utf8(c->name) && all(c->arguments);
  if (const auto* l = t.list()) return all(l->elements);
  return true;
}

bool fits(const term& t, argument kind) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  switch (kind) {
    case thread:
      return in(t, 0, threads_max - 1);
    case id:
    case amount:
      return in(t, 0, most);
    case id_or_none:
    case unknown_or:
      return in(t, -1, most);
    case time:
      return in(t, 1, time_max_ns);
    case transit:
      return in(t, -1, time_max_ns);
    case argument::name:
      return (t.as<atom>() != nullptr || t.as<text>() != nullptr) && is_kept(t, 0);
    case any:
      return is_kept(t, 0);
  }
  return false;
}

std::string_view words_of(argument kind) {
  switch (kind) {
    case thread:
      return "the number of a hardware thread";
    case id:
      return "a number from 0";
    case amount:
      return "0 or more";
    case id_or_none:
    case unknown_or:
      return "a number from 0, or -1";
    case time:
      return "a time from 1 ns to an hour";
    case transit:
      return "a time from 0 ns to an hour, or -1";
    case argument::name:
      return "a name in UTF-8";
    case any:
      return "a term without variables, in UTF-8, and not too deep";
  }
  return "";
}

// Those that costs are made of; other settings are between whoever sets them and rules.
bool is_time_setting(const term& key) { return key == term{"dispatch_ns"} || key == term{"wake_ns"}; }

result<void> check(const term& fact, bool variables) {
  const auto wrong = [&](std::string why) -> result<void> {
    return error{errc::facts_rejected, fmt::format("{}: {}", one_line(fact.to_text(), fact_words_max), why)};
  };
  const auto* c = fact.as<compound_term>();
  if (c == nullptr) return wrong("no fact of the vocabulary");
  const auto shape =
      std::find_if(table().begin(), table().end(), [&](const fact_shape& s) { return s.name == c->name; });
  if (shape == table().end()) return wrong("no fact of the vocabulary");
  if (shape->arguments.size() != c->arguments.size()) {
    return wrong(fmt::format("{} has {} arguments", c->name, shape->arguments.size()));
  }
  for (std::size_t i = 0; i < c->arguments.size(); ++i) {
    if (variables && c->arguments[i].as<variable>() != nullptr) continue;
    if (fits(c->arguments[i], shape->arguments[i])) continue;
    return wrong(fmt::format("argument {} must be {}", i + 1, words_of(shape->arguments[i])));
  }
  if (c->name == "setting" && is_time_setting(c->arguments[0]) && c->arguments[1].as<variable>() == nullptr &&
      !in(c->arguments[1], 0, time_max_ns)) {
    return wrong("this setting must be a time from 0 ns to an hour");
  }
  return {};
}

}  // namespace

std::span<const fact_shape> vocabulary() { return table(); }

term any_fact(std::string_view name) {
  const auto shape = std::find_if(table().begin(), table().end(), [&](const fact_shape& s) { return s.name == name; });
  COOPER_ASSERT(shape != table().end(), "a fact of the vocabulary");
  std::vector<term> arguments;
  for (std::size_t i = 0; i < shape->arguments.size(); ++i) arguments.emplace_back(variable{"A" + std::to_string(i)});
  return compound(std::string{name}, std::move(arguments));
}

result<void> check_fact(const term& fact) { return check(fact, false); }
result<void> check_pattern(const term& pattern) { return check(pattern, true); }

}  // namespace cooper::skb
