// SPDX-License-Identifier: BSD-3-Clause
// `cooper topo` as it is typed: parsed by CLI11, with files as results.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <doctest/doctest.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "commands.hpp"
#include "scratch.hpp"

using namespace cooper::test;
using namespace cooper::tools;
namespace fs = std::filesystem;

namespace {

// Words as the shell would give them, without the program's name. Standard output goes nowhere meanwhile.
int run(std::vector<std::string> words) {
  CLI::App app{"test", "cooper"};
  int exit = -1;
  add_topo(app, exit);
  std::reverse(words.begin(), words.end());
  std::fflush(stdout);
  const int kept = ::dup(STDOUT_FILENO);
  std::FILE* nowhere_file = std::fopen("/dev/null", "w");
  ::dup2(::fileno(nowhere_file), STDOUT_FILENO);
  app.parse(words);
  std::fflush(stdout);
  ::dup2(kept, STDOUT_FILENO);
  ::close(kept);
  std::fclose(nowhere_file);
  return exit;
}

}  // namespace

TEST_CASE("topo writes JSON and a picture of an invented machine") {
  const scratch_folder folder;
  CHECK(run({"topo", "--synthetic", "package:2 l3:1 core:2 pu:1", "--cores", "0,3", "--json", folder / "t.json",
             "--svg", folder / "t.svg"}) == exit_good);
  const auto json = boost::json::parse(content_of(folder / "t.json")).as_object();
  CHECK(json.at("cores").as_array().size() == 4);
  CHECK(json.at("chosen_cores") == boost::json::parse("[0,3]"));
  CHECK(json.at("source").as_string() == "synthetic");
  CHECK(content_of(folder / "t.svg").starts_with("<svg"));
}

TEST_CASE("topo reads an XML file and this machine") {
  CHECK(run({"topo", "--xml", std::string{COOPER_SOURCE_DIR} + "/tests/data/topology/asymmetric.xml"}) == exit_good);
  CHECK(run({"topo"}) == exit_good);
}

TEST_CASE("topo refuses bad input with exit code 2 and writes nothing") {
  const scratch_folder folder;
  CHECK(run({"topo", "--synthetic", "8x16", "--json", folder / "a.json"}) == exit_bad_usage);
  CHECK(run({"topo", "--xml", folder / "missing.xml", "--json", folder / "b.json"}) == exit_bad_usage);
  CHECK(run({"topo", "--synthetic", "core:2 pu:1", "--cores", "2", "--json", folder / "c.json"}) == exit_bad_usage);
  CHECK(run({"topo", "--synthetic", "core:2 pu:1", "--cores", "1,1", "--json", folder / "d.json"}) == exit_bad_usage);
  CHECK(run({"topo", "--synthetic", "core:2 pu:1", "--json", "-", "--svg", "-"}) == exit_bad_usage);
  CHECK(run({"topo", "--synthetic", "core:2 pu:1", "--svg", folder / "no/folder.svg", "--json", folder / "e.json"}) ==
        exit_bad_usage);
  CHECK(fs::is_empty(folder.path));
}

TEST_CASE("the help of topo shows an example") {
  CLI::App app;
  int exit = 0;
  add_topo(app, exit);
  CHECK(app.get_subcommand("topo")->help().find("cooper topo --svg machine.svg") != std::string::npos);
}
