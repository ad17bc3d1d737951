// SPDX-License-Identifier: BSD-3-Clause
#include "machine_base.hpp"

#include <unistd.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <set>

namespace cooper::detail {
namespace {

std::string_view name_of_state(core_state state) {
  switch (state) {
    case core_state::down:
      return "down";
    case core_state::running:
      return "running";
    case core_state::parked:
      return "parked";
    case core_state::closing:
      return "closing";
  }
  return "unknown";
}

}  // namespace

result<std::vector<core_id>> choose_cores(const topology& where, const std::vector<core_id>& asked, bool usable_only,
                                          bool allow_oversubscription) {
  const auto& threads = where.threads();
  std::vector<core_id> chosen;
  std::set<core_id> seen;
  if (asked.empty()) {
    for (const auto& thread : threads) {
      if (thread.allowed || !usable_only) chosen.push_back(thread.id);
    }
  }
  for (const core_id c : asked) {
    if (c.value >= threads.size()) {
      return error{errc::no_such_core, fmt::format("core {} of {}", c.value, threads.size())};
    }
    if (usable_only && !threads[c.value].allowed) {
      return error{errc::core_not_allowed, fmt::format("core {} (PU {})", c.value, threads[c.value].pu_index)};
    }
    if (!seen.insert(c).second && !allow_oversubscription) {
      return error{usable_only ? errc::oversubscribed : errc::duplicate_core,
                   fmt::format("core {} (PU {}) is named twice", c.value, threads[c.value].pu_index)};
    }
    chosen.push_back(c);
  }
  if (chosen.empty()) return error{errc::no_cores};
  return chosen;
}

std::string status_json(const machine& m) {
  boost::json::array cores;
  for (const core_status& s : m.status()) {
    boost::json::object row{{"core", s.id.value},
                            {"pu", s.pu_index},
                            {"state", name_of_state(s.state)},
                            {"pinned", s.pinned},
                            {"turns", s.turns}};
    if (s.busy_endpoint) {
      row["busy"] =
          *s.busy_endpoint == driver_view::in_job ? boost::json::value{"job"} : boost::json::value{*s.busy_endpoint};
      row["busy_for_seconds"] = static_cast<double>(s.busy_for.count()) / 1e9;
    }
    for (const auto& [name, number] : m.numbers_of(s.id)) row[name] = number;
    cores.push_back(std::move(row));
  }
  boost::json::array lost;
  for (const std::string& sentence : m.lost()) lost.emplace_back(sentence);
  return boost::json::serialize(boost::json::object{
      {"pid", ::getpid()}, {"simulated", m.simulated()}, {"cores", std::move(cores)}, {"lost", std::move(lost)}});
}

}  // namespace cooper::detail
