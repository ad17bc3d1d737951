// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "endpoint_table.hpp"

using namespace cooper;
using namespace cooper::detail;

namespace {

void ignore(void*, core&, const line_view&) {}
line_header header_of(address a) { return {.type = 1, .generation = a.generation, .slot = a.slot}; }

}  // namespace

TEST_CASE("an open endpoint is found by its address, with handler and object") {
  endpoint_table table{core_id{3}};
  int object = 0;
  const address a = *table.open(ignore, &object);
  CHECK(a.core == core_id{3});
  REQUIRE(table.find(header_of(a)) != nullptr);
  CHECK((table.find(header_of(a))->handler == &ignore));
  CHECK(table.find(header_of(a))->self == &object);
  CHECK(table.open_count() == 1);
  CHECK(table.find({.type = 1, .generation = a.generation, .slot = a.slot + 1}) == nullptr);
  CHECK(table.find({.type = 1, .generation = 1, .slot = a.slot}) == nullptr);
}

TEST_CASE("a closed slot is not used again before it is recycled, and then under the next generation") {
  endpoint_table table{core_id{0}};
  const address first = *table.open(ignore, nullptr);
  CHECK(table.close(first));
  CHECK_FALSE(table.close(first));
  CHECK(table.find(header_of(first)) == nullptr);
  const address second = *table.open(ignore, nullptr);
  CHECK(second.slot != first.slot);
  table.recycle(first.slot);
  const address third = *table.open(ignore, nullptr);
  CHECK(third.slot == first.slot);
  CHECK(third.generation == first.generation + 1);
  CHECK(table.find(header_of(first)) == nullptr);
  CHECK(table.find(header_of(third)) != nullptr);
}

TEST_CASE("addresses of other cores, slots and generations close nothing") {
  endpoint_table table{core_id{1}};
  const address a = *table.open(ignore, nullptr);
  CHECK_FALSE(table.close({.core = core_id{2}, .generation = a.generation, .slot = a.slot}));
  CHECK_FALSE(table.close({.core = core_id{1}, .generation = 9, .slot = a.slot}));
  CHECK_FALSE(table.close({.core = core_id{1}, .generation = 0, .slot = 1000}));
  CHECK(table.open_count() == 1);
}

TEST_CASE("a full table refuses, and takes endpoints again when a slot is free") {
  endpoint_table table{core_id{0}, 3};
  address last;
  for (int i = 0; i < 4; ++i) last = *table.open(ignore, nullptr);
  const auto refused = table.open(ignore, nullptr);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::too_many_endpoints);
  CHECK(table.close(last));
  CHECK_FALSE(table.open(ignore, nullptr));
  table.recycle(last.slot);
  CHECK(table.open(ignore, nullptr));
}

TEST_CASE("a slot whose generations are used up stays closed") {
  endpoint_table table{core_id{0}, 1};
  REQUIRE(table.open(ignore, nullptr));
  for (std::uint32_t generation = 0; generation <= 0xffff; ++generation) {
    const auto a = table.open(ignore, nullptr);
    REQUIRE(a);
    REQUIRE(a->slot == 1);
    REQUIRE(a->generation == generation);
    REQUIRE(table.close(*a));
    table.recycle(a->slot);
  }
  CHECK(table.open(ignore, nullptr).error().code() == errc::too_many_endpoints);
}

TEST_CASE("closing all spares the driver's own slot and names the others") {
  endpoint_table table{core_id{0}};
  const address own = *table.open(ignore, nullptr);
  const address a = *table.open(ignore, nullptr);
  const address b = *table.open(ignore, nullptr);
  const address c = *table.open(ignore, nullptr);
  CHECK(table.close(b));
  CHECK(table.close_all() == std::vector<std::uint32_t>{a.slot, c.slot});
  CHECK(table.find(header_of(own)) != nullptr);
  CHECK(table.find(header_of(a)) == nullptr);
  CHECK(table.open_count() == 1);
}
