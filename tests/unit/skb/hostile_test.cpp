// SPDX-License-Identifier: BSD-3-Clause
// Questions and rule files that mean harm (hostile_*.hpp). After each one an ordinary question
// is answered from the same facts; nothing is printed, nothing stays, and the process is still there.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <pthread.h>
#include <unistd.h>

#include <cooper/skb/engine.hpp>
#include "hostile_calls.hpp"
#include "hostile_changes.hpp"
#include "hostile_rules.hpp"
#include "hostile_shapes.hpp"
#include "knowledge.hpp"
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::skb;
using namespace cooper::test;
using namespace std::chrono_literals;

namespace {

using complaint = std::function<void(const std::string&)>;

bool fits(outcome expected, const result<answer>& got) {
  if (expected == outcome::survived) return true;
  if (got) return expected == outcome::answered;
  switch (got.error().code()) {
    case errc::query_forbidden:
    case errc::query_unknown:
      return expected == outcome::refused;
    case errc::query_malformed:
      return expected == outcome::malformed;
    case errc::query_failed:
      return expected == outcome::failed;
    case errc::query_timeout:
    case errc::query_exhausted:
      return expected == outcome::stopped;
    case errc::query_truncated:
      return expected == outcome::too_much;
    case errc::too_large:
      return expected == outcome::too_large;
    default:
      return false;
  }
}

std::string shown(std::string_view text) {
  const std::string start{text.substr(0, 100)};
  return text.size() > start.size() ? start + "... (" + std::to_string(text.size()) + " bytes)" : start;
}

// For questions that are meant to use up their limits.
limits quick() {
  limits l = limits::for_text();
  l.time = 200ms * (sanitized ? 5 : 1);
  l.inferences = 300'000;
  return l;
}

// For all others: it is not their time that they use up, on however slow a machine.
limits patient() {
  limits l = limits::for_text();
  l.time = 60s;
  return l;
}

limits limits_for(outcome expected) {
  using enum outcome;
  return expected == stopped || expected == survived ? quick() : patient();
}

// Standard output and error go into a file while it lives.
class silence {
 public:
  silence() {
    std::fflush(nullptr);
    ::dup2(::fileno(file_.get()), STDOUT_FILENO);
    ::dup2(::fileno(file_.get()), STDERR_FILENO);
  }
  ~silence() { end(); }
  silence(const silence&) = delete;
  silence& operator=(const silence&) = delete;

  // What was printed.
  std::string end() {
    if (out_ < 0) return {};
    std::fflush(nullptr);
    ::dup2(out_, STDOUT_FILENO);
    ::dup2(err_, STDERR_FILENO);
    ::close(std::exchange(out_, -1));
    ::close(err_);
    std::string printed(1000, '\0');
    std::rewind(file_.get());
    printed.resize(std::fread(printed.data(), 1, printed.size(), file_.get()));
    return printed;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), std::fclose};
  int out_ = ::dup(STDOUT_FILENO), err_ = ::dup(STDERR_FILENO);
};

// What is being tried, for the watchdog.
std::atomic<const std::string*> tried{nullptr};

// A question that ends the process would make a test that passes.
bool in_danger = false;

void fail_if_in_danger() {
  if (in_danger) ::_exit(3);
}

// On a thread with the least stack that engine.hpp asks for.
void on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  REQUIRE(::pthread_attr_init(&attributes) == 0);
  REQUIRE(::pthread_attr_setstacksize(&attributes, std::size_t{sanitized ? 8 : 1} << 20) == 0);
  pthread_t thread{};
  const auto body = [](void* what) -> void* {
    (*static_cast<std::function<void()>*>(what))();
    return nullptr;
  };
  REQUIRE(::pthread_create(&thread, &attributes, body, &work) == 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
}

// What an engine has of all that a question might leave. Goals of a program are trusted.
std::string possessions(engine& e) {
  const variable n{"N"};
  const auto count = [&](term of) { return compound("aggregate_all", {"count", std::move(of), n}); };
  const auto any = [](std::string name) { return term{variable{std::move(name)}}; };
  const auto clauses = [&](const char* module) {
    const term head = compound(":", {module, any("H")});
    return compound("aggregate_all",
                    {compound("sum", {any("C")}),
                     compound(",", {compound("predicate_property", {head, "dynamic"}),
                                    compound("predicate_property", {head, compound("number_of_clauses", {any("C")})})}),
                     n});
  };
  const std::pair<const char*, term> all[] = {
      {"streams", count(compound("stream_property", {any("S"), compound("mode", {any("M")})}))},
      {"modules", count(compound("current_module", {any("M")}))},
      {"threads", count(compound("thread_property", {any("T"), compound("status", {any("S")})}))},
      {"operators", count(compound("current_op", {any("P"), any("T"), any("O")}))},
      {"flags", count(compound("current_prolog_flag", {any("F"), any("V")}))},
      {"records", count(compound("recorded", {any("K"), any("V")}))},
      {"global variables", count(compound("nb_current", {any("K"), any("V")}))},
      {"clauses of skb", clauses("skb")},
      {"clauses of the guard", clauses("skb_guard")},
      {"clauses of user", clauses("user")}};
  std::string out;
  for (const auto& [name, goal] : all) {
    const auto got = e.ask(goal);
    const term* found = got && got->rows.size() == 1 ? got->find(0, "N") : nullptr;
    out += std::string{name} + ": " + (found != nullptr ? found->to_text() : got.error().message()) + "\n";
  }
  return out;
}

