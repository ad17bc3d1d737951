// SPDX-License-Identifier: BSD-3-Clause
// The engine over SWI-Prolog. Its pitfalls, each met here: signal handlers (--no-signals, --sigalert=0), argument
// vector that must outlive it, one thread for all of its life, cleanup that must reclaim, errors of loading that are
// printed.
#include <cooper/skb/engine.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <cooper/skb/facts.hpp>
#include <cooper/vocabulary/assert.hpp>
#include "alarm.hpp"
#include "prolog.hpp"
#include "rules.hpp"
#include "text_gate.hpp"

namespace cooper::skb {
namespace {

std::atomic<bool> running{false};

// Prolog keeps the pointers for as long as it runs.
const char* const arguments[] = {"skb",
                                 "-q",
                                 "-f",
                                 "none",
                                 "-F",
                                 "none",
                                 "--no-packs",
                                 "--no-tty",
                                 "--no-signals",
                                 "--sigalert=0",
                                 "--no-debug",
                                 "--stack-limit=1g",
                                 "--table-space=64m",
                                 nullptr};

constexpr auto cleanup_flags = PL_CLEANUP_NO_CANCEL;

// What a caller says may be anything; what the engine counts with are positive words.
limits within_reason(limits l) {
  constexpr std::uint64_t most = std::uint64_t{1} << 60;
  l.time = std::clamp<duration>(l.time, std::chrono::microseconds{1}, std::chrono::hours{24});
  l.inferences = std::clamp<std::uint64_t>(l.inferences, 1, most);
  l.rows = std::min<std::size_t>(l.rows, most);
  l.reply_bytes = std::min<std::size_t>(l.reply_bytes, most);
  l.stack_bytes = std::clamp<std::size_t>(l.stack_bytes, std::size_t{1} << 20, std::size_t{1} << 40);
  return l;
}

term limits_term(const limits& l) {
  return compound("limits", {static_cast<double>(l.time.count()) / 1e9, l.inferences, l.rows, l.stack_bytes});
}

constexpr std::size_t words_bytes_max = 500;
constexpr std::size_t rules_name_bytes_max = 4096;

error said(errc code, std::string_view detail) { return {code, one_line(detail, words_bytes_max)}; }

// A name of rules may be any bytes: a path, as a rule. It is a key, and no Prolog.
term key_of(std::string_view name) {
  std::string out;
  for (const char c : name) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return atom{std::move(out)};
}

// What guard.pl throws, as an error of ours; anything else comes from what is called without it.
error failure(term_t thrown) {
  const auto read = prolog::reader{4096}.get(thrown);
  if (!read) return error{errc::query_failed, "(no words for it)"};
  if (const auto* parts = read->arguments_of("failed", 2)) {
    const auto* kind = parts->front().as<atom>();
    const auto* words = parts->back().as<text>();
    using enum errc;
    for (const errc code : {query_malformed, query_unknown, query_forbidden, query_timeout, query_exhausted,
                            query_truncated, too_large}) {
      if (kind != nullptr && words != nullptr && kind->name == name_of(code)) return said(code, words->value);
    }
    if (words != nullptr) return said(query_failed, words->value);
  }
  return said(errc::query_failed, read->to_text());
}

class prolog_engine final : public engine {
 public:
  ~prolog_engine() override {
    COOPER_ASSERT(std::this_thread::get_id() == owner_, "an engine is ended by the thread that started it");
    if (begun_) {
      static_cast<void>(must("skb_guard", "finish", {}));
      alarm_.reset();
      PL_cleanup(cleanup_flags);
    }
    // sync(engine.running) release <-> engine.start: the engine is gone.
    running.store(false, std::memory_order_release);
  }

  result<void> boot();

  result<void> change(std::span<const term> patterns, std::span<const term> facts) override;
  std::uint64_t facts_version() const noexcept override { return version_; }
  std::size_t fact_count() const noexcept override { return count_; }
  result<answer> ask(const term& goal, const limits& within) override;
  result<answer> ask_text(std::string_view goal, const limits& within) override;
  bool find(const char* name, std::span<const std::int64_t> keys, std::span<std::int64_t> values) override;
  result<rules_report> load_rules(std::string_view name, std::string_view text, const limits& within) override;
  result<void> forget_rules(std::string_view name) override;

 private:
  // Calls a predicate once. `values` are built in its arguments; what it puts into their variables is read from there.
  // False: it failed.
  result<bool> call(const char* module, const char* name, const std::vector<term>& values, prolog::builder& builder);
  result<void> must(const char* module, const char* name, const std::vector<term>& values);
  result<answer> rows_of(prolog::builder& builder, std::vector<std::string> names, const limits& within);
  void here() const {
    COOPER_ASSERT(std::this_thread::get_id() == owner_, "an engine is for the thread that started it");
  }

