// SPDX-License-Identifier: BSD-3-Clause
// A search that was ended, as a file, and back. A file is a few lines of text (`head -n 9 FILE`) that say of what it is
// and how far it came, then the store's bytes, then a checksum. It belongs to one kind of machine: numbers stand in the
// order of its bytes.
//
//   I1  a file is written beside the target, made durable, and renamed over it: whatever fails, the old one is there
//   I2  nothing of a file is believed before its length fits its numbers, and nothing is kept before its checksum does
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <cooper/protocols/state_store.hpp>
#include <cooper/vocabulary/error.hpp>

namespace cooper::protocols {

// Of Cooper; what another version has saved is not gone on with, since its steps may be others.
std::string_view build_version();

// How far a search came, beside the states themselves.
struct search_position {
  std::uint64_t transitions = 0;
  std::uint64_t quiet_states = 0;
  std::uint64_t depth = 0;      // of the states that are being expanded: how many actions led there
  std::uint64_t level_end = 1;  // the number of the first state that is deeper
};

// Errors: unwritable_output; the system's words are in the detail.
result<void> save_search(const std::string& path, std::string_view identity, const search_position& at,
                         const state_store& states);

// Into an empty store. Errors: unreadable_input, malformed_input (it is none, or damaged, or of another format or
// version), bad_option (it is of another search, or needs more memory than the store may have).
result<search_position> load_search(const std::string& path, std::string_view identity, state_store& into,
                                    const std::function<bool(std::span<const std::byte>)>& legible);

}  // namespace cooper::protocols
