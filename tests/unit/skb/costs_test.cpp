// SPDX-License-Identifier: BSD-3-Clause
// Cost snapshots as facts and as files: what comes back, and what is refused with which words.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <cooper/skb/costs.hpp>
#include <cooper/skb/facts.hpp>

using namespace cooper;
using namespace cooper::skb;
namespace fs = std::filesystem;

namespace {

// A folder of its own that is gone afterwards.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (fs::temp_directory_path() / "cooper-costs-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    fs::permissions(path_, fs::perms::owner_all, ignored);
    fs::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

topology two_cores() {
  auto made = topology::from_synthetic("package:1 l3:1 core:2 pu:1");
  REQUIRE(made);
  return *std::move(made);
}

link_cost link(std::uint16_t from, std::uint16_t to, std::int64_t ns) {
  return {.from = core_id{from},
          .to = core_id{to},
          .send = duration{20},
          .transit = duration{ns - 60},
          .receive = duration{40},
          .median = duration{ns},
          .spread = duration{3},
          .least = duration{ns - 9},
          .most = duration{ns + 100},
          .samples = 41};
}

cost_snapshot example(const topology& machine) {
  cost_snapshot c;
  c.topology_hash = machine.hash();
  c.unix_time = 1'700'000'000;
  c.links = {link(0, 1, 180), link(1, 0, 190)};
  c.classes = {
      {.kind = link_class::l3, .send = duration{20}, .transit = duration{125}, .receive = duration{40}, .links = 2}};
  c.reliable = false;
  c.why_not = "from core 0 (PU 0) to core 1 (PU 1): the \"spread\" is 50 ns";
  c.dispatch = duration{12};
  c.wake = duration{9000};
  return c;
}

std::string content_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

mode_t mode_of(const fs::path& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

// What becomes of the example's file once `wrong` stands in place of `right`.
result<std::optional<cost_snapshot>> load_with(const std::string& right, const std::string& wrong) {
  const temporary_folder folder;
  const topology machine = two_cores();
  REQUIRE(save_snapshot(example(machine), folder.path()));
  const fs::path file = snapshot_file(machine.hash(), folder.path());
  std::string text = content_of(file);
  const auto at = text.find(right);
  REQUIRE_MESSAGE(at != std::string::npos, right);
  text.replace(at, right.size(), wrong);
  std::ofstream{file, std::ios::binary | std::ios::trunc} << text;
  return load_snapshot(machine, folder.path());
}

void refused(const std::string& right, const std::string& wrong, const std::string& words) {
  CAPTURE(right);
  CAPTURE(wrong);
  const auto loaded = load_with(right, wrong);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == errc::malformed_input);
  INFO(loaded.error().detail());
  CHECK(loaded.error().detail().find(words) != std::string::npos);
  CHECK(loaded.error().detail().find("costs-" + two_cores().hash() + ".json") != std::string::npos);
}

result<std::optional<cost_snapshot>> load_text(const std::string& text) {
  const temporary_folder folder;
  const topology machine = two_cores();
  std::ofstream{snapshot_file(machine.hash(), folder.path()), std::ios::binary} << text;
  return load_snapshot(machine, folder.path());
}

}  // namespace

TEST_CASE("every fact of a snapshot is one of the vocabulary") {
  const std::vector<term> facts = facts_of(example(two_cores()));
  for (const term& fact : facts) {
    const auto good = check_fact(fact);
    CHECK_MESSAGE(good, (good ? "" : good.error().message()));
  }
  const auto has = [&](const std::string& text) {
    return std::any_of(facts.begin(), facts.end(), [&](const term& f) { return f.to_text() == text; });
  };
  CHECK(facts.size() == 7);
  CHECK(has("link(0,1,20,120,40)"));
  CHECK(has("link_stat(1,0,190,3,181,290,41,1700000000)"));
  CHECK(has("class_cost(l3,20,125,40)"));
  CHECK(has("setting(dispatch_ns,12)"));
  CHECK(has("setting(wake_ns,9000)"));
}

