// SPDX-License-Identifier: BSD-3-Clause
// `cooper explore` as it is typed: parsed by CLI11, with files as results.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "commands.hpp"
#include "typed_command.hpp"
#include "watchdog.hpp"

using namespace cooper::test;
using namespace cooper::tools;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct scratch : scratch_folder {
  outcome run(std::vector<std::string> words) const {
    words.insert(words.begin(), "explore");
    return typed({add_explore}, *this, std::move(words));
  }
  std::string read(const char* name) const { return content_of(*this / name); }
};

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the protocols are listed, with what can be planted") {
  const scratch folder;
  const auto text = folder.run({"--list"});
  CHECK(text.exit == exit_good);
  CHECK(has(text.out, "two_phase_commit"));
  CHECK(has(text.out, "lost_vote"));
  const auto json = folder.run({"--list", "--json", "-"});
  const auto all = boost::json::parse(json.out).as_array();
  REQUIRE(!all.empty());
  CHECK(all[0].at("bugs").as_array().size() > 0);
  CHECK(all[0].at("cores_max").to_number<int>() > 1);
}

TEST_CASE("states by depth are drawn, and a violation is a trace with an arrow for each line that came") {
  const scratch folder;
  const auto good = folder.run(
      {"two_phase_commit", "--plot", folder / "p.svg", "--trace", folder / "none.json", "--json", folder / "r.json"});
  CHECK(good.exit == exit_good);
  CHECK(folder.read("p.svg").starts_with("<svg "));
  CHECK(has(folder.read("p.svg"), "states after"));
  CHECK_FALSE(has(folder.read("p.svg"), "var("));  // what viewers of pictures do not know
  CHECK_FALSE(fs::exists(folder / "none.json"));   // nothing was found whose way could be shown

  const auto bad = folder.run({"two_phase_commit", "--operations", "2", "--plant", "lost_vote", "--trace",
                               folder / "t.json", "--write-replay", folder / "replay.txt"});
  CHECK(bad.exit == exit_check_failed);
  const auto trace = boost::json::parse(folder.read("t.json"));
  std::size_t slices = 0, delivered = 0, begins = 0, ends = 0;
  for (const auto& e : trace.at("traceEvents").as_array()) {
    const auto& phase = e.at("ph").as_string();
    slices += phase == "X";
    delivered += phase == "X" && e.at("args").at("replay").as_string().starts_with("deliver");
    begins += phase == "s";
    ends += phase == "f";
  }
  CHECK(slices > 2);
  CHECK(delivered > 0);
  CHECK(begins == delivered);
  CHECK(ends == delivered);
  CHECK(folder.run({"--replay", folder / "replay.txt", "--trace", folder / "again.json"}).exit == exit_check_failed);
  CHECK(folder.read("again.json") == folder.read("t.json"));
  CHECK(folder.run({"--replay", folder / "replay.txt", "--plot", folder / "q.svg"}).exit == exit_bad_usage);
  CHECK(folder.run({"two_phase_commit", "--plot", "-", "--trace", "-"}).exit == exit_bad_usage);
}

TEST_CASE("a protocol that holds is good, and the result says that everything was tried") {
  const scratch folder;
  const auto got = folder.run({"two_phase_commit", "--cores", "3", "--stops", "1", "--json", folder / "r.json"});
  CHECK(got.exit == exit_good);
  CHECK(has(got.out, "no violation: everything that can happen was tried"));
  CHECK(has(got.out, "3 cores, 1 operation; faults: 1 stop"));
  CHECK(got.out.find('\033') == std::string::npos);
  CHECK(got.err.empty());
  const auto json = boost::json::parse(folder.read("r.json")).as_object();
  CHECK(json.at("protocol").as_string() == "two_phase_commit");
  CHECK(json.at("complete").as_bool());
  CHECK(json.at("ended_by").as_string().empty());
  CHECK(json.at("violations").as_array().empty());
  CHECK(json.at("faults").at("stops").to_number<int>() == 1);
  CHECK(json.at("faults").at("stops_in_steps").as_bool());
  for (const char* count : {"states", "transitions", "depth", "bytes", "seconds", "states_per_second"}) {
    CHECK(json.at(count).to_number<double>() > 0);
  }
  const auto whole =
      folder.run({"two_phase_commit", "--stops", "1", "--no-stops-in-steps", "--no-reduction", "--json", "-"});
  CHECK(!boost::json::parse(whole.out).at("faults").at("stops_in_steps").as_bool());
}

