// SPDX-License-Identifier: BSD-3-Clause
// Terms of the knowledge base as values: what programs ask with, and what answers are made of.
//
//   term goal = compound("link", {1, variable("To"), variable("Send"), variable("Transit"), variable("Recv")});
//
// A term that is built is never parsed: a name with quotes or brackets in it is that name. Any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cooper::skb {

class term;

struct variable {
  std::string name;  // the same name is the same variable
  explicit variable(std::string n) : name{std::move(n)} {}
  friend bool operator==(const variable&, const variable&) = default;
};
struct atom {
  std::string name;
  explicit atom(std::string n) : name{std::move(n)} {}
  friend bool operator==(const atom&, const atom&) = default;
};
// Text that is data, not a name: "..." in Prolog.
struct text {
  std::string value;
  explicit text(std::string v) : value{std::move(v)} {}
  friend bool operator==(const text&, const text&) = default;
};
struct compound_term {
  std::string name;
  std::vector<term> arguments;  // at least one
};
struct list_term {
  std::vector<term> elements;
};

class term {
 public:
  term(std::integral auto number) : is_{static_cast<std::int64_t>(number)} {}
  term(double number) : is_{number} {}
  term(atom a) : is_{std::move(a)} {}
  term(text t) : is_{std::move(t)} {}
  term(variable v) : is_{std::move(v)} {}
  term(compound_term c) : is_{std::move(c)} {}
  term(list_term l) : is_{std::move(l)} {}
  // A name, as most constants are.
  term(const char* name) : is_{atom{name}} {}

  template <class T>
  const T* as() const noexcept {
    return std::get_if<T>(&is_);
  }
  const std::int64_t* integer() const noexcept { return as<std::int64_t>(); }
  const list_term* list() const noexcept { return as<list_term>(); }
  // Its arguments if it is a compound of that name and so many arguments, else null.
  const std::vector<term>* arguments_of(std::string_view name, std::size_t count) const noexcept;

  // As Prolog reads it, quoted where that is needed.
  std::string to_text() const;
  bool ground() const;

  friend bool operator==(const term&, const term&);

 private:
  std::variant<std::int64_t, double, atom, text, variable, compound_term, list_term> is_;
};

inline term compound(std::string name, std::vector<term> arguments) {
  return compound_term{std::move(name), std::move(arguments)};
}
inline term list(std::vector<term> elements) { return list_term{std::move(elements)}; }

}  // namespace cooper::skb
