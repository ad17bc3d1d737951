// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/vocabulary/error.hpp>

#include <array>

namespace cooper {
namespace {

struct row {
  std::string_view name, text, remedy;
};

constexpr std::array table{row{"nothing", "nothing went wrong", "nothing is to be done"},
#define COOPER_ERROR_ROW(code, text, remedy) row{#code, text, remedy},
                           COOPER_ERROR_TABLE(COOPER_ERROR_ROW)
#undef COOPER_ERROR_ROW
};

constexpr const row& row_of(errc code) { return table[static_cast<std::size_t>(code)]; }

}  // namespace

std::string_view name_of(errc code) noexcept { return row_of(code).name; }
std::string_view text_of(errc code) noexcept { return row_of(code).text; }
std::string_view remedy_of(errc code) noexcept { return row_of(code).remedy; }

std::string error::message() const {
  std::string out{text_of(code_)};
  if (!detail_.empty()) out += ": " + detail_;
  out += " (";
  out += remedy_of(code_);
  return out += ")";
}

}  // namespace cooper
