// SPDX-License-Identifier: BSD-3-Clause
// Outputs that are known to be writable, exit codes, and names that are nearly right.
#include "options.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "commands.hpp"
#include "scratch.hpp"

using namespace cooper;
using namespace cooper::test;
using namespace cooper::tools;
namespace fs = std::filesystem;

namespace {

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}

std::string refusal(const result<output>& opened) {
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == errc::unwritable_output);
  return opened.error().message();
}

bool mentions(const std::string& text, const char* what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("opening an output changes nothing, committing it makes the file whole") {
  const scratch_folder folder;
  const auto path = folder / "out.json";
  const auto out = open_output(path);
  REQUIRE(out);
  CHECK(files_in(folder.path) == 0);
  REQUIRE(out->commit("result"));
  CHECK(content_of(path) == "result");
  CHECK(files_in(folder.path) == 1);
}

TEST_CASE("an existing file keeps its content until the commit, and its mode after it") {
  const scratch_folder folder;
  const auto path = folder / "out.json";
  std::ofstream{path} << "old";
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const auto out = open_output(path);
  REQUIRE(out);
  CHECK(content_of(path) == "old");
  REQUIRE(out->commit("new"));
  CHECK(content_of(path) == "new");
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 07777) == 0640);
}

TEST_CASE("a symbolic link stays a link, and the file behind it is written") {
  const scratch_folder folder;
  fs::create_symlink("real.json", folder.path / "link.json");
  const auto out = open_output(folder / "link.json");
  REQUIRE(out);
  REQUIRE(out->commit("x"));
  CHECK(fs::is_symlink(folder.path / "link.json"));
  CHECK(content_of(folder / "real.json") == "x");
  fs::create_symlink("loop", folder.path / "loop");
  CHECK(mentions(refusal(open_output(folder / "loop")), "symbolic links"));
}

TEST_CASE("a path that cannot be written is refused before any work, with the reason") {
  const scratch_folder folder;
  CHECK(mentions(refusal(open_output(folder.path.string())), "is a directory"));
  CHECK(mentions(refusal(open_output(folder / "no/such/folder.json")), "No such file"));
  CHECK(mentions(refusal(open_output(std::string{})), "empty"));
  CHECK(mentions(refusal(open_output(folder / "new/")), "director"));
  std::ofstream{folder / "plain"} << "x";
  CHECK(mentions(refusal(open_output(folder / "plain/out.json")), "Not a directory"));
  // /proc takes no new files from anybody, root included.
  refusal(open_output(std::string{"/proc/cooper.json"}));
}

TEST_CASE("devices are written in place, and a full disk is an error, not a shorter file") {
  const auto sink = open_output(std::string{"/dev/null"});
  REQUIRE(sink);
  CHECK(sink->commit("x"));
  const auto full = open_output(std::string{"/dev/full"});
  REQUIRE(full);
  const auto written = full->commit("x");
  REQUIRE_FALSE(written);
  CHECK(mentions(written.error().message(), "No space left"));
}

TEST_CASE("a target that becomes a directory in between is an error that leaves nothing behind") {
  const scratch_folder folder;
  const auto path = folder / "out.json";
  const auto out = open_output(path);
  REQUIRE(out);
  fs::create_directory(path);
  CHECK_FALSE(out->commit("x"));
  CHECK(files_in(folder.path) == 1);
}

TEST_CASE("a missing option opens no output, a minus is standard output") {
  const auto none = open_output(std::optional<std::string>{});
  REQUIRE(none);
  CHECK_FALSE(none->has_value());
  const auto standard = open_output(std::string{"-"});
  REQUIRE(standard);
  CHECK(standard->is_stdout());
}

TEST_CASE("a misspelt name finds the one that was meant, and nonsense finds none") {
  const std::vector<std::string> names{"topo", "doctor", "bench", "report", "trace"};
  CHECK(nearest_name("tpoo", names) == "topo");
  CHECK(nearest_name("docter", names) == "doctor");
  CHECK(nearest_name("rep", names) == "report");
  CHECK(nearest_name("benchmark", names) == "bench");
  CHECK(nearest_name("xyzzy", names) == std::nullopt);
  CHECK(nearest_name("", names) == std::nullopt);
  CHECK(nearest_name("topo", {}) == std::nullopt);
}

TEST_CASE("what the caller gave us exits with 2, what the world did with 3") {
  CHECK(exit_code_of(errc::malformed_input) == exit_bad_usage);
  CHECK(exit_code_of(errc::unwritable_output) == exit_bad_usage);
  CHECK(exit_code_of(errc::duplicate_core) == exit_bad_usage);
  CHECK(exit_code_of(errc::core_claimed) == exit_failed);
  CHECK(exit_code_of(errc::thread_failed) == exit_failed);
}

TEST_CASE("another machine is an XML file or a synthetic string, not both") {
  machine_options options;
  options.synthetic = "core:2 pu:1";
  CHECK(load_topology(options)->size() == 2);
  options.xml = "some.xml";
  const auto both = load_topology(options);
  REQUIRE_FALSE(both);
  CHECK(both.error().code() == errc::bad_option);
}

TEST_CASE("colour is for terminals only") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  CHECK_FALSE(wants_colour(file));
  std::fclose(file);
  CHECK(tinted("x", tint::bad, false) == "x");
  CHECK(tinted("x", tint::bad, true) == "\033[1;31mx\033[0m");
}