TEST_CASE("a planted bug fails the check, is written down, and happens again") {
  const scratch folder;
  const auto got = folder.run({"two_phase_commit", "--operations", "2", "--plant", "lost_vote", "--write-replay",
                               folder / "bug.txt", "--json", folder / "r.json"});
  CHECK(got.exit == exit_check_failed);
  CHECK(has(got.out, "violation: an operation is finished"));
  CHECK(has(got.out, "   1  core"));
  CHECK(has(got.out, ("cooper explore --replay " + (folder / "bug.txt")).c_str()));
  const auto violations = boost::json::parse(folder.read("r.json")).at("violations").as_array();
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].at("transcript").as_array().size() == violations[0].at("actions").as_array().size());

  const auto again = folder.run({"--replay", folder / "bug.txt", "--json", folder / "r.json"});
  CHECK(again.exit == exit_check_failed);
  CHECK(has(again.out, "violation: an operation is finished"));
  const auto json = boost::json::parse(folder.read("r.json")).as_object();
  CHECK(json.at("replayed").as_bool());
  CHECK(json.at("violations").as_array() == violations);

  // Mended, it happens no more.
  std::string text = folder.read("bug.txt");
  text.replace(text.find("planted lost_vote"), 17, "# mended");
  CHECK(folder.run({"--replay", folder.write("mended.txt", text)}).exit == exit_good);
  CHECK(has(folder.run({"--replay", folder / "mended.txt"}).out, "no violation any more"));
}

TEST_CASE("what comes after a way that does not end well is told too") {
  const scratch folder;
  const auto got = folder.run({"two_phase_commit", "--stops", "1", "--plant", "missing_acknowledgement"});
  CHECK(got.exit == exit_check_failed);
  CHECK(has(got.out, "and then, without further faults:"));
  CHECK(has(got.out, "to keep it: cooper explore two_phase_commit"));
}

TEST_CASE("a search that a bound ends is kept, and gone on with to the same end") {
  const scratch folder;
  const std::vector<std::string> what{"two_phase_commit", "--operations", "2", "--stops", "1"};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), what.begin(), what.end());
    return folder.run(more);
  };
  REQUIRE(run({"--json", folder / "whole"}).exit == exit_good);
  const auto part = run({"--memory", "1", "--save", folder / "search", "--json", folder / "part"});
  CHECK(part.exit == exit_good);
  CHECK(has(part.out, "not everything was tried; ended by memory: 1 MiB"));
  CHECK(has(part.out, ("--memory 2 --resume " + (folder / "search")).c_str()));
  const auto partly = boost::json::parse(folder.read("part")).as_object();
  CHECK(!partly.at("complete").as_bool());
  CHECK(partly.at("saved").as_bool());
  CHECK(partly.at("ended_by").as_string() == "memory: 1 MiB");

  REQUIRE(run({"--resume", folder / "search", "--json", folder / "rest"}).exit == exit_good);
  auto whole = boost::json::parse(folder.read("whole")).as_object();
  auto rest = boost::json::parse(folder.read("rest")).as_object();
  for (const char* same : {"states", "expanded", "transitions", "depth", "complete", "violations"}) {
    CHECK(whole.at(same) == rest.at(same));
  }

  // Of other options; damaged; not there.
  const auto other = folder.run({"two_phase_commit", "--resume", folder / "search"});
  CHECK(other.exit == exit_bad_usage);
  CHECK(has(other.err, "give the same protocol and options"));
  std::string text = folder.read("search");
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
  CHECK(run({"--resume", folder.write("damaged", text)}).exit == exit_bad_usage);
  CHECK(run({"--resume", folder.write("cut", text.substr(0, 1000))}).exit == exit_bad_usage);
  CHECK(run({"--resume", folder / "none"}).exit == exit_bad_usage);
}

TEST_CASE("bounds of states and of time end a search, and say so") {
  const scratch folder;
  const auto states = folder.run({"two_phase_commit", "--stops", "2", "--operations", "2", "--states", "500"});
  CHECK(states.exit == exit_good);
  CHECK(has(states.out, "ended by states: 500"));
  CHECK(has(states.out, "not saved; another time give --save FILE, or more states"));
  const auto time = folder.run({"two_phase_commit", "--stops", "2", "--operations", "2", "--seconds", "0"});
  CHECK(time.exit == exit_good);
  CHECK(has(time.out, "ended by time: 0 s"));
}

