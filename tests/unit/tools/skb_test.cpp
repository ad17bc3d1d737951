// SPDX-License-Identifier: BSD-3-Clause
// `cooper skb` and `cooper topo --tree` as they are typed: parsed by CLI11, with files as results.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "commands.hpp"
#include "typed_command.hpp"

using namespace cooper::test;
using namespace cooper::tools;
namespace fs = std::filesystem;

namespace {

constexpr const char* four_by_four = "package:4 l3:1 core:4 pu:1";

// Snapshots go to a cache folder of the test's own.
struct scratch : scratch_folder {
  scratch() { ::setenv("XDG_CACHE_HOME", path.c_str(), 1); }
  outcome run(std::vector<std::string> words) const { return typed({add_skb, add_topo}, *this, std::move(words)); }
  std::string read(const char* name) const { return content_of(*this / name); }
};

}  // namespace

TEST_CASE("a question is answered as text and as JSON") {
  const scratch folder;
  const auto text = folder.run({"skb", "--synthetic", four_by_four, "-q", "pu_place(5, C, _, _, P, _)"});
  CHECK(text.exit == exit_good);
  CHECK(text.out == "C = 5, P = 1\n");
  const auto json = folder.run(
      {"skb", "--synthetic", four_by_four, "-q", "place_class(0, 5, Class), package_of(5, P)", "--json", folder / "a"});
  CHECK(json.exit == exit_good);
  const auto rows = boost::json::parse(folder.read("a")).as_object().at("rows").as_array();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("Class").as_string() == "remote");
  CHECK(rows[0].at("P").as_string() == "package(1)");
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "-q", "down(X)"}).out == "no\n");
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "-q", "pu(0, _, _)"}).out == "yes\n");
}

TEST_CASE("a bad question is bad usage, and says why") {
  const scratch folder;
  const auto bad = folder.run({"skb", "--synthetic", four_by_four, "-q", "pu(X"});
  CHECK(bad.exit == exit_bad_usage);
  CHECK(bad.err.find("not well formed") != std::string::npos);
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "-q", "halt"}).exit == exit_bad_usage);
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "-q", "nothing_like_it(X)"}).exit == exit_bad_usage);
  CHECK(folder.run({"skb", "--synthetic", "8x16", "-q", "true"}).exit == exit_bad_usage);
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "--json", folder / "a"}).exit == exit_bad_usage);
}

TEST_CASE("rules of a file are used, or every mistake is told with its line") {
  const scratch folder;
  const auto good = folder.write("good.pl", "neighbour(A, B) :- place_class(A, B, l3).\n");
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "--rules", good, "-q", "neighbour(4, 6)"}).out == "yes\n");
  const auto bad = folder.write("bad.pl", "fine(1).\npu(1, 2, 3).\nworse(X :- .\n");
  const auto got = folder.run({"skb", "--synthetic", four_by_four, "--rules", bad, "-q", "fine(X)"});
  CHECK(got.exit == exit_bad_usage);
  CHECK(got.err.find("bad.pl:2: pu/3 belongs to the knowledge base") != std::string::npos);
  CHECK(got.err.find("bad.pl:3: ") != std::string::npos);
  CHECK(got.out.empty());
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "--rules", folder / "none.pl", "-q", "true"}).exit ==
        exit_bad_usage);
  CHECK(folder.run({"skb", "--synthetic", four_by_four, "--rules", folder / ".", "-q", "true"}).exit == exit_bad_usage);
}

TEST_CASE("a tree is drawn with its times, and explained") {
  const scratch folder;
  const auto text = folder.run({"topo", "--synthetic", four_by_four, "--tree", "0"});
  CHECK(text.exit == exit_good);
  CHECK(text.out.find("16 cores") != std::string::npos);
  CHECK(text.out.find("PU 15") != std::string::npos);
  CHECK(text.out.find("assumed") != std::string::npos);
  const auto files = folder.run({"topo", "--synthetic", four_by_four, "--tree", "3", "--cores", "0-7", "--json",
                                 folder / "t.json", "--svg", folder / "t.svg"});
  CHECK(files.exit == exit_good);
  const auto tree = boost::json::parse(folder.read("t.json")).as_object();
  CHECK(tree.at("nodes").as_array().size() == 8);
  CHECK(tree.at("nodes").at(0).at("pu").as_int64() == 3);
  CHECK(tree.at("predicted_ns").as_int64() > 0);
  CHECK(folder.read("t.svg").starts_with("<svg"));
  const auto why = folder.run({"skb", "why", "0", "--synthetic", four_by_four});
  CHECK(why.exit == exit_good);
  CHECK(why.out.find("messages leave their package") != std::string::npos);
  CHECK(folder.run({"topo", "--synthetic", four_by_four, "--tree", "0,1"}).exit == exit_bad_usage);
  CHECK(folder.run({"topo", "--synthetic", four_by_four, "--tree", "99"}).exit == exit_bad_usage);
}

TEST_CASE("this machine's links are measured once, and known afterwards") {
  const scratch folder;
  const auto first = folder.run({"topo", "--tree", "0", "--cores", "0"});
  CHECK(first.exit == exit_good);
  const auto again = folder.run({"skb", "-q", "link(From, To, Send, Transit, Receive)"});
  CHECK(again.exit == exit_good);
  CHECK(again.err.find("assumed") == std::string::npos);
}

TEST_CASE("links' costs that were kept for too long are measured again, and it is said") {
  const scratch folder;
  REQUIRE(folder.run({"topo", "--tree", "0"}).exit == exit_good);
  const fs::path kept = fs::path{folder / "cooper"};
  // A machine that is too busy keeps nothing.
  if (!fs::exists(kept) || fs::is_empty(kept)) return;
  const std::string file = fs::directory_iterator { kept } -> path().filename();
  std::string text = folder.read(("cooper/" + file).c_str());
  const auto at = text.find("\"unix_time\": ");
  REQUIRE(at != std::string::npos);
  text.replace(at, text.find(',', at) - at, "\"unix_time\": 1000000000");
  folder.write(("cooper/" + file).c_str(), text);
  const auto again = folder.run({"topo", "--tree", "0"});
  CHECK(again.exit == exit_good);
  CHECK(again.err.find("costs are from 2001-09-09; measuring again") != std::string::npos);
}
