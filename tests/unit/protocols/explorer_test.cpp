// SPDX-License-Identifier: BSD-3-Clause
// The explorer itself: its bounds, searches that are saved and gone on with, and replays.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <doctest/doctest.h>

#include <cooper/protocols/replay.hpp>
#include <cooper/protocols/subjects.hpp>
#include <cooper/vocabulary/random.hpp>
#include "scratch.hpp"
#include "watchdog.hpp"

using namespace cooper;
using namespace cooper::protocols;
using namespace cooper::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const subject& two_phase() { return *find_subject("two_phase_commit"); }

// Some tens of thousands of states.
subject_options medium() { return {.operations = 2, .allowed = {.stops = 1}}; }
subject_options large() { return {.operations = 2, .allowed = {.stops = 2, .expirations = 2}}; }

exploration_report explored(const subject_options& what, const exploration_options& how = {}) {
  auto r = explore(two_phase(), what, how);
  REQUIRE_MESSAGE(r, (r ? "" : r.error().message()));
  return *r;
}

error refused(const subject_options& what, const exploration_options& how) {
  const auto r = explore(two_phase(), what, how);
  REQUIRE(!r);
  return r.error();
}

void write(const std::string& path, const std::string& content) { std::ofstream{path, std::ios::binary} << content; }

std::span<const std::byte> bytes_of(const std::uint64_t& n) { return std::as_bytes(std::span{&n, 1}); }

}  // namespace

TEST_CASE("a store keeps what is new, in order, and knows the way there") {
  state_store store;
  std::set<std::uint64_t> met;
  cooper::random numbers{7};
  state_store::number last = state_store::none;
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t n = numbers.below(100'000);
    const auto number = store.insert(bytes_of(n), last, static_cast<std::uint32_t>(n));
    REQUIRE(number.has_value() == met.insert(n).second);
    REQUIRE(store.contains(bytes_of(n)));
    if (number) last = *number;
  }
  CHECK(store.size() == met.size());
  CHECK(store.waiting() == met.size());
  CHECK(store.actions_to(last).size() == met.size() - 1);
  std::uint32_t expected = 0;
  while (const auto next = store.take()) {
    CHECK(next->which == expected++);
    std::uint64_t n = 0;
    std::memcpy(&n, next->bytes.data(), sizeof n);
    met.erase(n);
  }
  CHECK(met.empty());
}

TEST_CASE("a store stays within its bound while it is heeded, whatever grows") {
  for (const std::size_t bound : {1u << 20, 3u << 20, 5u << 20}) {
    state_store store{bound};
    std::uint64_t n = 0;
    store.insert(bytes_of(n), state_store::none, 0);
    std::size_t most = 0;
    while (store.has_room()) {
      const auto from = store.take();
      REQUIRE(from);
      for (int i = 0; i < 3; ++i) store.insert(bytes_of(++n), from->which, 0);
      most = std::max(most, store.bytes());
    }
    CHECK(most <= bound);
    CHECK(most > bound / 3);
  }
}

TEST_CASE("an exploration that is given up says how far it came") {
  const watchdog dog{60s};
  exploration_options few;
  few.bytes_max = std::size_t{5} << 20;
  const exploration_report memory = explored(large(), few);
  CHECK(!memory.complete);
  CHECK(memory.ended_by == "memory: 5 MiB");
  CHECK(memory.bytes <= few.bytes_max);
  CHECK(memory.states > 1000);
  CHECK(memory.expanded > 100);
  CHECK(memory.expanded < memory.states);
  CHECK(memory.depth > 3);

  exploration_options thousand;
  thousand.states_max = 1000;
  const exploration_report states = explored(large(), thousand);
  CHECK(states.ended_by == "states: 1000");
  CHECK(states.states >= 1000);
  CHECK(states.states < 1100);

  exploration_options watched;
  exploration_progress seen;
  watched.progress = [&](const exploration_progress& now) -> std::string {
    seen = now;
    return now.states > 2000 ? "enough" : "";
  };
  const exploration_report enough = explored(large(), watched);
  CHECK(enough.ended_by == "enough");
  CHECK(seen.states == enough.states);
  CHECK(seen.depth == enough.depth);
  CHECK(seen.waiting == enough.states - enough.expanded);
}

