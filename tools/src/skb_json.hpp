// SPDX-License-Identifier: BSD-3-Clause
// Answers of the knowledge base as JSON: rows as objects by variable name; names and text are strings, lists arrays,
// and other terms strings as the rules' language writes them.
#pragma once

#include <boost/json.hpp>

#include <cooper/skb/engine.hpp>

namespace cooper::tools {

inline boost::json::value json_of(const skb::term& t) {
  if (const auto* n = t.integer()) return *n;
  if (const auto* n = t.as<double>()) return *n;
  if (const auto* a = t.as<skb::atom>()) return boost::json::string{a->name};
  if (const auto* s = t.as<skb::text>()) return boost::json::string{s->value};
  if (const auto* l = t.list()) {
    boost::json::array all;
    for (const skb::term& one : l->elements) all.push_back(json_of(one));
    return all;
  }
  if (t.as<skb::variable>() != nullptr) return nullptr;
  return boost::json::string{t.to_text()};
}

inline boost::json::object json_of(const skb::answer& got) {
  boost::json::array rows;
  for (const auto& row : got.rows) {
    boost::json::object one;
    for (std::size_t i = 0; i < row.size(); ++i) one[got.names[i]] = json_of(row[i]);
    rows.push_back(std::move(one));
  }
  return {{"facts_version", got.facts_version}, {"rows", std::move(rows)}};
}

}  // namespace cooper::tools