TEST_CASE("a wake-up that nobody measured is no fact") {
  cost_snapshot c = example(two_cores());
  c.wake = duration{0};
  CHECK(facts_of(c).size() == 6);
}

TEST_CASE("a snapshot is stale after a month, and if it is from tomorrow") {
  cost_snapshot c;
  c.unix_time = 1'700'000'000;
  CHECK_FALSE(is_stale(c, c.unix_time));
  CHECK_FALSE(is_stale(c, c.unix_time + cost_age_max_s));
  CHECK(is_stale(c, c.unix_time + cost_age_max_s + 1));
  CHECK_FALSE(is_stale(c, c.unix_time - 3600));
  CHECK(is_stale(c, c.unix_time - 2 * 24 * 3600));
}

TEST_CASE("a snapshot comes back as it was saved") {
  const temporary_folder folder;
  const topology machine = two_cores();
  const cost_snapshot costs = example(machine);
  REQUIRE(save_snapshot(costs, folder.path()));
  const auto loaded = load_snapshot(machine, folder.path());
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message()));
  REQUIRE(*loaded);
  CHECK(**loaded == costs);

  cost_snapshot empty;
  empty.topology_hash = machine.hash();
  REQUIRE(save_snapshot(empty, folder.path()));
  const auto again = load_snapshot(machine, folder.path());
  REQUIRE(again);
  CHECK(**again == empty);
  CHECK(std::distance(fs::directory_iterator{folder.path()}, {}) == 1);
}

TEST_CASE("folders and file are for their user only") {
  const temporary_folder folder;
  const topology machine = two_cores();
  const fs::path below = folder.path() / "cache" / "cooper";
  REQUIRE(save_snapshot(example(machine), below));
  CHECK(mode_of(folder.path() / "cache") == 0700);
  CHECK(mode_of(below) == 0700);
  CHECK(mode_of(snapshot_file(machine.hash(), below)) == 0600);
}

TEST_CASE("without a file or a folder there is no snapshot, which is no error") {
  const temporary_folder folder;
  for (const fs::path& where : {folder.path(), folder.path() / "none"}) {
    const auto loaded = load_snapshot(two_cores(), where);
    REQUIRE(loaded);
    CHECK_FALSE(*loaded);
  }
}

TEST_CASE("the cache folder follows the environment") {
  const char* const home = std::getenv("HOME");
  const std::optional<std::string> home_before = home != nullptr ? std::optional<std::string>{home} : std::nullopt;
  ::setenv("HOME", "/home/somebody", 1);
  ::setenv("XDG_CACHE_HOME", "/elsewhere", 1);
  CHECK(default_cache_folder() == "/elsewhere/cooper");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  CHECK(default_cache_folder() == "/home/somebody/.cache/cooper");
  ::unsetenv("XDG_CACHE_HOME");
  CHECK(default_cache_folder() == "/home/somebody/.cache/cooper");
  if (home_before) {
    ::setenv("HOME", home_before->c_str(), 1);
  } else {
    ::unsetenv("HOME");
  }
  CHECK(load_snapshot(two_cores(), {}).error().code() == errc::unreadable_input);
  CHECK(save_snapshot(example(two_cores()), {}).error().code() == errc::unwritable_output);
}

TEST_CASE("a snapshot of another machine is refused with both hashes") {
  const std::string mine = two_cores().hash();
  refused(mine, "0123456789abcdef", "0123456789abcdef");
  refused(mine, "0123456789abcdef", "this one is " + mine);
}

