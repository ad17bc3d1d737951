// SPDX-License-Identifier: BSD-3-Clause
#include "prolog.hpp"

#include <utility>

namespace cooper::skb::prolog {

bool builder::put_all(term_t first, const std::vector<term>& values, unsigned depth) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!put(first + i, values[i], depth)) return false;
  }
  return true;
}

bool builder::put(term_t at, const term& value, unsigned depth) {
  if (depth > depth_max) return false;
  if (const auto* n = value.integer()) return PL_put_int64(at, *n) != 0;
  if (const auto* n = value.as<double>()) return PL_put_float(at, *n) != 0;
  if (const auto* a = value.as<atom>()) {
    if (a->name == "[]") return PL_put_nil(at) != 0;
    return PL_put_chars(at, PL_ATOM | REP_UTF8, a->name.size(), a->name.data()) != 0;
  }
  if (const auto* t = value.as<text>()) {
    return PL_put_chars(at, PL_STRING | REP_UTF8, t->value.size(), t->value.data()) != 0;
  }
  if (const auto* v = value.as<variable>()) {
    auto known = variables_.find(v->name);
    if (known == variables_.end()) known = variables_.emplace(v->name, PL_new_term_ref()).first;
    return PL_put_term(at, known->second) != 0;
  }
  if (const auto* c = value.as<compound_term>()) {
    const term_t arguments = PL_new_term_refs(static_cast<int>(c->arguments.size()));
    if (arguments == 0 || !put_all(arguments, c->arguments, depth + 1)) return false;
    const atom_t name = PL_new_atom_mbchars(REP_UTF8, c->name.size(), c->name.data());
    const functor_t functor = PL_new_functor_sz(name, c->arguments.size());
    PL_unregister_atom(name);
    return PL_cons_functor_v(at, functor, arguments) != 0;
  }
  const auto& elements = value.list()->elements;
  const term_t tail = PL_new_term_ref(), head = PL_new_term_ref();
  PL_put_nil(tail);
  for (auto one = elements.rbegin(); one != elements.rend(); ++one) {
    if (!put(head, *one, depth + 1) || PL_cons_list(tail, head, tail) == 0) return false;
  }
  return PL_put_term(at, tail) != 0;
}

namespace {

bool at_most_digits(term_t number, std::size_t most) {
  constexpr std::size_t digits_of_a_cell = 19;
  static constexpr int arity = 3;
  const term_t first = PL_new_term_refs(arity);
  return first != 0 && PL_put_term(first, number) != 0 &&
         PL_put_int64(first + 1, static_cast<std::int64_t>(most / digits_of_a_cell + 2)) != 0 &&
         PL_call_predicate(nullptr, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION, PL_predicate("$term_size", arity, "system"),
                           first) != 0;
}

}  // namespace

bool reader::spend(std::size_t bytes) {
  if (bytes > left_) return false;
  left_ -= bytes;
  return true;
}

std::optional<term> reader::get(term_t from, unsigned depth) {
  constexpr std::size_t word = 16;
  if (depth > depth_max || !spend(word)) return {};
  const auto chars = [&](unsigned flags) -> std::optional<std::string> {
    char* data = nullptr;
    std::size_t size = 0;
    if (PL_get_nchars(from, &size, &data, flags | REP_UTF8 | BUF_DISCARDABLE) == 0 || !spend(size)) return {};
    return std::string{data, size};
  };
  switch (PL_term_type(from)) {
    case PL_VARIABLE: {
      auto name = chars(CVT_VARIABLE);
      if (!name) return {};
      return variable{std::move(*name)};
    }
    case PL_INTEGER: {
      std::int64_t n = 0;
      if (PL_get_int64(from, &n) != 0) return n;
      // A number that is larger stays readable. To make millions of digits takes seconds.
      if (!at_most_digits(from, left_)) return {};
      auto digits = chars(CVT_INTEGER);
      if (!digits) return {};
      return text{std::move(*digits)};
    }
    case PL_FLOAT: {
      double n = 0;
      if (PL_get_float(from, &n) == 0) return {};
      return n;
    }
    case PL_STRING: {
      auto value = chars(CVT_STRING);
      if (!value) return {};
      return text{std::move(*value)};
    }
    case PL_ATOM: {
      auto name = chars(CVT_ATOM);
      if (!name) return {};
      return atom{std::move(*name)};
    }
    case PL_NIL:
      return list({});
    case PL_LIST_PAIR:
      return get_list(from, depth);
    case PL_TERM:
      return get_compound(from, depth);
    default: {
      auto written = chars(CVT_WRITE);
      if (!written) return {};
      return text{std::move(*written)};
    }
  }
}

std::optional<term> reader::get_list(term_t from, unsigned depth) {
  std::vector<term> elements;
  const term_t rest = PL_copy_term_ref(from), head = PL_new_term_ref();
  while (PL_get_list(rest, head, rest) != 0) {
    auto one = get(head, depth + 1);
    if (!one) return {};
    elements.push_back(std::move(*one));
  }
  if (PL_get_nil(rest) != 0) return list(std::move(elements));
  // A list without an end: as Prolog has it.
  auto end = get(rest, depth + 1);
  if (!end) return {};
  return compound("|", {list(std::move(elements)), std::move(*end)});
}

std::optional<term> reader::get_compound(term_t from, unsigned depth) {
  atom_t functor = 0;
  std::size_t arity = 0;
  if (PL_get_compound_name_arity_sz(from, &functor, &arity) == 0) return {};
  const term_t part = PL_new_term_ref();
  PL_put_atom(part, functor);
  char* data = nullptr;
  std::size_t size = 0;
  if (PL_get_nchars(part, &size, &data, CVT_ATOM | CVT_WRITE | REP_UTF8 | BUF_DISCARDABLE) == 0 || !spend(size))
    return {};
  std::string name{data, size};
  std::vector<term> arguments;
  for (std::size_t i = 1; i <= arity; ++i) {
    if (PL_get_arg_sz(i, from, part) == 0) return {};
    auto one = get(part, depth + 1);
    if (!one) return {};
    arguments.push_back(std::move(*one));
  }
  return compound(std::move(name), std::move(arguments));
}

}  // namespace cooper::skb::prolog