  bool begun_ = false;
  std::optional<alarm> alarm_;
  std::thread::id owner_ = std::this_thread::get_id();
  std::uint64_t version_ = 0;
  std::size_t count_ = 0;
  std::map<std::pair<std::string, std::size_t>, predicate_t> found_;
};

result<bool> prolog_engine::call(const char* module, const char* name, const std::vector<term>& values,
                                 prolog::builder& builder) {
  const int arity = static_cast<int>(values.size());
  const term_t first = PL_new_term_refs(arity);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!builder.put(first + i, values[i])) {
      PL_clear_exception();
      return error{errc::query_exhausted, "a term is too large or too deep for the engine"};
    }
  }
  const module_t context = PL_new_module(PL_new_atom(module));
  const qid_t query =
      PL_open_query(context, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION, PL_predicate(name, arity, module), first);
  if (first == 0 || query == 0) return error{errc::query_exhausted, "memory of the engine"};
  const bool yes = PL_next_solution(query) != 0;
  const term_t thrown = yes ? 0 : PL_exception(query);
  const record_t kept = thrown != 0 ? PL_record(thrown) : nullptr;
  PL_cut_query(query);
  if (thrown == 0) return yes;
  // What was thrown is gone with its query; a copy is looked at.
  const term_t copy = PL_new_term_ref();
  if (kept == nullptr || PL_recorded(kept, copy) == 0) return error{errc::query_exhausted, "memory of the engine"};
  PL_erase(kept);
  return failure(copy);
}

result<void> prolog_engine::must(const char* module, const char* name, const std::vector<term>& values) {
  const prolog::frame frame;
  prolog::builder builder;
  const auto called = call(module, name, values, builder);
  if (!called) return called.error();
  if (!*called) return error{errc::query_failed, fmt::format("{}:{} fails", module, name)};
  return {};
}

result<void> prolog_engine::boot() {
  if (const unsigned here = PL_version_info(PL_VERSION_SYSTEM); here != PLVERSION) {
    return error{errc::engine_unavailable,
                 fmt::format("Cooper was built with SWI-Prolog {} and finds {}; build it again", PLVERSION, here)};
  }
  const auto rules = rules_state();
  PL_set_resource_db_mem(rules.data(), rules.size());
  if (PL_initialise(static_cast<int>(std::size(arguments)) - 1, const_cast<char**>(arguments)) == 0) {
    return error{errc::engine_unavailable, "SWI-Prolog does not start; is swi-prolog-nox complete?"};
  }
  begun_ = true;
  const prolog::frame frame;
  alarm_.emplace();
  // No thread but the engine's own and that of its alarm.
  if (const auto set = must("system", "set_prolog_flag", {"gc_thread", "false"}); !set) return set;
  for (const fact_shape& shape : vocabulary()) {
    const auto known =
        must("skb_guard", "known", {atom{std::string{shape.name}}, static_cast<std::int64_t>(shape.arguments.size())});
    if (!known) return known;
  }
  const std::vector<term> none;
  if (const auto begun = change(none, none); !begun) return begun;
  return must("skb_guard", "begin", {schema_version});
}

// -- facts ------------------------------------------------------------------------------------------------------------

result<void> prolog_engine::change(std::span<const term> patterns, std::span<const term> facts) {
  here();
  if (facts.size() > facts_max) {
    return error{errc::too_large, fmt::format("{} facts; at most {}", facts.size(), facts_max)};
  }
  for (const term& pattern : patterns) {
    if (const auto good = check_pattern(pattern); !good) return said(good.error().code(), good.error().detail());
  }
  for (const term& fact : facts) {
    if (const auto good = check_fact(fact); !good) return said(good.error().code(), good.error().detail());
  }
  const prolog::frame frame;
  prolog::builder builder;
  const auto changed = call("skb_guard", "change",
                            {list({patterns.begin(), patterns.end()}), list({facts.begin(), facts.end()}), version_ + 1,
                             facts_max, variable{"Count"}},
                            builder);
  if (!changed) return changed.error();
  if (!*changed) return error{errc::facts_rejected, "the engine does not take them"};
  ++version_;
  const auto count = prolog::reader{64}.get(builder.variables().at("Count"));
  if (count && count->integer() != nullptr) count_ = static_cast<std::size_t>(*count->integer());
  return {};
}

bool prolog_engine::find(const char* name, std::span<const std::int64_t> keys, std::span<std::int64_t> values) {
  here();
  const prolog::frame frame;
  const std::size_t arity = keys.size() + values.size();
  predicate_t& predicate = found_[{name, arity}];
  if (predicate == nullptr) predicate = PL_predicate(name, static_cast<int>(arity), "skb");
  const term_t first = PL_new_term_refs(static_cast<int>(arity));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (PL_put_int64(first + i, keys[i]) == 0) return false;
  }
  const qid_t query = PL_open_query(nullptr, PL_Q_NODEBUG | PL_Q_CATCH_EXCEPTION, predicate, first);
  if (query == 0) return false;
  bool all = PL_next_solution(query) != 0;
  for (std::size_t i = 0; all && i < values.size(); ++i) all = PL_get_int64(first + keys.size() + i, &values[i]) != 0;
  PL_cut_query(query);
  return all;
}

// -- questions --------------------------------------------------------------------------------------------------------

