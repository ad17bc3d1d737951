// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/skb/term.hpp>

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace cooper::skb {
namespace {

bool is_plain_atom(std::string_view name) {
  if (name == "[]" || name == "!" || name == "{}") return true;
  const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return !name.empty() && std::islower(static_cast<unsigned char>(name.front())) != 0 &&
         static_cast<unsigned char>(name.front()) < 0x80 && std::all_of(name.begin(), name.end(), letter);
}

std::string quoted(std::string_view value, char mark) {
  std::string out{mark};
  for (const char c : value) {
    if (c == mark || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:x}\\", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + mark;
}

std::string atom_text(std::string_view name) { return is_plain_atom(name) ? std::string{name} : quoted(name, '\''); }

std::string joined(const std::vector<term>& all) {
  std::string out;
  for (const term& t : all) out += (out.empty() ? "" : ",") + t.to_text();
  return out;
}

struct printer {
  std::string operator()(std::int64_t n) const { return std::to_string(n); }
  std::string operator()(double n) const {
    std::string out = fmt::format("{}", n);
    // 1e+300 and 3 are no floats to Prolog.
    if (out.find_first_of(".in") == std::string::npos) {
      const auto e = out.find('e');
      out.insert(e == std::string::npos ? out.size() : e, ".0");
    }
    return out;
  }
  std::string operator()(const atom& a) const { return atom_text(a.name); }
  std::string operator()(const text& t) const { return quoted(t.value, '"'); }
  std::string operator()(const variable& v) const { return v.name; }
  std::string operator()(const compound_term& c) const { return atom_text(c.name) + "(" + joined(c.arguments) + ")"; }
  std::string operator()(const list_term& l) const { return "[" + joined(l.elements) + "]"; }
};

}  // namespace

const std::vector<term>* term::arguments_of(std::string_view name, std::size_t count) const noexcept {
  const auto* c = as<compound_term>();
  return c != nullptr && c->name == name && c->arguments.size() == count ? &c->arguments : nullptr;
}

std::string term::to_text() const { return std::visit(printer{}, is_); }

bool term::ground() const {
  if (as<variable>() != nullptr) return false;
  const auto all = [](const std::vector<term>& parts) {
    return std::all_of(parts.begin(), parts.end(), [](const term& t) { return t.ground(); });
  };
  if (const auto* c = as<compound_term>()) return all(c->arguments);
  if (const auto* l = as<list_term>()) return all(l->elements);
  return true;
}

bool operator==(const term& a, const term& b) {
  if (a.is_.index() != b.is_.index()) return false;
  if (const auto* c = a.as<compound_term>()) {
    const auto* d = b.as<compound_term>();
    return c->name == d->name && c->arguments == d->arguments;
  }
  if (const auto* l = a.as<list_term>()) return l->elements == b.as<list_term>()->elements;
  if (const auto* n = a.integer()) return *n == *b.integer();
  if (const auto* n = a.as<double>()) return *n == *b.as<double>();
  if (const auto* n = a.as<atom>()) return *n == *b.as<atom>();
  if (const auto* n = a.as<text>()) return *n == *b.as<text>();
  return *a.as<variable>() == *b.as<variable>();
}

}  // namespace cooper::skb
