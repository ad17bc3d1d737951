// SPDX-License-Identifier: BSD-3-Clause
// Cooper's error codes as CAF errors: category "cooper", the code as its number. its to_string gives the number;
// message_of gives the text and what to do about it.
#pragma once

#include <string>

#include <caf/atom.hpp>
#include <caf/error.hpp>

#include <cooper/vocabulary/error.hpp>

namespace cooper::actors {

inline const caf::atom_value error_category = caf::atom("cooper");

inline caf::error make_error(errc code) { return caf::error{static_cast<std::uint8_t>(code), error_category}; }

// Whether `e` is that code of ours.
inline bool is(const caf::error& e, errc code) {
  return e.category() == error_category && e.code() == static_cast<std::uint8_t>(code);
}

inline std::string message_of(const caf::error& e) {
  if (e.category() != error_category) return to_string(e);
  const auto code = static_cast<errc>(e.code());
  return std::string{text_of(code)} + ": " + std::string{remedy_of(code)};
}

}  // namespace cooper::actors