// Runs `work` in an engine with three facts; reports what it complains of, what was printed, and what has become more.
void in_hostile_land(const std::function<void(engine&, const complaint&)>& work) {
  static const bool registered = std::atexit(fail_if_in_danger) == 0;
  REQUIRE(registered);
  std::vector<std::string> wrong;
  const complaint complain = [&](const std::string& what) { wrong.push_back(what); };
  std::string before, after;
  silence caught;
  const watchdog dog{600s, 0, [&] {
                       const std::string* text = tried.load();
                       return text != nullptr ? shown(*text) + caught.end() : caught.end();
                     }};
  on_small_stack([&] {
    in_danger = true;
    const auto e = engine::start();
    if (!e) return complain(e.error().message());
    const std::vector<term> facts{compound("pu", {0, 10, 0}), compound("pu", {1, 11, 0}), compound("pu", {2, 12, 1})};
    if (const auto told = (*e)->change({}, facts); !told) return complain(told.error().message());
    static_cast<void>((*e)->ask_text("numlist(1, 3, L)"));
    before = possessions(**e);
    work(**e, complain);
    after = possessions(**e);
    in_danger = false;
  });
  const std::string printed = caught.end();
  CHECK(printed == "");
  CHECK(before == after);
  for (const std::string& what : wrong) CHECK_MESSAGE(false, what);
}

void still_answers(engine& e, std::string_view after, const complaint& complain) {
  const auto got = e.ask_text("pu(P, 11, C)");
  if (!got) return complain(shown(after) + " -> then " + got.error().message());
  const term* p = got->rows.size() == 1 ? got->find(0, "P") : nullptr;
  if (p == nullptr || !(*p == term{1})) complain(shown(after) + " -> then another answer");
  if (e.facts_version() != 2 || got->facts_version != 2 || e.fact_count() != 3)
    complain(shown(after) + " -> other facts");
}

// At most 500 bytes without control characters.
void check_words(std::string_view words, std::string_view of, const complaint& complain) {
  if (!readable(words))
    complain(shown(of) + " -> words that cannot be shown, " + std::to_string(words.size()) + " bytes");
}

}  // namespace

TEST_CASE("hostile questions are refused or stopped, and the next one is answered") {
  std::size_t asked = 0;
  in_hostile_land([&](engine& e, const complaint& complain) {
    const auto try_all = [&](const questions& group) {
      for (const std::string& text : group.texts) {
        ++asked;
        tried.store(&text);
        const auto got = e.ask_text(text, limits_for(group.expected));
        if (!fits(group.expected, got)) {
          complain(std::string{group.about} + ": " + shown(text) + " -> " + (got ? "answered" : got.error().message()));
        }
        if (!got) check_words(got.error().detail(), shown(text), complain);
        still_answers(e, shown(text), complain);
      }
    };
    for (const auto* groups : {&hostile_calls(), &hostile_changes(), &hostile_shapes()}) {
      for (const questions& group : *groups) try_all(group);
    }
  });
  CHECK(asked >= 600);
}

TEST_CASE("hostile rule files are refused with their line, or their rules are stopped") {
  std::size_t loaded = 0;
  in_hostile_land([&](engine& e, const complaint& complain) {
    for (const rules_case& one : all_rules()) {
      ++loaded;
      tried.store(&one.text);
      const auto report = e.load_rules("hostile", one.text, patient());
      if (!report) {
        complain(shown(one.text) + " -> " + report.error().message());
      } else if (one.line != (report->mistakes.empty() ? 0 : report->mistakes.front().line)) {
        complain(shown(one.text) + " -> " +
                 (report->mistakes.empty()
                      ? "installed"
                      : std::to_string(report->mistakes.front().line) + ": " + report->mistakes.front().words));
      } else if (one.line == 0) {
        const auto got = e.ask_text(one.question, limits_for(one.expected));
        if (!fits(one.expected, got)) {
          complain(shown(one.text) + one.question + " -> " + (got ? "answered" : got.error().message()));
        }
        if (!got) check_words(got.error().detail(), shown(one.text), complain);
      }
      if (report) {
        for (const auto& m : report->mistakes) check_words(m.words, shown(one.text), complain);
      }
      still_answers(e, shown(one.text), complain);
      if (!e.forget_rules("hostile")) complain(shown(one.text) + " -> is not forgotten");
    }
  });
  CHECK(loaded >= 200);
}
