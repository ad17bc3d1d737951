// SPDX-License-Identifier: BSD-3-Clause
// What we look at before hwloc does. hwloc refuses most bad input without a word, crashes on some XML files, and
// spends minutes and all memory on a synthetic string such as "pu:90000000"; these functions stand in front of it and
// say what is wrong, where.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <cooper/vocabulary/error.hpp>

struct hwloc_topology;

namespace cooper::detail {

// Larger files are no topologies: 4096 hardware threads need about 3 MB.
inline constexpr std::size_t xml_bytes_max = 64u << 20;

// The whole file. Errors: unreadable_input for what cannot be read, is no file, is empty or is over the limit.
result<std::string> read_text_file(const std::filesystem::path& file, std::size_t bytes_max = xml_bytes_max);

// Well-formed XML whose root is <topology>, with 1 to core_count_max PUs, not nested absurdly deep.
// Errors: malformed_input with file and line, too_large.
result<void> check_xml(std::string_view text, const std::string& name);

// Lets hwloc load the text in a forked child first, because a crash on a strange file must not be ours; what hwloc
// prints there is caught and told. `walk` is what the caller will do with the tree, tried there too.
// Errors: malformed_input.
result<void> try_xml(const std::string& text, const std::string& name, void (*walk)(hwloc_topology* tree));

// Levels "type:count" from outermost to pu whose product is at most core_count_max. Errors: malformed_input, too_large.
result<void> check_synthetic(const std::string& description);

}  // namespace cooper::detail
