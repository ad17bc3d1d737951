// SPDX-License-Identifier: BSD-3-Clause
// The logic engine: facts, shipped rules, users' rules and questions about them. SWI-Prolog, embedded.
//
//   auto made = engine::start();                                  // result<std::unique_ptr<engine>>
//   (*made)->change({}, facts_of(machine));                       // facts.hpp
//   auto rows = (*made)->ask(compound("pu", {variable("P"), variable("Os"), variable("Core")}));
//
// All members are for the thread that started it, which needs a stack of a mebibyte at least, and which also ends it;
// knowledge_base.hpp is such a thread for everybody else. One engine a process at a time: after its end another may be
// started. A question blocks its thread until it is answered or has used up a limit, so this is no thread of a core.
//
//   I1  a change of facts happens as a whole or not at all; each gives the facts another version
//   I2  what a question leaves behind is nothing: no clause, no global variable, no open stream
//   I3  shipped rules and facts cannot be changed by a question or a rule file
//   enforced by rules/guard.pl and by the schema in facts.hpp
//
// Counterpart in Barrelfish: the SKB service (usr/skb), an ECLiPSe engine that answers text with text, without limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cooper/skb/term.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/time.hpp>

namespace cooper::skb {

// What a question may use. Beyond: query_timeout, query_exhausted (inferences, memory) or query_truncated (rows,
// bytes); the engine stays usable.
struct limits {
  duration time = std::chrono::seconds{1};
  std::uint64_t inferences = 5'000'000;
  std::size_t rows = 10'000;
  std::size_t reply_bytes = std::size_t{1} << 20;
  std::size_t stack_bytes = std::size_t{64} << 20;

  // For text that somebody wrote. Arithmetic on huge numbers cannot be interrupted; little memory stops it.
  static limits for_text() {
    limits l;
    l.stack_bytes = std::size_t{8} << 20;
    return l;
  }
};
inline constexpr std::size_t query_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t rules_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t facts_max = 2'000'000;

struct answer {
  std::vector<std::string> names;       // of the variables, in the order of each row's values
  std::vector<std::vector<term>> rows;  // none: there is no answer
  std::uint64_t facts_version = 0;      // that it was given from

  // The value of a variable in a row, or null.
  const term* find(std::size_t row, std::string_view name) const noexcept;
};

// What became of a rule file: it is installed if there is no error.
struct rules_report {
  struct mistake {
    std::size_t line;
    std::string words;
  };
  std::size_t clauses = 0;
  std::vector<mistake> mistakes;
};

class engine {
 public:
  // Whether Cooper was built with SWI-Prolog.
  static bool available() noexcept;
  // Errors: engine_unavailable (built without, another one is running, or the engine does not start).
  static result<std::unique_ptr<engine>> start();
  virtual ~engine() = default;
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  // Removes all facts that match a pattern (its variables match anything), then adds. Adding one that is there already
  // changes nothing. Errors: facts_rejected (names the fact and what is wrong with it), too_large.
  virtual result<void> change(std::span<const term> patterns, std::span<const term> facts) = 0;
  virtual std::uint64_t facts_version() const noexcept = 0;
  virtual std::size_t fact_count() const noexcept = 0;

  // A program's question. Errors: those of limits, query_unknown, query_failed.
  virtual result<answer> ask(const term& goal, const limits& within = {}) = 0;
  // A person's: one goal, with or without its full stop. Only what cannot harm is called. Variables that begin with an
  // underscore are left out of the rows. Errors: also query_malformed, query_forbidden, too_large.
  virtual result<answer> ask_text(std::string_view goal, const limits& within = limits::for_text()) = 0;
  // The first fact of that name whose first arguments are these numbers, all of whose others are numbers: puts those
  // into `values`. False if there is none.
  virtual bool find(const char* name, std::span<const std::int64_t> keys, std::span<std::int64_t> values) = 0;

  // Reads rules in place of those of that name: clauses, and the directives dynamic, table and discontiguous. Questions
  // see them beside the shipped ones; they see the shipped ones, and not each other. The report has every mistake, and
  // with one nothing is changed. Errors: those of limits, too_large.
  virtual result<rules_report> load_rules(std::string_view name, std::string_view text,
                                          const limits& within = limits::for_text()) = 0;
  virtual result<void> forget_rules(std::string_view name) = 0;

 protected:
  engine() = default;
};

}  // namespace cooper::skb