TEST_CASE("what cannot be a cost is refused with its place") {
  const std::string line = R"("to":1,"send_ns":20,"transit_ns":120)";
  for (const char* bad :
       {"0", "-5", "20.0", "1e3", "null", "\"20\"", "[]", "3600000000001", "99999999999999999999", "1e999", "true"}) {
    refused(line, R"("to":1,"transit_ns":120,"send_ns":)" + std::string{bad}, "links[0].send_ns");
  }
  refused(line, R"("to":1,"send_ns":20,"transit_ns":-1)", "links[0].transit_ns: -1 is not a whole number from 0");
  refused(line, R"("to":1,"send_ns":20)", "links[0].transit_ns: is missing");
  refused(R"("samples":41)", R"("samples":0)", "links[0].samples");
  refused(R"("spread_ns":3)", R"("spread_ns":-3)", "links[0].spread_ns");
  refused(R"("median_ns":180)", R"("median_ns":500)", "links[0].median_ns: is not between");
  refused(R"("class":"l3","send_ns":20)", R"("class":"l3","send_ns":0)", "classes[0].send_ns");
  refused(R"("unix_time": 1700000000)", R"("unix_time": -1)", "unix_time");
  refused(R"("unix_time": 1700000000)", R"("unix_time": 253402300800)", "unix_time");
  refused(R"("wake_ns": 9000)", R"("wake_ns": -1)", "wake_ns");
  refused(R"("dispatch_ns": 12)", R"("dispatch_ns": {})", "dispatch_ns: an object");
  refused(R"("reliable": false)", R"("reliable": 0)", "reliable: 0 is neither true nor false");
  refused("\"why_not\": \"", "\"why_not\": \"\\u001b[2J", "why_not");
}

TEST_CASE("cores that this machine does not have are refused") {
  refused(R"("from":1,"to":0)", R"("from":2,"to":0)", "links[1].from: 2 is not a whole number from 0 to 1");
  refused(R"("from":1,"to":0)", R"("from":1,"to":65536)", "links[1].to");
  refused(R"("from":1,"to":0)", R"("from":1,"to":1)", "links[1].to: 1 is the core itself");
  refused(R"("from":1,"to":0)", R"("from":0,"to":1)", "links[1].to: this pair of cores stands here twice");
  for (const char* bad : {"self", "l4", ""}) {
    refused(R"("class":"l3")", "\"class\":\"" + std::string{bad} + "\"", "classes[0].class");
  }
}

TEST_CASE("parts of another kind, another format and missing parts are refused") {
  refused(R"("format": 1)", R"("format": 2)", "format: 2 is not");
  refused(R"("format": 1,)", "", "format: is missing");
  refused(R"("links": [)", R"("links": 5, "former": [)", "links: is not an array");
  refused(R"("links": [)", R"("links": [7, )", "links[0]: is not an object");
  refused(R"("classes": [)", R"("former": [)", "classes: is missing");
  refused(R"("topology_hash": ")", R"("topology_hash": 5, "former": ")", "topology_hash");
}

TEST_CASE("a file that was cut off anywhere is refused") {
  const temporary_folder folder;
  const topology machine = two_cores();
  REQUIRE(save_snapshot(example(machine), folder.path()));
  const fs::path file = snapshot_file(machine.hash(), folder.path());
  const std::string whole = content_of(file);
  // The last brace and the line's end belong together.
  for (std::size_t length = 0; length + 2 <= whole.size(); ++length) {
    std::ofstream{file, std::ios::binary | std::ios::trunc} << whole.substr(0, length);
    const auto loaded = load_snapshot(machine, folder.path());
    REQUIRE_FALSE(loaded);
    REQUIRE(loaded.error().code() == errc::malformed_input);
  }
}

TEST_CASE("what is no JSON is refused with its line") {
  for (const std::string& text : {std::string{"{} {}"}, std::string{"\xff\xfe"}, std::string(100, '['),
                                  std::string{"{\"format\": NaN}"}, std::string(64, '\0'), std::string{"[]"}}) {
    const auto loaded = load_text(text);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == errc::malformed_input);
    CHECK(loaded.error().detail().find("line 1: ") != std::string::npos);
  }
  CHECK(load_text("{\n\"format\": 1,\n;").error().detail().find("line 3: ") != std::string::npos);
}