namespace {

void name_variables(const term& t, std::vector<std::string>& names) {
  if (const auto* v = t.as<variable>()) {
    if (std::find(names.begin(), names.end(), v->name) == names.end()) names.push_back(v->name);
  } else if (const auto* c = t.as<compound_term>()) {
    for (const term& one : c->arguments) name_variables(one, names);
  } else if (const auto* l = t.list()) {
    for (const term& one : l->elements) name_variables(one, names);
  }
}

}  // namespace

result<answer> prolog_engine::rows_of(prolog::builder& builder, std::vector<std::string> names, const limits& within) {
  const auto rows = prolog::reader{within.reply_bytes}.get(builder.variables().at("Rows of the answer"));
  if (!rows || rows->list() == nullptr) return error{errc::query_truncated, "bytes"};
  answer out{.names = std::move(names), .rows = {}, .facts_version = version_};
  for (const term& row : rows->list()->elements) out.rows.push_back(row.list()->elements);
  return out;
}

result<answer> prolog_engine::ask(const term& goal, const limits& asked_within) {
  here();
  const limits within = within_reason(asked_within);
  const prolog::frame frame;
  std::vector<std::string> names;
  name_variables(goal, names);
  std::vector<term> values;
  for (const std::string& name : names) values.emplace_back(variable{name});
  prolog::builder builder;
  const auto asked =
      call("skb_guard", "ask", {goal, list(std::move(values)), limits_term(within), variable{"Rows of the answer"}},
           builder);
  if (!asked) return asked.error();
  return rows_of(builder, std::move(names), within);
}

result<answer> prolog_engine::ask_text(std::string_view goal, const limits& asked_within) {
  here();
  const limits within = within_reason(asked_within);
  if (goal.size() > query_bytes_max) {
    return error{errc::too_large, fmt::format("a question of {} bytes; at most {}", goal.size(), query_bytes_max)};
  }
  if (const auto wrong = mistake_in(goal)) return error{errc::query_malformed, wrong->words};
  const prolog::frame frame;
  prolog::builder builder;
  const auto asked =
      call("skb_guard", "ask_text",
           {text{std::string{goal}}, limits_term(within), variable{"Names"}, variable{"Rows of the answer"}}, builder);
  if (!asked) return asked.error();
  const auto read = prolog::reader{query_bytes_max * 32}.get(builder.variables().at("Names"));
  if (!read || read->list() == nullptr) return error{errc::query_truncated, "names"};
  std::vector<std::string> names;
  for (const term& name : read->list()->elements) {
    if (const auto* a = name.as<atom>()) names.push_back(a->name);
  }
  return rows_of(builder, std::move(names), within);
}

// -- rules of users ---------------------------------------------------------------------------------------------------

result<rules_report> prolog_engine::load_rules(std::string_view name, std::string_view source,
                                               const limits& asked_within) {
  here();
  const limits within = within_reason(asked_within);
  if (source.size() > rules_bytes_max) {
    return error{errc::too_large, fmt::format("rules of {} bytes; at most {}", source.size(), rules_bytes_max)};
  }
  if (name.size() > rules_name_bytes_max) {
    return error{errc::too_large, fmt::format("a name of {} bytes; at most {}", name.size(), rules_name_bytes_max)};
  }
  if (const auto wrong = mistake_in(source)) {
    return rules_report{.mistakes = {{.line = wrong->line, .words = wrong->words}}};
  }
  const prolog::frame frame;
  prolog::builder builder;
  const auto loaded = call(
      "skb_guard", "load_rules",
      {key_of(name), text{std::string{source}}, limits_term(within), variable{"Count"}, variable{"Mistakes"}}, builder);
  if (!loaded) return loaded.error();
  rules_report report;
  const auto count = prolog::reader{64}.get(builder.variables().at("Count"));
  if (count && count->integer() != nullptr) report.clauses = static_cast<std::size_t>(*count->integer());
  const auto mistakes = prolog::reader{rules_bytes_max * 4}.get(builder.variables().at("Mistakes"));
  if (!mistakes || mistakes->list() == nullptr) return error{errc::query_truncated, "the list of mistakes"};
  for (const term& one : mistakes->list()->elements) {
    const auto* parts = one.arguments_of("error", 2);
    if (parts == nullptr) continue;
    const auto* line = parts->front().integer();
    const auto* words = parts->back().as<text>();
    report.mistakes.push_back(
        {.line = line != nullptr ? static_cast<std::size_t>(*line) : 0,
         .words = one_line(words != nullptr ? words->value : parts->back().to_text(), words_bytes_max)});
  }
  return report;
}

result<void> prolog_engine::forget_rules(std::string_view name) {
  here();
  return must("skb_guard", "forget_rules", {key_of(name)});
}

}  // namespace

bool engine::available() noexcept { return true; }

result<std::unique_ptr<engine>> engine::start() {
  // sync(engine.start) acquire <-> engine.running: one after the other.
  if (running.exchange(true, std::memory_order_acquire)) {
    return error{errc::engine_unavailable, "another engine of this process is running"};
  }
  auto made = std::make_unique<prolog_engine>();
  if (const auto booted = made->boot(); !booted) return booted.error();
  return std::unique_ptr<engine>{std::move(made)};
}

}  // namespace cooper::skb
