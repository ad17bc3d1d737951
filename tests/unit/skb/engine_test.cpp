// SPDX-License-Identifier: BSD-3-Clause
// The engine: facts as a whole or not at all, questions within their limits, rule files, and what it must refuse.
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <cooper/skb/engine.hpp>
#include <cooper/skb/facts.hpp>
#include "knowledge.hpp"

using namespace cooper;
using namespace cooper::skb;
using namespace cooper::test;

namespace {

const std::vector<term> none;

term pu(int number, int os, int core) { return compound("pu", {number, os, core}); }

std::vector<term> three_pus() { return {pu(0, 10, 0), pu(1, 11, 0), pu(2, 12, 1)}; }

// The rows of one variable's integers.
std::vector<std::int64_t> numbers(const result<answer>& got, std::string_view name) {
  REQUIRE_MESSAGE(got, (got ? "" : got.error().message()));
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < got->rows.size(); ++i) {
    const term* t = got->find(i, name);
    REQUIRE(t != nullptr);
    REQUIRE(t->integer() != nullptr);
    out.push_back(*t->integer());
  }
  return out;
}

errc code_of(const result<answer>& got) {
  REQUIRE_FALSE(got);
  return got.error().code();
}

}  // namespace

TEST_CASE("facts are asked for by program and by text, and looked up by number") {
  const auto e = started();
  REQUIRE(e->change(none, three_pus()));
  CHECK(e->fact_count() == 3);
  const auto by_term = e->ask(compound("pu", {variable("P"), variable("Os"), 0}));
  CHECK(numbers(by_term, "P") == std::vector<std::int64_t>{0, 1});
  CHECK(numbers(by_term, "Os") == std::vector<std::int64_t>{10, 11});
  CHECK(by_term->facts_version == e->facts_version());
  CHECK(numbers(e->ask_text("pu(P, Os, 0), Os > 10."), "P") == std::vector<std::int64_t>{1});
  CHECK(numbers(e->ask_text("pu(P, _Os, 1)"), "P") == std::vector<std::int64_t>{2});
  std::int64_t rest[2] = {};
  const std::int64_t key = 2;
  REQUIRE(e->find("pu", {&key, 1}, rest));
  CHECK(rest[0] == 12);
  CHECK(rest[1] == 1);
  const std::int64_t unknown = 7;
  CHECK_FALSE(e->find("pu", {&unknown, 1}, rest));
}

TEST_CASE("a change happens as a whole or not at all") {
  const auto e = started();
  REQUIRE(e->change(none, three_pus()));
  const auto before = e->facts_version();
  std::vector<term> bad{pu(3, 13, 1), compound("pu", {4, -3, 1})};
  const auto refused = e->change(none, bad);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::facts_rejected);
  CHECK(refused.error().detail().find("pu(4,-3,1)") != std::string::npos);
  CHECK(e->facts_version() == before);
  CHECK(e->fact_count() == 3);
  std::vector<term> patterns{compound("pu", {variable("A"), variable("B"), 0})};
  std::vector<term> again{pu(2, 12, 1), pu(5, 15, 2)};
  REQUIRE(e->change(patterns, again));
  CHECK(e->facts_version() == before + 1);
  CHECK(numbers(e->ask_text("pu(P, _, _)"), "P") == std::vector<std::int64_t>{2, 5});
}

TEST_CASE("what is no goal, unknown, wrong or harmful is told apart") {
  const auto e = started();
  CHECK(code_of(e->ask_text("pu(P")) == errc::query_malformed);
  CHECK(code_of(e->ask_text("")) == errc::query_malformed);
  CHECK(code_of(e->ask_text("true. halt")) == errc::query_malformed);
  CHECK(code_of(e->ask_text("nobody_knows(X)")) == errc::query_unknown);
  CHECK(code_of(e->ask_text("X is foo + 1")) == errc::query_failed);
  CHECK(code_of(e->ask_text("shell('true')")) == errc::query_forbidden);
  CHECK(code_of(e->ask_text("assertz(skb:pu(9, 9, 9))")) == errc::query_forbidden);
  CHECK(numbers(e->ask_text("X is 3 * 4"), "X") == std::vector<std::int64_t>{12});
}

TEST_CASE("a question that uses up a limit is stopped, and the next one is answered") {
  const auto e = started();
  limits l = limits::for_text();
  CHECK(code_of(e->ask_text("repeat, fail", l)) == errc::query_exhausted);
  l.inferences = 1'000'000'000'000;
  l.time = std::chrono::milliseconds{100};
  CHECK(code_of(e->ask_text("repeat, fail", l)) == errc::query_timeout);
  CHECK(code_of(e->ask_text("length(L, 10000000)")) == errc::query_exhausted);
  CHECK(code_of(e->ask_text("between(1, 20000, X)")) == errc::query_truncated);
  CHECK(code_of(e->ask_text("numlist(1, 100000, L)")) == errc::query_truncated);
  CHECK(numbers(e->ask_text("X = 1"), "X") == std::vector<std::int64_t>{1});
}

TEST_CASE("a question's limits end with it, wherever its time runs out") {
  const auto e = started();
  for (int i = 0; i < 2'000; ++i) {
    limits hurried = limits::for_text();
    hurried.time = std::chrono::nanoseconds{1'000 + i * 100};
    hurried.inferences = 5'000;
    static_cast<void>(e->ask_text("member(X, [1, 2, 3]), X > 2, between(1, 1000, Y), Y > 999", hurried));
    // More inferences than the first one had.
    const auto next = e->ask_text("numlist(1, 1000, L)");
    REQUIRE_MESSAGE(next, "after " << hurried.time.count() << " ns: " << next.error().message());
  }
}

TEST_CASE("a rule file is read as a whole or not at all") {
  const auto e = started();
  REQUIRE(e->change(none, three_pus()));
  auto report = e->load_rules("mine", "sibling(A, B) :- pu(A, _, C), pu(B, _, C), A \\== B.\n");
  REQUIRE_MESSAGE(report, (report ? "" : report.error().message()));
  for (const auto& m : report->mistakes) MESSAGE(m.line, " ", m.words);
  CHECK(report->mistakes.empty());
  CHECK(report->clauses == 1);
  CHECK(numbers(e->ask_text("sibling(0, B)"), "B") == std::vector<std::int64_t>{1});
  report = e->load_rules("mine", "ok(1).\nsibling(a).\n:- shell(true).\npu(1,2,3).\nbad(X :- .\nevil :- halt.\n");
  REQUIRE(report);
  std::vector<std::size_t> lines;
  for (const auto& m : report->mistakes) {
    lines.push_back(m.line);
    MESSAGE(m.line, " ", m.words);
  }
  CHECK(lines == std::vector<std::size_t>{3, 4, 5});
  CHECK(numbers(e->ask_text("sibling(0, B)"), "B") == std::vector<std::int64_t>{1});
  report = e->load_rules("mine", "ok(1).\nevil :- halt.\n");
  REQUIRE(report);
  REQUIRE(report->mistakes.size() == 1);
  CHECK(report->mistakes[0].line == 2);
  report = e->load_rules("mine", "other(4).\n");
  REQUIRE(report);
  CHECK(code_of(e->ask_text("sibling(0, B)")) == errc::query_unknown);
  CHECK(numbers(e->ask_text("other(B)"), "B") == std::vector<std::int64_t>{4});
  REQUIRE(e->forget_rules("mine"));
  CHECK(code_of(e->ask_text("other(B)")) == errc::query_unknown);
}