TEST_CASE("a file over the limit is refused before it is read") {
  const temporary_folder folder;
  const topology machine = two_cores();
  const fs::path file = snapshot_file(machine.hash(), folder.path());
  std::ofstream{file}.close();
  fs::resize_file(file, snapshot_bytes_max + 1);
  const auto loaded = load_snapshot(machine, folder.path());
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == errc::too_large);
  CHECK(loaded.error().detail().find(file.string()) != std::string::npos);
}

TEST_CASE("what is no file is refused, and holds nobody up") {
  const temporary_folder folder;
  const topology machine = two_cores();
  const fs::path file = snapshot_file(machine.hash(), folder.path());
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(load_snapshot(machine, folder.path()).error().code() == errc::unreadable_input);
  fs::remove(file);
  fs::create_directory(file);
  CHECK(load_snapshot(machine, folder.path()).error().code() == errc::unreadable_input);
  // Nor does it give way to a snapshot; nothing is left beside it.
  const auto saved = save_snapshot(example(machine), folder.path());
  REQUIRE_FALSE(saved);
  CHECK(saved.error().code() == errc::unwritable_output);
  CHECK(saved.error().detail().find(file.string()) != std::string::npos);
  CHECK(std::distance(fs::directory_iterator{folder.path()}, {}) == 1);
}

TEST_CASE("a file without permission is an error with the system's words") {
  if (::geteuid() == 0) return;  // for whom every file is readable
  const temporary_folder folder;
  const topology machine = two_cores();
  REQUIRE(save_snapshot(example(machine), folder.path()));
  const fs::path file = snapshot_file(machine.hash(), folder.path());
  fs::permissions(file, fs::perms::none);
  const auto loaded = load_snapshot(machine, folder.path());
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == errc::unreadable_input);
  CHECK(loaded.error().detail().find("Permission denied") != std::string::npos);
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const auto saved = save_snapshot(example(machine), folder.path());
  REQUIRE_FALSE(saved);
  CHECK(saved.error().code() == errc::unwritable_output);
  CHECK(saved.error().detail().find("Permission denied") != std::string::npos);
}

TEST_CASE("a folder that cannot be made is an error with the system's words") {
  const topology machine = two_cores();
  const auto below_a_device = save_snapshot(example(machine), "/dev/null/cooper");
  REQUIRE_FALSE(below_a_device);
  CHECK(below_a_device.error().code() == errc::unwritable_output);
  CHECK(below_a_device.error().detail().find("Not a directory") != std::string::npos);
}

TEST_CASE("where the bytes find no room the old snapshot stays, and nothing else") {
  const temporary_folder folder;
  const topology machine = two_cores();
  const cost_snapshot old = example(machine);
  REQUIRE(save_snapshot(old, folder.path()));
  cost_snapshot next = old;
  next.unix_time += 1;

  // A limit on files stands for the full disk: the write fails in the same place.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 100;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto saved = save_snapshot(next, folder.path());
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);

  REQUIRE_FALSE(saved);
  CHECK(saved.error().code() == errc::unwritable_output);
  CHECK(saved.error().detail().find(snapshot_file(machine.hash(), folder.path()).string()) != std::string::npos);
  CHECK(saved.error().detail().find("File too large") != std::string::npos);
  CHECK(std::distance(fs::directory_iterator{folder.path()}, {}) == 1);
  CHECK(**load_snapshot(machine, folder.path()) == old);
}

TEST_CASE("a snapshot that could not be loaded again is not written") {
  const temporary_folder folder;
  const auto fails = [&](cost_snapshot c) {
    const auto saved = save_snapshot(c, folder.path());
    REQUIRE_FALSE(saved);
    CHECK(saved.error().code() == errc::malformed_input);
    CHECK(fs::is_empty(folder.path()));
  };
  const cost_snapshot good = example(two_cores());
  cost_snapshot c = good;
  c.topology_hash = "../../../etc/passwd";
  fails(c);
  c = good;
  c.links[0].send = duration{0};
  fails(c);
  c = good;
  c.links[1].transit = duration{-1};
  fails(c);
  c = good;
  c.links.push_back(c.links[0]);
  fails(c);
  c = good;
  c.classes[0].kind = link_class::self;
  fails(c);
}