TEST_CASE("a search that is stopped again and again finds what one without a pause finds") {
  const watchdog dog{60s};
  const scratch_folder folder;
  for (const bool reduction : {true, false}) {
    exploration_options how;
    how.reduction = reduction;
    const exploration_report whole = explored(medium(), how);
    REQUIRE(whole.complete);
    how.save_to = folder / "search";
    how.bytes_max = std::size_t{1} << 20;
    exploration_report part = explored(medium(), how);
    int pauses = 0;
    while (!part.complete) {
      REQUIRE(part.saved);
      how.resume_from = how.save_to;
      // By turns by memory and by the number of states.
      how.bytes_max += std::size_t{2} << 20;
      how.states_max = ++pauses % 2 == 0 ? part.states + 500 : exploration_options{}.states_max;
      const std::uint64_t before = part.states;
      part = explored(medium(), how);
      CHECK(part.states_before == before);
    }
    CHECK(pauses >= 2);
    CHECK(part.states == whole.states);
    CHECK(part.expanded == whole.expanded);
    CHECK(part.transitions == whole.transitions);
    CHECK(part.quiet_states == whole.quiet_states);
    CHECK(part.depth == whole.depth);
  }
}

TEST_CASE("a violation is the same after a pause") {
  const watchdog dog{60s};
  const scratch_folder folder;
  subject_options what{.operations = 2};
  what.planted = "lost_vote";
  exploration_options how;
  const exploration_report whole = explored(what, how);
  REQUIRE(!whole.violation.empty());
  how.save_to = folder / "search";
  how.states_max = whole.states / 2;
  REQUIRE(explored(what, how).saved);
  exploration_options again;
  again.resume_from = how.save_to;
  const exploration_report found = explored(what, again);
  CHECK(found.violation == whole.violation);
  CHECK(found.actions == whole.actions);
  CHECK(found.transcript == whole.transcript);
}

TEST_CASE("a saved search that is not what it should be is refused, with a reason") {
  const watchdog dog{60s};
  const scratch_folder folder;
  exploration_options how;
  how.save_to = folder / "search";
  how.states_max = 3000;
  REQUIRE(explored(medium(), how).saved);
  const std::string good = content_of(how.save_to);
  exploration_options again;
  again.resume_from = folder / "bad";
  const auto refusal = [&](const std::string& content) {
    write(again.resume_from, content);
    return refused(medium(), again);
  };
  const auto says = [&](const std::string& content, const char* words) {
    const error e = refusal(content);
    CHECK(e.code() == errc::malformed_input);
    CHECK_MESSAGE(e.detail().find(words) != std::string::npos, e.detail());
  };
  says("", "no saved search");
  says("no such thing, but a long text", "no saved search");
  says(good.substr(0, 30), "");
  says(good.substr(0, good.size() / 2), "cut off");
  says(good.substr(0, good.size() - 1), "cut off");
  says(good + "x", "too long");
  const auto changed = [&](const char* from, const char* to) {
    std::string text = good;
    text.replace(text.find(from), std::strlen(from), to);
    return text;
  };
  says(changed("format 1", "format 2"), "format 2; this version reads format 1");
  says(changed("of version ", "of version 9"), "Go on with the program that saved it");
  says(changed("states 3", "states 9"), "cut off");
  says(changed("states 3", "states 18446744073709551615"), "no sense");
  says(changed("depth ", "deep "), "no sense");
  // One bit, anywhere behind the head.
  cooper::random places{11};
  const std::size_t head = good.find("level end");
  for (int i = 0; i < 40; ++i) {
    std::string damaged = good;
    const std::size_t at = head + 20 + places.below(good.size() - head - 20);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << places.below(8)));
    CHECK(refusal(damaged).code() == errc::malformed_input);
  }

  again.resume_from = how.save_to;
  CHECK(refused({.operations = 2, .allowed = {.stops = 2}}, again).code() == errc::bad_option);
  CHECK(refused({.operations = 2}, again).detail().find("1 stops") != std::string::npos);
  subject_options planted = medium();
  planted.planted = "early_release";
  CHECK(refused(planted, again).code() == errc::bad_option);
  exploration_options whole = again;
  whole.reduction = false;
  CHECK(refused(medium(), whole).code() == errc::bad_option);
  exploration_options small = again;
  small.bytes_max = 1000;
  CHECK(refused(medium(), small).detail().find("memory") != std::string::npos);
  again.resume_from = folder / "none";
  CHECK(refused(medium(), again).code() == errc::unreadable_input);
  again.resume_from = folder.path.string();
  CHECK(refused(medium(), again).code() == errc::unreadable_input);
}

