// SPDX-License-Identifier: BSD-3-Clause
// What `cooper ps` and `cooper top` print: tables of a running machine's cores, from the status that it tells.
#pragma once

#include <string>

#include <boost/json.hpp>

#include <cooper/vocabulary/error.hpp>

namespace cooper::tools {

// The status of a machine, parsed. Errors: malformed_input (it is not a status).
result<boost::json::object> parse_status(const std::string& text);

// One line a core: its state, its actors, and what it has done so far.
std::string ps_table(const boost::json::object& status);
// The same with rates: what was done between two looks, a second.
std::string top_table(const boost::json::object& before, const boost::json::object& now, double seconds);

}  // namespace cooper::tools
