// SPDX-License-Identifier: BSD-3-Clause
// SWI-Prolog's C interface with owners: frames, and terms in and out. The engine's thread only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <SWI-Prolog.h>

#include <cooper/skb/term.hpp>

namespace cooper::skb::prolog {

// Term references made in it end with it, and what was built; and the engine's notice that it was out of memory.
class frame {
 public:
  frame() : id_{PL_open_foreign_frame()} {}
  ~frame() {
    PL_clear_exception();
    PL_discard_foreign_frame(id_);
  }
  frame(const frame&) = delete;
  frame& operator=(const frame&) = delete;

 private:
  fid_t id_;
};

inline constexpr unsigned depth_max = 1000;

// Builds terms; a variable's name stands for one variable as long as this lives.
class builder {
 public:
  // False: the engine is out of memory, or it is deeper than a reader reads.
  bool put(term_t at, const term& value, unsigned depth = 0);
  // The variables met so far.
  const std::map<std::string, term_t>& variables() const { return variables_; }

 private:
  bool put_all(term_t first, const std::vector<term>& values, unsigned depth);
  std::map<std::string, term_t> variables_;
};

// Reads terms, up to so many bytes together and not deeper than a limit; nothing if there is more.
class reader {
 public:
  explicit reader(std::size_t bytes) : left_{bytes} {}
  std::optional<term> get(term_t from, unsigned depth = 0);

 private:
  bool spend(std::size_t bytes);
  std::optional<term> get_list(term_t from, unsigned depth);
  std::optional<term> get_compound(term_t from, unsigned depth);

  std::size_t left_;
};

}  // namespace cooper::skb::prolog
