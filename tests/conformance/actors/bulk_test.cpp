// SPDX-License-Identifier: BSD-3-Clause
// Large payloads between core actors: they move, and are not copied.
#include <algorithm>
#include <cstring>
#include <vector>

#include <cooper/actors/bulk.hpp>
#include <cooper/actors/caf_error.hpp>
#include "systems.hpp"

using namespace cooper;
using namespace cooper::actors;
using namespace cooper::test;

namespace {

struct page_message {
  bulk page;
  std::uint64_t number;
};

// Where each page lay, what was in it, and how many there were.
struct seen {
  std::vector<std::uintptr_t> at;
  bool intact = true;
};

struct reader : core_actor<reader, protocol<one_way<page_message>>> {
  using core_actor::core_actor;
  caf::behavior make_behavior() override {
    CHECK(prepare_bulk());
    return {[this](get_atom) { return caf::make_message(seen_.at, seen_.intact); }};
  }
  void handle(const page_message& m) {
    auto page = receive_bulk(m.page);
    if (!page) {
      seen_.intact = false;
      return;
    }
    seen_.at.push_back(reinterpret_cast<std::uintptr_t>(page->bytes().data()));
    const auto expected = static_cast<std::byte>(m.number);
    seen_.intact = seen_.intact &&
                   std::all_of(page->bytes().begin(), page->bytes().end(), [=](std::byte b) { return b == expected; });
    // What was received once is not received again.
    seen_.intact = seen_.intact && !receive_bulk(m.page);
  }
  seen seen_;
};

struct writer : core_actor<writer, protocol<>> {
  writer(caf::actor_config& cfg, core_ref<reader> to) : core_actor{cfg}, to_{std::move(to)} {}
  caf::behavior make_behavior() override {
    return {[this](go_atom, std::size_t bytes, std::uint64_t count) {
      auto promise = make_response_promise<std::vector<std::uintptr_t>>();
      start(write(bytes, count, promise));
      return promise;
    }};
  }
  task<void> write(std::size_t bytes, std::uint64_t count,
                   caf::typed_response_promise<std::vector<std::uintptr_t>> promise) {
    std::vector<std::uintptr_t> at;
    for (std::uint64_t i = 0; i < count;) {
      auto page = take_bulk(bytes);
      if (!page) {
        CHECK(page.error().code() == errc::pool_exhausted);
        co_await sleep(duration::zero());  // until some have come home
        continue;
      }
      std::memset(page->span().data(), static_cast<int>(i & 0xff), bytes);
      const auto address = reinterpret_cast<std::uintptr_t>(page->bytes().data());
      for (;;) {
        const auto sent = tell_bulk(*this, to_, std::move(*page), [i](bulk b) { return page_message{b, i}; });
        if (!sent) {
          promise.deliver(make_error(sent.error().code()));
          co_return;
        }
        if (*sent == send_result::ok) break;
        CHECK(page->size() == bytes);  // refused: it is still ours
        co_await sleep(duration::zero());
      }
      at.push_back(address);
      ++i;
    }
    promise.deliver(at);
  }
  core_ref<reader> to_;
};

// The lines that a core has sent to others.
std::uint64_t lines_sent(actor_rig& rig, core_id which) {
  return ask(rig.on(), which.value, [](core& here) { return here.metrics().lines_sent.read(); });
}

}  // namespace

TEST_CASE("64 KiB move across cores without a copy, by as many lines as 64 bytes") {
  machine_options options = native_options(2);
  options.buffer_bytes = 64 * 1024;
  actor_rig rig{std::move(options)};
  caf::scoped_actor self{rig.system()};
  const auto to = spawn_on<reader>(rig.system(), core_id{1});
  const auto from = spawn_on<writer>(rig.system(), core_id{0}, *to);
  REQUIRE(to);
  REQUIRE(from);
  // The receiver's pool is there once it has answered.
  self->request(to->handle(), caf::infinite, get_atom::value)
      .receive([](const std::vector<std::uintptr_t>&, bool) {}, [&](caf::error& e) { FAIL(rig.system().render(e)); });
  constexpr std::uint64_t count = 2000;
  std::uint64_t lines[2] = {};
  std::size_t so_far = 0, n = 0;
  for (const std::size_t bytes : {std::size_t{64}, std::size_t{64} * 1024}) {
    const std::uint64_t before = lines_sent(rig, core_id{0});
    std::vector<std::uintptr_t> sent_from;
    self->request(from->handle(), caf::infinite, go_atom::value, bytes, count)
        .receive([&](std::vector<std::uintptr_t>& at) { sent_from = std::move(at); },
                 [&](caf::error& e) { FAIL(rig.system().render(e)); });
    lines[n++] = lines_sent(rig, core_id{0}) - before;
    std::vector<std::uintptr_t> received_at;
    bool intact = false;
    while (received_at.size() < so_far + count) {
      self->request(to->handle(), caf::infinite, get_atom::value)
          .receive(
              [&](std::vector<std::uintptr_t>& at, bool good) {
                received_at = std::move(at);
                intact = good;
              },
              [&](caf::error& e) { FAIL(rig.system().render(e)); });
    }
    CHECK(intact);
    CHECK(std::equal(sent_from.begin(), sent_from.end(), received_at.begin() + static_cast<std::ptrdiff_t>(so_far)));
    so_far += count;
  }
  // One line a page, whatever its size, and a few of the actors' own.
  CHECK(lines[0] >= count);
  CHECK(lines[0] < count + count / 10);
  CHECK(lines[1] >= count);
  CHECK(lines[1] < count + count / 10);
}
