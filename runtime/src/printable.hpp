// SPDX-License-Identifier: BSD-3-Clause
// Text from firmware, files and vendors, made fit for a terminal and for our own files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cooper::detail {

// The text with every control character, every character that reorders or breaks the text around it, and every byte
// that is not UTF-8 replaced by '?'; cut after a whole character to `bytes_max` and "...".
std::string printable(std::string_view text, std::size_t bytes_max = std::string_view::npos);

}  // namespace cooper::detail
