// SPDX-License-Identifier: BSD-3-Clause
// What callers may get wrong: facts out of range and out of shape, names of megabytes, senseless members and limits.
// Each is an error that says what is wrong in a line, nothing of it stays, and the engine answers the next question.
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <cooper/skb/engine.hpp>
#include <cooper/skb/facts.hpp>
#include <cooper/skb/knowledge_base.hpp>
#include "knowledge.hpp"

using namespace cooper;
using namespace cooper::skb;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t number_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t number_min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t hour_ns = 3'600'000'000'000;

const std::vector<term> none;

term pu(std::int64_t number) { return compound("pu", {number, number, 0}); }

std::vector<term> pus(std::size_t count) {
  std::vector<term> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(pu(static_cast<std::int64_t>(i)));
  return all;
}

template <class T>
std::string refusal(const result<T>& got, errc code) {
  REQUIRE_FALSE(got);
  CHECK_MESSAGE(got.error().code() == code, got.error().message());
  CHECK(readable(got.error().detail()));
  return got.error().detail();
}

bool has(const std::string& words, std::string_view part) { return words.find(part) != std::string::npos; }

bool answers(engine& e) {
  const auto asked = e.ask_text("X is 6 * 7");
  return asked && asked->rows.size() == 1 && *asked->find(0, "X") == term{42};
}

// What stands beside the bad fact in its batch stays out with it.
std::string refused(engine& e, const term& bad) {
  const auto version = e.facts_version();
  const auto count = e.fact_count();
  const std::vector<term> batch{pu(60'000), bad, pu(60'001)};
  const std::string words = refusal(e.change(none, batch), errc::facts_rejected);
  CHECK(e.facts_version() == version);
  CHECK(e.fact_count() == count);
  const std::int64_t first = 60'000;
  std::int64_t rest[2] = {};
  CHECK_FALSE(e.find("pu", {&first, 1}, rest));
  CHECK(readable(refusal(check_fact(bad), errc::facts_rejected)));
  return words;
}

term nested(std::size_t levels) {
  term t{"x"};
  for (std::size_t i = 0; i < levels; ++i) {
    std::vector<term> inner;
    inner.push_back(std::move(t));
    t = compound("f", std::move(inner));
  }
  return t;
}

}  // namespace

