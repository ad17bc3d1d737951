// SPDX-License-Identifier: BSD-3-Clause
// Operating failures as values: result<T>, error, and the one table of codes (error_table.hpp).
//
// Three kinds of failure are never mixed: a bug asserts; a normal outcome on a hot path is a small enum; what the
// world does to us is an error from this table, with its remedy. std::expected is not in C++20.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <cooper/vocabulary/assert.hpp>
#include <cooper/vocabulary/error_table.hpp>

namespace cooper {

enum class errc : std::uint8_t {
  nothing,  // no failure's code: others take zero for success
#define COOPER_ERROR_CODE(code, text, remedy) code,
  COOPER_ERROR_TABLE(COOPER_ERROR_CODE)
#undef COOPER_ERROR_CODE
};

std::string_view name_of(errc) noexcept;
std::string_view text_of(errc) noexcept;
std::string_view remedy_of(errc) noexcept;

class [[nodiscard]] error {
 public:
  error(errc code, std::string detail = {}) : code_{code}, detail_{std::move(detail)} {}

  errc code() const noexcept { return code_; }
  // What exactly: the name, the number, the path, the process.
  const std::string& detail() const noexcept { return detail_; }
  // One line for a person: text, detail, and what to do.
  std::string message() const;

 private:
  errc code_;
  std::string detail_;
};

struct success {};

template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
  result(cooper::error e) : state_{std::in_place_index<1>, std::move(e)} {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  T& value() & { return check(), *std::get_if<0>(&state_); }
  const T& value() const& { return check(), *std::get_if<0>(&state_); }
  T&& value() && { return check(), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const cooper::error& error() const {
    COOPER_ASSERT(state_.index() == 1, "error() of a result that holds a value");
    return *std::get_if<1>(&state_);
  }

 private:
  void check() const { COOPER_ASSERT(state_.index() == 0, "value() of a result that holds an error"); }

  std::variant<T, cooper::error> state_;
};

template <>
class [[nodiscard]] result<void> : public result<success> {
 public:
  result() : result<success>{success{}} {}
  result(cooper::error e) : result<success>{std::move(e)} {}
};

}  // namespace cooper
