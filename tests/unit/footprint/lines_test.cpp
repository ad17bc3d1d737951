// SPDX-License-Identifier: BSD-3-Clause
// The table of the footprint check, told by hand what cores touch.
#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "lines.hpp"

using namespace cooper::footprint;

namespace {

constexpr std::uintptr_t at = 0x1000;
constexpr place here{0x10, 0x11}, elsewhere{0x20, 0x21};

// Two cores, and how they touch.
struct cores {
  lines table{1024};

  void touch(unsigned core, access how, std::uintptr_t address = at, bool release = false) {
    table.touched(core, address, 8, how, core == 0 ? here : elsewhere, release);
  }
  std::vector<violation> found() {
    std::vector<violation> all(16);
    all.resize(table.take(all.data(), all.size()));
    return all;
  }
  bool violated() { return !found().empty(); }
};

}  // namespace

TEST_CASE("what only one core touches is its own") {
  cores two;
  for (const access how : {access::plain_write, access::plain_read, access::atomic_write, access::atomic_read}) {
    two.touch(0, how);
  }
  two.touch(1, access::plain_write, at + 64);
  CHECK_FALSE(two.violated());
}

TEST_CASE("two accesses of two cores to a line are judged by their kinds") {
  // What the second core may do after the first did this, in the same word.
  struct row {
    access first;
    bool plain_read, plain_write, atomic_read, atomic_write;
  };
  for (const row& r :
       {row{access::plain_read, true, false, true, false}, row{access::plain_write, false, false, false, false},
        row{access::atomic_read, true, false, true, true}, row{access::atomic_write, false, false, true, false}}) {
    const auto may = [&](access second) {
      cores two;
      two.touch(0, r.first);
      two.touch(1, second);
      return !two.violated();
    };
    CAPTURE(static_cast<int>(r.first));
    CHECK(may(access::plain_read) == r.plain_read);
    CHECK(may(access::plain_write) == r.plain_write);
    CHECK(may(access::atomic_read) == r.atomic_read);
    CHECK(may(access::atomic_write) == r.atomic_write);
  }
}

TEST_CASE("constants may be read beside a word with one writer, private data may not be written there") {
  cores two;
  two.touch(0, access::atomic_write, at);
  two.touch(1, access::atomic_read, at);
  two.touch(1, access::plain_read, at + 8);
  CHECK_FALSE(two.violated());
  two.touch(0, access::plain_write, at + 16);
  CHECK(two.violated());
}

TEST_CASE("a violation names line, cores, kinds, words and places, once") {
  cores two;
  for (int i = 0; i < 3; ++i) {
    two.touch(0, access::plain_write, at + 8);
    two.touch(1, access::plain_read, at + 48);
  }
  const auto found = two.found();
  REQUIRE(!found.empty());
  const violation& v = found.front();
  CHECK(v.line == at);
  CHECK(v.before.core == 0);
  CHECK(v.before.how == access::plain_write);
  CHECK(v.before.what.words == 1u << 1);
  CHECK(v.before.what.where.at == here.at);
  CHECK(v.before.what.where.called_from == here.called_from);
  CHECK(v.now.core == 1);
  CHECK(v.now.how == access::plain_read);
  CHECK(v.now.what.words == 1u << 6);
  CHECK(v.now.what.where.at == elsewhere.at);
  CHECK(std::count_if(found.begin(), found.end(), [](const violation& f) { return f.now.core == 1; }) == 1);
  CHECK_FALSE(two.violated());  // taken
}

TEST_CASE("an access over the end of a line touches both") {
  cores two;
  two.touch(0, access::plain_write, at + 60);
  two.touch(1, access::plain_read, at + 64);
  CHECK(two.violated());
}

TEST_CASE("memory that was freed or allocated meanwhile is anybody's") {
  cores two;
  two.touch(0, access::plain_write);
  two.table.declare(at, 64, rule::open_to_all);
  two.table.fresh(at, 64);
  two.touch(1, access::plain_write);
  CHECK_FALSE(two.violated());
  two.touch(0, access::plain_write);
  CHECK(two.violated());  // what was declared is forgotten as well
}