TEST_CASE("a cost out of its range is refused, and the words name the pair") {
  const auto e = started();
  const auto link = [](term send, term transit, term receive) {
    return compound("link", {3, 5, std::move(send), std::move(transit), std::move(receive)});
  };
  for (const term& bad : {term{0}, term{-1}, term{-2}, term{number_min}, term{hour_ns + 1}, term{number_max}, term{1.0},
                          term{std::numeric_limits<double>::quiet_NaN()}, term{std::numeric_limits<double>::infinity()},
                          term{"10"}, term{text{"10"}}, term{variable{"T"}}, list({10}), compound("-", {10})}) {
    CAPTURE(bad.to_text());
    CHECK(has(refused(*e, link(bad, 10, 10)), "link(3,5,"));
    CHECK(has(refused(*e, link(10, 10, bad)), "argument 5"));
    CHECK(has(refused(*e, compound("class_cost", {"package", bad, 0, 1})), "class_cost(package,"));
    // Nothing in transit, and -1 for what is not known, are costs.
    const std::int64_t* n = bad.integer();
    if (n != nullptr && (*n == 0 || *n == -1)) continue;
    CHECK(has(refused(*e, link(10, bad, 10)), "argument 4"));
    CHECK(has(refused(*e, compound("class_cost", {compound("numa", {21}), 1, bad, 1})), "class_cost(numa(21),1,"));
  }
  for (const std::int64_t nobody : {std::int64_t{-1}, std::int64_t{65'536}, number_max}) {
    CHECK(has(refused(*e, compound("link", {nobody, 5, 1, 1, 1})), "argument 1"));
    CHECK(has(refused(*e, compound("link", {3, nobody, 1, 1, 1})), "argument 2"));
  }
  const std::vector<term> edges{link(1, 0, hour_ns), link(hour_ns, hour_ns, 1), link(1, -1, 1)};
  CHECK(e->change(none, edges));
  CHECK(e->fact_count() == 3);
  CHECK(answers(*e));
}

TEST_CASE("settings that are times are in the range of times") {
  const auto e = started();
  for (const char* key : {"dispatch_ns", "wake_ns"}) {
    for (const term& bad : {term{-1}, term{number_min}, term{hour_ns + 1}, term{0.5}, term{"none"}}) {
      CAPTURE(bad.to_text());
      CHECK(has(refused(*e, compound("setting", {key, bad})), std::string{"setting("} + key));
    }
    CHECK(e->change(none, std::vector{compound("setting", {key, 0}), compound("setting", {key, hour_ns})}));
  }
  CHECK(e->change(none, std::vector{compound("setting", {"colour", compound("rgb", {0, -1, 0.5})})}));
}

TEST_CASE("what is in no vocabulary, of another shape or not ground is refused") {
  const auto e = started();
  CHECK(has(refused(*e, compound("assertz", {compound("pu", {1, 1, 1})})), "no fact of the vocabulary"));
  CHECK(has(refused(*e, compound("schema", {2})), "no fact of the vocabulary"));
  CHECK(has(refused(*e, compound("facts_version", {0})), "no fact of the vocabulary"));
  CHECK(has(refused(*e, compound(":-", {compound("pu", {1, 1, 1}), "true"})), "no fact of the vocabulary"));
  CHECK(has(refused(*e, compound(":", {"skb", compound("pu", {1, 1, 1})})), "no fact of the vocabulary"));
  CHECK(has(refused(*e, compound("", {1})), "no fact of the vocabulary"));
  for (const term& no_fact :
       {term{1}, term{1.5}, term{"pu"}, term{text{"pu(1,1,1)"}}, term{variable{"F"}}, list({}), list({pu(1)})}) {
    CAPTURE(no_fact.to_text());
    CHECK(has(refused(*e, no_fact), "no fact of the vocabulary"));
  }
  CHECK(has(refused(*e, compound("pu", {1, 1})), "3 arguments"));
  CHECK(has(refused(*e, compound("pu", {1, 1, 1, 1})), "3 arguments"));
  CHECK(has(refused(*e, compound("pu", {})), "3 arguments"));
  CHECK(has(refused(*e, compound("pu", std::vector<term>(100'000, term{1}))), "3 arguments"));
  CHECK(has(refused(*e, compound("pu", {"1", 1, 1})), "argument 1"));
  CHECK(has(refused(*e, compound("machine", {7, "xml", 0})), "argument 1"));
  CHECK(has(refused(*e, compound("group", {compound("g", {list({variable{"X"}})}), 1})), "variables"));
  CHECK(has(refused(*e, compound("group", {compound("g", {}), 1})), "argument 1"));
  CHECK(answers(*e));
}

TEST_CASE("names of any length and bytes are kept as they are, or refused in words that can be read") {
  const auto e = started();
  const std::string huge(std::size_t{1} << 20, 'n');
  const std::string odd{"a\0b\x01\n\x1b[31m\x7f'\\", 14};
  for (const std::string& name : {huge, odd, std::string{}, std::string{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"}}) {
    const std::vector<term> batch{compound("machine", {atom{name}, "xml", 0}), compound("group", {text{name}, 1})};
    REQUIRE(e->change(none, batch));
    limits wide;
    wide.reply_bytes = std::size_t{4} << 20;
    const auto asked = e->ask(
        compound(",", {compound("machine", {variable{"Name"}, "xml", 0}), compound("group", {variable{"Group"}, 1})}),
        wide);
    REQUIRE_MESSAGE(asked, (asked ? "" : asked.error().message()));
    REQUIRE(asked->rows.size() == 1);
    CHECK((*asked->find(0, "Name") == term{atom{name}}));
    CHECK((*asked->find(0, "Group") == term{text{name}}));
    REQUIRE(e->change(batch, none));
    // The reason is there, however long the name.
    CHECK(has(refused(*e, compound(name + "!", {1})), "no fact of the vocabulary"));
    CHECK(has(refused(*e, compound("machine", {atom{name}, 1, 0})), "argument 2"));
    CHECK(has(refused(*e, compound("pu", {1, atom{name}, text{name}})), "argument 2"));
    CHECK(has(refusal(e->change(std::vector{compound(name + "?", {1})}, none), errc::facts_rejected), "no fact"));
  }
  // What is no text is none to Prolog either.
  for (const std::string bytes : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "ab\xc3"}) {
    CAPTURE(bytes.size());
    CHECK(has(refused(*e, compound("machine", {atom{bytes}, "xml", 0})), "argument 1"));
    CHECK(has(refused(*e, compound("machine", {"m", text{bytes}, 0})), "argument 2"));
    CHECK(has(refused(*e, compound("group", {list({compound("g", {atom{bytes}})}), 1})), "argument 1"));
    CHECK(has(refused(*e, compound("setting", {"key", compound(bytes, {1})})), "argument 2"));
  }
  CHECK(e->fact_count() == 0);
  CHECK(answers(*e));
}

TEST_CASE("a fact may be deep, but not so deep that it cannot be read back") {
  const auto e = started();
  REQUIRE(e->change(none, std::vector{compound("group", {nested(400), 1})}));
  const auto asked = e->ask(compound("group", {variable{"G"}, 1}));
  REQUIRE_MESSAGE(asked, (asked ? "" : asked.error().message()));
  CHECK((*asked->find(0, "G") == nested(400)));
  CHECK(has(refused(*e, compound("group", {nested(600), 1})), "argument 1"));
  CHECK(answers(*e));
}

TEST_CASE("an empty change and one that changes nothing are changes; a fact is there once") {
  const auto e = started();
  const auto version = e->facts_version();
  REQUIRE(e->change(none, none));
  CHECK(e->facts_version() == version + 1);
  CHECK(e->fact_count() == 0);
  REQUIRE(e->change(none, std::vector{pu(1), pu(2), pu(1)}));
  CHECK(e->fact_count() == 2);
  REQUIRE(e->change(none, std::vector{pu(2)}));
  CHECK(e->fact_count() == 2);
  CHECK(e->ask_text("pu(P, _, _)")->rows.size() == 2);
  REQUIRE(e->change(std::vector{pu(7)}, none));
  CHECK(e->fact_count() == 2);
  // What is removed and added in one change is there, once, and at the end.
  REQUIRE(e->change(std::vector{pu(1)}, std::vector{pu(1)}));
  const auto rows = e->ask_text("pu(P, _, _)")->rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[1][0] == term{1});
  CHECK(e->facts_version() == version + 5);
  CHECK(e->ask_text("facts_version(V)")->rows.at(0).at(0) == term{version + 5});
}

TEST_CASE("one bad fact among ten thousand, wherever it stands, leaves all as it was") {
  const auto e = started();
  REQUIRE(e->change(none, pus(3)));
  const auto version = e->facts_version();
  for (const std::size_t where : {0U, 5'000U, 10'000U}) {
    auto batch = pus(10'000);
    batch.insert(batch.begin() + static_cast<std::ptrdiff_t>(where), compound("link", {0, 1, 0, 0, 1}));
    CHECK(has(refusal(e->change(std::vector{pu(0)}, batch), errc::facts_rejected), "link(0,1,0,0,1)"));
    CHECK(e->facts_version() == version);
    CHECK(e->fact_count() == 3);
    CHECK(e->ask_text("pu(0, _, _)")->rows.size() == 1);
  }
  REQUIRE(e->change(none, pus(10'000)));
  CHECK(e->fact_count() == 10'000);
  CHECK(e->facts_version() == version + 1);
}

TEST_CASE("a pattern that names no fact, or half of one, removes nothing") {
  const auto e = started();
  REQUIRE(e->change(none, pus(3)));
  const term v{variable{"V"}};
  for (const term& bad : {compound("pu", {v}), compound("p", {v}), compound("schema", {v}), v, term{"pu"},
                          compound("pu", {v, v, text{"x"}}), compound("pu", {v, -1, v}), list({v}),
                          compound("group", {compound("g", {v}), 1})}) {
    CAPTURE(bad.to_text());
    const std::vector<term> patterns{pu(0), bad};
    refusal(e->change(patterns, none), errc::facts_rejected);
    CHECK(e->fact_count() == 3);
  }
  // The same variable twice means the same value.
  REQUIRE(e->change(std::vector{compound("pu", {v, v, 1})}, none));
  CHECK(e->fact_count() == 3);
  REQUIRE(e->change(std::vector{compound("pu", {v, v, 0})}, none));
  CHECK(e->fact_count() == 0);
}

TEST_CASE("a tree for senseless members is an error that names them, and the next one is planned") {
  const topology machine = described("package:2 l3:1 core:2 pu:1");
  auto opened = knowledge_base::open(machine);
  REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message()));
  knowledge_base& base = **opened;
  const auto tell = [&](std::vector<term> patterns, std::vector<term> facts) {
    REQUIRE(base.run([&](engine& e) { return e.change(patterns, facts); }));
  };
  tell({}, assumed_costs(machine));
  const std::vector<core_id> all{core_id{0}, core_id{1}, core_id{2}, core_id{3}};
  const auto tree_words = [&](core_id root, const std::vector<core_id>& members) {
    const std::string words = refusal(base.tree(root, members), errc::query_failed);
    CHECK(refusal(base.why(root, members), errc::query_failed) == words);
    CHECK(base.tree(core_id{0}, all));
    return words;
  };
  CHECK(has(tree_words(core_id{4}, all), "unknown_pu(4)"));
  CHECK(has(tree_words(core_id{65'535}, all), "unknown_pu(65535)"));
  CHECK(has(tree_words(core_id{0}, {core_id{1}, core_id{9}}), "unknown_pu(9)"));
  CHECK(has(tree_words(core_id{0}, {}), "empty_group"));

  const auto twice = base.tree(core_id{1}, {core_id{2}, core_id{1}, core_id{2}, core_id{3}, core_id{2}});
  REQUIRE_MESSAGE(twice, (twice ? "" : twice.error().message()));
  CHECK(twice->nodes.size() == 3);
  const auto alone = base.tree(core_id{1}, {core_id{1}});
  REQUIRE(alone);
  CHECK(alone->nodes.size() == 1);
  CHECK(alone->predicted == duration{0});

  tell({}, {compound("down", {1}), compound("down", {2})});
  CHECK(has(tree_words(core_id{1}, all), "root_down(1)"));
  const auto nobody_left = base.tree(core_id{0}, {core_id{1}, core_id{2}, core_id{2}});
  REQUIRE(nobody_left);
  CHECK(nobody_left->nodes.size() == 1);
  CHECK(has(*base.why(core_id{0}, {core_id{1}}), "no other member is up"));

  const auto planned = [&](term root, term group, const char* policy) {
    return base.run([&](engine& e) {
      return e.ask(compound("multicast_tree", {root, group, policy, variable{"Tree"}, variable{"Ns"}}));
    });
  };
  CHECK(has(refusal(planned(0, "nobody", "best"), errc::query_failed), "empty_group(nobody)"));
  CHECK(has(refusal(planned(0, list({0, 3}), "shortest"), errc::query_failed), "shortest"));
  CHECK(has(refusal(planned("root", list({0, 3}), "best"), errc::query_failed), "unknown_pu(root)"));
  CHECK(has(refusal(planned(0, list({0, variable{"X"}}), "best"), errc::query_failed), "unknown_pu"));
  CHECK(has(refusal(planned(2, list({0, 3}), "flat"), errc::query_failed), "root_down(2)"));
  tell({}, {compound("group", {"some", 3}), compound("group", {"some", 2}), compound("group", {"some", 0})});
  const auto some = planned(0, "some", "best");
  REQUIRE_MESSAGE(some, (some ? "" : some.error().message()));
  CHECK(some->find(0, "Tree")->to_text() == "t(0,[t(3,[])])");
  CHECK(base.tree(core_id{0}, all)->nodes.size() == 2);
}

TEST_CASE("senseless limits are limits all the same") {
  const auto e = started();
  REQUIRE(e->change(none, pus(3)));
  limits widest;
  widest.time = duration::max();
  widest.inferences = std::numeric_limits<std::uint64_t>::max();
  widest.rows = widest.reply_bytes = widest.stack_bytes = std::numeric_limits<std::size_t>::max();
  CHECK(e->ask(compound("pu", {variable{"P"}, variable{"Os"}, 0}), widest)->rows.size() == 3);
  CHECK(e->ask_text("pu(P, _, _)", widest)->rows.size() == 3);
  for (const duration time : {duration{0}, duration{-1}, duration::min()}) {
    limits l;
    l.time = time;
    refusal(e->ask(compound(",", {compound("between", {1, 4'000'000, variable{"X"}}), "fail"}), l),
            errc::query_timeout);
    refusal(e->ask_text("forall(between(1, 4000000, X), X > 0)", l), errc::query_timeout);
    CHECK(answers(*e));
  }
  limits least;
  least.inferences = 0;
  refusal(e->ask_text("length(L, 1000)", least), errc::query_exhausted);
  least = {};
  least.rows = 0;
  refusal(e->ask_text("pu(P, _, _)", least), errc::query_truncated);
  CHECK(e->ask_text("pu(9, _, _)", least)->rows.empty());
  least = {};
  least.reply_bytes = 0;
  refusal(e->ask_text("pu(P, _, _)", least), errc::query_truncated);
  least = {};
  least.stack_bytes = 0;
  refusal(e->ask_text("numlist(1, 1000000, L), length(L, N)", least), errc::query_exhausted);
  CHECK(answers(*e));
}

TEST_CASE("a program's question that uses up a limit is an error, and the next one is answered") {
  const auto e = started();
  const auto asked = [&](const term& goal, errc code, limits l = {}) {
    CAPTURE(goal.to_text().substr(0, 60));
    refusal(e->ask(goal, l), code);
    CHECK(answers(*e));
  };
  const term each = compound("between", {1, 1'000'000, variable{"N"}});
  const term forever = compound(",", {"repeat", "fail"});
  limits l;
  l.rows = 3;
  asked(each, errc::query_truncated, l);
  asked(each, errc::query_truncated);
  CHECK(e->ask(compound("between", {1, 3, variable{"N"}}), l)->rows.size() == 3);
  l = {};
  l.reply_bytes = 100;
  asked(compound("=", {variable{"X"}, text{std::string(101, 'x')}}), errc::query_truncated, l);
  asked(compound("numlist", {1, 100, variable{"X"}}), errc::query_truncated, l);
  asked(compound("=", {variable{"X"}, nested(100)}), errc::query_truncated, l);
  asked(forever, errc::query_exhausted);
  l = {};
  l.inferences = std::numeric_limits<std::uint64_t>::max();
  l.time = 50ms;
  asked(forever, errc::query_timeout, l);
  asked(compound("length", {variable{"L"}, 100'000'000}), errc::query_exhausted);
  // Nor does a plan go on beyond its limits.
  l = {};
  l.inferences = 1'000;
  const topology machine = described("package:4 l3:1 core:4 pu:1");
  REQUIRE(e->change(none, facts_of(machine)));
  REQUIRE(e->change(none, assumed_costs(machine)));
  std::vector<core_id> members;
  for (std::size_t i = 0; i < machine.size(); ++i) members.push_back(core_number(i));
  refusal(plan_tree(*e, core_id{0}, members, l), errc::query_exhausted);
  CHECK(plan_tree(*e, core_id{0}, members, {}));
}

TEST_CASE("more facts than may be are refused, and those that were there stay") {
  // Ten seconds and a gigabyte.
  if (std::getenv("COOPER_LONG") == nullptr) return;
  const auto e = started();
  constexpr std::size_t batch = 250'000;
  std::vector<term> facts;
  for (std::size_t at = 0; at <= facts_max; at += batch) {
    facts.clear();
    for (std::size_t i = at; i < at + batch && i <= facts_max; ++i) facts.push_back(compound("package", {i}));
    if (at == facts_max) break;
    REQUIRE(e->change(none, facts));
  }
  CHECK(e->fact_count() == facts_max);
  REQUIRE(facts.size() == 1);
  const auto version = e->facts_version();
  const std::vector<term> patterns{compound("package", {7})};
  facts.push_back(compound("package", {facts_max + 1}));
  CHECK(has(refusal(e->change(patterns, facts), errc::too_large), "facts"));
  facts.pop_back();
  CHECK(e->ask(patterns.front())->rows.size() == 1);
  CHECK(e->ask(facts.front())->rows.empty());
  CHECK(e->fact_count() == facts_max);
  CHECK(e->facts_version() == version);
  // For one that goes there is room for one.
  CHECK(e->change(std::vector{compound("package", {0})}, facts));
  CHECK(answers(*e));
}
