// SPDX-License-Identifier: BSD-3-Clause
// Claims by file lock. The lock belongs to the open file, so that a second claim in this process is a stranger too.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core_claims.hpp"

using namespace cooper;
using namespace cooper::detail;

namespace {

// Each test claims in a folder of its own.
struct folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("cooper-core-claims-" + std::to_string(::getpid()));
  folder() { ::setenv("COOPER_LOCK_DIR", path.c_str(), 1); }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path file(unsigned pu) const { return path / ("pu-" + std::to_string(pu) + ".lock"); }
};

std::string refusal(unsigned pu) {
  const auto second = core_claim::take(pu);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == errc::core_claimed);
  return second.error().detail();
}

}  // namespace

TEST_CASE("a claimed core is refused with the holder's name until the claim is gone") {
  const folder here;
  CHECK(claim_directory() == here.path);
  {
    const auto first = core_claim::take(4);
    REQUIRE(first);
    CHECK(refusal(4).find("PU 4 is held by pid " + std::to_string(::getpid())) != std::string::npos);
    CHECK(core_claim::take(5));
  }
  CHECK(core_claim::take(4));
}

TEST_CASE("a claim moves with its value") {
  const folder here;
  core_claim kept;
  {
    auto taken = core_claim::take(1);
    REQUIRE(taken);
    core_claim moved{std::move(*taken)};
    kept = std::move(moved);
  }
  refusal(1);
  kept = core_claim{};
  CHECK(core_claim::take(1));
}

TEST_CASE("a claim ends with its process, however that ends") {
  const folder here;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto mine = core_claim::take(2);
    static_cast<void>(::write(ready[1], mine ? "y" : "n", 1) == 1);
    for (;;) ::pause();
  }
  char got = 0;
  REQUIRE(::read(ready[0], &got, 1) == 1);
  CHECK(got == 'y');
  CHECK(refusal(2).find("pid " + std::to_string(child)) != std::string::npos);
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(core_claim::take(2));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("what another process left in the file is shown without its control characters") {
  const folder here;
  const auto first = core_claim::take(3);
  REQUIRE(first);
  std::ofstream{here.file(3)} << "evil\x1b[31m\nname\n";
  const std::string said = refusal(3);
  CHECK(said.find("evil [31m name") != std::string::npos);
  for (const char c : said) CHECK(c >= ' ');
  std::ofstream{here.file(3), std::ios::trunc};
  CHECK(refusal(3).find("does not say its name") != std::string::npos);
}

TEST_CASE("a link that somebody planted is not followed") {
  const folder here;
  REQUIRE(core_claim::take(0));  // makes the folder
  const std::filesystem::path victim = here.path / "victim";
  std::ofstream{victim} << "precious";
  std::filesystem::create_symlink(victim, here.file(6));
  const auto refused = core_claim::take(6);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::claim_failed);
  CHECK(refused.error().detail().find(here.file(6).string()) != std::string::npos);
  CHECK(std::filesystem::file_size(victim) == 8);
}

TEST_CASE("a folder that cannot be made is an error with its path") {
  const folder here;
  ::setenv("COOPER_LOCK_DIR", "/dev/null/claims", 1);
  const auto refused = core_claim::take(0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::claim_failed);
  CHECK(refused.error().detail().find("/dev/null/claims") != std::string::npos);
}

TEST_CASE("the folder is open to every user, and only owners remove their files") {
  const folder here;
  const auto mine = core_claim::take(0);
  REQUIRE(mine);
  struct stat s {};
  REQUIRE(::stat(here.path.c_str(), &s) == 0);
  CHECK((s.st_mode & 07777) == 01777);
  REQUIRE(::stat(here.file(0).c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0666);
}