TEST_CASE("an interrupt ends a search cleanly, and it is kept") {
  const cooper::test::watchdog dog{60s};
  const scratch folder;
  // Before the command listens, and after it, the signal means nothing.
  struct sigaction nothing {};
  nothing.sa_handler = SIG_IGN;
  struct sigaction former {};
  REQUIRE(::sigaction(SIGINT, &nothing, &former) == 0);
  // sync(test.over) relaxed: tells the thread to end, and nothing else.
  std::atomic<bool> over{false};
  std::thread impatient{[&] {
    while (!over.load(std::memory_order_relaxed)) {
      ::kill(::getpid(), SIGINT);
      std::this_thread::yield();
    }
  }};
  const auto got = folder.run({"two_phase_commit", "--cores", "4", "--operations", "2", "--stops", "2", "--expirations",
                               "2", "--save", folder / "search", "--json", folder / "r.json"});
  over.store(true, std::memory_order_relaxed);
  impatient.join();
  ::sigaction(SIGINT, &former, nullptr);
  CHECK(got.exit == exit_interrupted);
  CHECK(has(got.out, "ended by interrupt"));
  CHECK(boost::json::parse(folder.read("r.json")).at("saved").as_bool());
  CHECK(folder.read("search").starts_with("cooper search, format 1\n"));
}

TEST_CASE("explore refuses bad usage with exit code 2, before it works") {
  const scratch folder;
  const auto bad = [&](std::vector<std::string> words, const char* part) {
    const auto got = folder.run(std::move(words));
    CHECK(got.exit == exit_bad_usage);
    CHECK_MESSAGE(has(got.err, part), got.err);
    CHECK(got.out.empty());
  };
  bad({}, "name a protocol");
  bad({"two_phase_comit"}, "Did you mean 'two_phase_commit'?");
  bad({"two_phase_commit", "--cores", "99"}, "not 99");
  bad({"two_phase_commit", "--plant", "nothing"}, "there are lost_vote");
  bad({"two_phase_commit", "--stops", "256"}, "");
  bad({"two_phase_commit", "--stops", "-1"}, "");
  bad({"two_phase_commit", "--memory", "0"}, "");
  bad({"two_phase_commit", "--seconds", "nan"}, "");
  bad({"two_phase_commit", "--json", folder / "no/folder"}, "cannot be written");
  bad({"two_phase_commit", "--save", folder / "no/folder"}, "cannot be written");
  bad({"two_phase_commit", "--save", "/dev/null"}, "no regular file");
  bad({"two_phase_commit", "--write-replay", folder / "."}, "cannot be written");
  bad({"two_phase_commit", "--json", "-", "--write-replay", "-"}, "standard output");
  bad({"--replay", folder / "none"}, "cannot be read");
  bad({"--replay", folder / "."}, "is a folder");
  bad({"--replay", folder / "none", "--stops", "1"}, "");
  if (::geteuid() != 0) {
    fs::create_directory(folder / "closed");
    ::chmod((folder / "closed").c_str(), 0500);
    bad({"two_phase_commit", "--save", folder / "closed/search"}, "cannot be written");
  }
}

TEST_CASE("a replay that makes no sense is refused with the line and what to do") {
  const scratch folder;
  const std::string head = "cooper replay, format 1\nprotocol two_phase_commit\n";
  const auto bad = [&](const std::string& text, const char* part, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--replay", folder.write("r", text)});
    const auto got = folder.run(std::move(more));
    CHECK(got.exit == exit_bad_usage);
    CHECK_MESSAGE(has(got.err, part), got.err);
  };
  bad("nonsense\n", "line 1: this is no replay");
  bad("cooper replay, format 7\n", "explore again");
  bad("cooper replay, format 1\nprotocol nothing\n", "no protocol 'nothing'");
  bad(head + "cores 77\n", "not 77");
  bad(head + "planted nothing\n", "no bug 'nothing'");
  bad(head + "walk core=1\n", "line 3: 'walk' is neither");
  bad(head + "begin core=0 operation=0\ndeliver core=2 from=1\n",
      "line 4: 'deliver core=2 from=1' cannot happen there");
  bad(head, "is a replay of two_phase_commit, not of other", {"other"});
  bad(std::string(2 << 20, '#'), "over 1048576 bytes");
  // One that leads nowhere in particular is good.
  CHECK(folder.run({"--replay", folder.write("r", head + "begin core=0 operation=0\n")}).exit == exit_good);
}

TEST_CASE("the help of explore shows an example") {
  CLI::App app;
  int exit = 0;
  add_explore(app, exit);
  CHECK(app.get_subcommand("explore")->help().find("cooper explore two_phase_commit --cores 3") != std::string::npos);
}
