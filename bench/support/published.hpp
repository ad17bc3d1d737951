// SPDX-License-Identifier: BSD-3-Clause
// The published figures that ours stand beside: bench/data/published.json, with sources and marks.
#pragma once

#include <string_view>

namespace cooper::bench {

// The file's text, which unit.bench.published checks.
std::string_view published_json() noexcept;

}  // namespace cooper::bench