TEST_CASE("a search that cannot be saved leaves what was saved before, and its result") {
  const watchdog dog{60s};
  const scratch_folder folder;
  exploration_options how;
  how.states_max = 1000;
  how.save_to = folder / "no/such/folder";
  const exploration_report lost = explored(medium(), how);
  CHECK(lost.states >= 1000);
  CHECK(!lost.saved);
  REQUIRE(lost.not_saved);
  CHECK(lost.not_saved->code() == errc::unwritable_output);
  how.save_to = folder.path.string();
  CHECK(explored(medium(), how).not_saved);
  // A device takes every byte and keeps none.
  how.save_to = "/dev/null";
  CHECK(explored(medium(), how).not_saved);
  CHECK(fs::is_empty(folder.path));

  how.save_to = folder / "search";
  REQUIRE(explored(medium(), how).saved);
  const std::string before = content_of(how.save_to);
  // A file that must not grow so far is a disk that is full.
  struct rlimit old {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  struct rlimit few = old;
  few.rlim_cur = 100'000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &few) == 0);
  how.states_max = 3000;
  const exploration_report full = explored(medium(), how);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(!full.saved);
  REQUIRE(full.not_saved);
  CHECK(full.not_saved->message().find("what stood there before is as it was") != std::string::npos);
  CHECK(content_of(how.save_to) == before);
  CHECK(std::distance(fs::directory_iterator{folder.path}, {}) == 1);
}

TEST_CASE("a link to a saved search stays, and the file's mode too") {
  const scratch_folder folder;
  exploration_options how;
  how.states_max = 100;
  how.save_to = folder / "search";
  REQUIRE(explored(medium(), how).saved);
  REQUIRE(::chmod(how.save_to.c_str(), 0640) == 0);
  fs::create_symlink("search", folder.path / "link");
  how.save_to = folder / "link";
  REQUIRE(explored(medium(), how).saved);
  CHECK(fs::is_symlink(folder.path / "link"));
  CHECK(fs::status(folder.path / "search").permissions() == fs::perms{0640});
}

TEST_CASE("a replay is text, and does again what was found") {
  const watchdog dog{60s};
  for (const char* bug : {"lost_vote", "early_release", "missing_acknowledgement", "wrong_recovery"}) {
    const bool stops = bug[0] == 'm' || bug[0] == 'w';
    subject_options what{.operations = stops ? 1u : 2u, .allowed = {.stops = static_cast<std::uint8_t>(stops)}};
    what.planted = bug;
    const exploration_report found = explored(what);
    REQUIRE(!found.violation.empty());
    const std::string text = to_text(
        {"two_phase_commit", what, std::string{build_version()}, found.violation, found.actions, {}}, found.transcript);
    const auto read = parse_replay(text);
    REQUIRE_MESSAGE(read, (read ? "" : read.error().message()));
    CHECK(read->protocol == "two_phase_commit");
    CHECK(read->options.planted == bug);
    CHECK(read->options.operations == what.operations);
    CHECK(read->options.allowed.stops == what.allowed.stops);
    CHECK(read->violation == found.violation);
    CHECK(read->actions == found.actions);
    CHECK(read->lines.size() == found.actions.size());
    exploration_options how;
    how.replay = &read->actions;
    const exploration_report again = explored(read->options, how);
    CHECK(again.violation == found.violation);
    CHECK(again.transcript == found.transcript);
    CHECK(again.aftermath == found.aftermath);
    // Without the bug the same way may not be there any more; if it is, nothing is wrong with it.
    subject_options sound = what;
    sound.planted.clear();
    const auto other = explore(two_phase(), sound, how);
    if (other) CHECK(other->violation == "");
  }
}

TEST_CASE("every action has a line of its own, and what has none is refused with its line") {
  for (const std::uint8_t stop_after : {std::uint8_t{0}, std::uint8_t{3}, action::to_its_end}) {
    for (const happening what : {happening::begin, happening::deliver, happening::duplicate, happening::expire,
                                 happening::stop, happening::restart}) {
      const bool plain = what == happening::stop || what == happening::restart;
      const action a{what, 2, static_cast<std::uint8_t>(plain ? 0 : 7),
                     what == happening::stop ? action::to_its_end : stop_after};
      const auto read =
          parse_replay("cooper replay, format 1\nprotocol p\n" + text_of_action(packed(a)) + "  # words\r\n");
      REQUIRE(read);
      REQUIRE(read->actions.size() == 1);
      CHECK(unpacked(read->actions[0]) == a);
      CHECK(read->lines[0] == 3);
    }
  }
  const auto bad = [](const std::string& text, const char* words) {
    const auto read = parse_replay(text);
    REQUIRE(!read);
    CHECK(read.error().code() == errc::malformed_input);
    CHECK_MESSAGE(read.error().detail().find(words) != std::string::npos, read.error().detail());
  };
  const std::string head = "cooper replay, format 1\n# a comment\n\nprotocol p\n";
  bad("", "no replay");
  bad("{\"json\": 1}", "line 1: this is no replay");
  bad("cooper replay, format 2\n", "format '2'");
  bad("cooper replay, format 1\n", "protocol NAME");
  bad(head + "cores many\n", "line 5: 'many' is no number");
  bad(head + "cores 256\n", "line 5: '256' is no number");
  bad(head + "colour red\n", "line 5: 'colour' is neither");
  bad(head + "stops_in_steps perhaps\n", "yes or no");
  bad(head + "deliver core=1\n", "line 5: something is missing; the form is deliver core=N from=N [stop_after=N]");
  bad(head + "deliver core=1 from=-1\n", "'from=-1' does not belong there");
  bad(head + "deliver core=1 timer=1\n", "'timer=1' does not belong there");
  bad(head + "stop core=1 stop_after=1\n", "does not belong there");
  bad(head + "stop core=1\ncores 3\n", "line 6: 'cores' is no action");
  bad(head + "stop core=1 \x1b[31m\n", "'?[31m'");
}

TEST_CASE("an action that cannot happen where it stands ends a replay") {
  const auto first_bad = [](std::vector<action> actions, subject_options what = {}) {
    std::vector<std::uint32_t> way;
    for (const action& a : actions) way.push_back(packed(a));
    exploration_options how;
    how.replay = &way;
    const auto r = two_phase().explore(what, how);
    REQUIRE(r);
    return r->not_possible;
  };
  const action begin{happening::begin, 0, 0}, deliver{happening::deliver, 1, 0};
  CHECK(!first_bad({begin, deliver}));
  CHECK(first_bad({deliver}) == 0u);
  CHECK(first_bad({begin, begin}) == 1u);
  CHECK(first_bad({begin, {happening::deliver, 77, 0}}) == 1u);
  CHECK(first_bad({begin, {happening::stop, 0, 0}}) == 1u);
  CHECK(first_bad({{happening::begin, 0, 0, 1}}) == 0u);
  const subject_options stops{.allowed = {.stops = 1}};
  CHECK(!first_bad({{happening::begin, 0, 0, 1}, deliver, {happening::restart, 0, 0}}, stops));
  // It sends two lines; to stop after as many is to stop after the step.
  CHECK(first_bad({{happening::begin, 0, 0, 2}}, stops) == 0u);
  CHECK(refused({},
                [] {
                  static const std::vector<std::uint32_t> way{packed({happening::deliver, 1, 0})};
                  exploration_options how;
                  how.replay = &way;
                  return how;
                }())
            .detail()
            .find("action 1") != std::string::npos);
}
