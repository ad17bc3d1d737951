// SPDX-License-Identifier: BSD-3-Clause
// The files of runtime/profiles as they stand there.
#pragma once

#include <span>
#include <string_view>

namespace cooper::detail {

struct profile_text {
  std::string_view name;  // the file's, without .toml
  std::string_view text;
};

// By name.
std::span<const profile_text> profile_texts() noexcept;

}  // namespace cooper::detail
