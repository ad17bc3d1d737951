// SPDX-License-Identifier: BSD-3-Clause
// The report as one HTML page that needs nothing else: no script, no font, no picture from anywhere.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "report_model.hpp"

namespace cooper::tools {

// `published`: bench/data/published.json. What it lacks is left out.
std::string render_page(const report_data& data, const boost::json::value& published);

// -- pieces, each in a file of its own

// The first screen: the machine in a sentence, its message cost, the ratios to the peers, and what to be wary of.
std::string render_first_screen(const report_data& data);
// A section for each workload that has rows, with the published figures beside ours.
std::string render_workloads(const report_data& data, const boost::json::value& published);
// What was simulated, in a section of its own and never beside what was measured; empty if nothing was.
std::string render_simulated(const report_data& data, const boost::json::value& published);
// Machine, method, how to measure again.
std::string render_background(const report_data& data, const boost::json::value& published);

// Shared by the sections.
std::string with_unit(double value, std::string_view unit);  // "127 ns", "41.3 us", "195 million messages/s"
std::string times(double ratio);                             // "1.12", "12.4", "186"
std::string mark_style(const report_row& row);               // which class a row is drawn in
std::string rows_table(const std::vector<const report_row*>& rows);
std::string published_beside(const boost::json::value& published, std::string_view workload);

}  // namespace cooper::tools