TEST_CASE("a line that was let go of is another core's, until it is touched again") {
  cores two;
  two.touch(0, access::plain_write);
  two.table.let_go(0, at, 64);
  two.touch(1, access::plain_write);
  CHECK_FALSE(two.violated());
  two.touch(0, access::plain_read);
  CHECK(two.violated());
}

TEST_CASE("an item over the gateway hands over what was touched before it, and nothing later") {
  cores two;
  two.touch(0, access::plain_write, at);
  two.table.push(0, 0x5000);
  two.touch(0, access::plain_write, at + 64);
  SUBCASE("to who pops it") {
    two.table.pop(1, 0x5000);
    two.touch(1, access::plain_write, at);
    CHECK_FALSE(two.violated());
    two.touch(1, access::plain_write, at + 64);
    CHECK(two.violated());
  }
  SUBCASE("also by way of a third core") {
    two.table.pop(2, 0x5000);
    two.table.push(2, 0x6000);
    two.table.pop(1, 0x6000);
    two.touch(1, access::plain_write, at);
    CHECK_FALSE(two.violated());
    two.touch(1, access::plain_write, at + 64);
    CHECK(two.violated());
  }
  SUBCASE("to nobody else") {
    two.table.pop(2, 0x5000);
    two.touch(1, access::plain_write, at);
    CHECK(two.violated());
  }
}

TEST_CASE("a thread that is no core takes lines by writing, and hands over all by what it pushes") {
  cores two;
  two.touch(0, access::plain_write);
  two.touch(no_core, access::plain_read);
  SUBCASE("reading is nothing") {
    two.touch(1, access::plain_read);
    CHECK(two.violated());
  }
  SUBCASE("writing makes it nobody's") {
    two.touch(no_core, access::plain_write);
    two.touch(1, access::plain_read);
    CHECK_FALSE(two.violated());
  }
  SUBCASE("pushing") {
    two.table.push(no_core, 0x5000);
    two.table.pop(1, 0x5000);
    two.touch(1, access::plain_write);
    CHECK_FALSE(two.violated());
  }
}

TEST_CASE("a core's new thread knows what was before it") {
  cores two;
  two.touch(0, access::plain_write);
  two.table.start(1);
  two.touch(1, access::plain_write);
  CHECK_FALSE(two.violated());
}

TEST_CASE("what is declared is allowed, and only that") {
  cores two;
  SUBCASE("words of many writers") {
    two.table.declare(at + 8, 8, rule::many_writers);
    two.touch(0, access::atomic_write, at + 8);
    two.touch(1, access::atomic_write, at + 8);
    CHECK_FALSE(two.violated());
    two.touch(0, access::atomic_write, at);
    two.touch(1, access::atomic_write, at);
    CHECK(two.violated());
  }
  SUBCASE("plain accesses to such words are not") {
    two.table.declare(at, 8, rule::many_writers);
    two.touch(0, access::plain_write);
    two.touch(1, access::plain_write);
    CHECK(two.violated());
  }
  SUBCASE("writers of words that share a line") {
    two.table.declare(at, 64, rule::word_by_word);
    two.touch(0, access::atomic_write, at);
    two.touch(1, access::atomic_write, at + 8);
    CHECK_FALSE(two.violated());
    two.touch(1, access::atomic_write, at);
    CHECK(two.violated());
  }
  SUBCASE("members that travel with a control word") {
    two.table.declare(at, 64, rule::control_word);
    two.touch(0, access::plain_write, at);
    two.touch(1, access::atomic_read, at + 56);  // polled meanwhile
    two.touch(0, access::atomic_write, at + 56, true);
    two.touch(1, access::atomic_read, at + 56);
    two.touch(1, access::plain_read, at);
    CHECK_FALSE(two.violated());
    two.touch(0, access::plain_write, at);  // given away, and written all the same
    CHECK(two.violated());
  }
  SUBCASE("members are not given away by a store that does not release") {
    two.table.declare(at, 64, rule::control_word);
    two.touch(0, access::plain_write, at);
    two.touch(0, access::atomic_write, at + 56, false);
    two.touch(1, access::plain_read, at);
    CHECK(two.violated());
  }
  SUBCASE("what is open to all") {
    two.table.declare(at, 64, rule::open_to_all);
    two.touch(0, access::plain_write);
    two.touch(1, access::plain_write);
    CHECK_FALSE(two.violated());
  }
}
