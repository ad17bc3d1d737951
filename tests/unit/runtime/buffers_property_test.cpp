// SPDX-License-Identifier: BSD-3-Clause
// Random histories of three pools against a model that knows for each payload where it is. The model is a list of
// tokens and nothing more: what it says is compared with the census of every pool after each step, and at the end
// everything must be at home. The seed is fixed unless RC_PARAMS="seed=..." says otherwise.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include <cooper/runtime/buffers.hpp>

using namespace cooper;

namespace {

constexpr std::size_t pool_count = 3, buffers_each = 5, loans_each = 4;

struct held_buffer {
  buffer what;
  core_id home, holder;
  std::uint64_t token;
};
struct flying_buffer {
  buffer_handle handle;
  core_id home, from, to;
  std::uint64_t token;
};
struct held_loan {
  lent_buffer what;
  core_id lender, holder;
  std::uint64_t token;
};
struct flying_loan {
  buffer_handle handle;
  core_id lender, to;
  std::uint64_t token;
};
struct flying_return {
  core_id from, home;
  return_line line;
};

// What a released buffer is waited for at home with: how many are neither in use nor free yet.
struct expectation {
  std::array<std::size_t, pool_count> held_here{}, held_there{}, in_flight{};
};

class world {
 public:
  world() {
    for (std::uint16_t i = 0; i < pool_count; ++i) {
      pools_[i] = std::move(*buffer_pool::create(
          core_id{i}, registry_, {.bytes = 64, .count = buffers_each, .loans = loans_each, .checking = true}));
      pools_[i]->set_return_transport([this, i](core_id home, const return_line& line) {
        if (lanes_full_) return send_result::full;
        wire_.push_back({core_id{i}, home, line});
        return send_result::ok;
      });
    }
  }

  void step() {
    switch (*rc::gen::inRange(0, 11)) {
      case 0:
      case 1:
        take();
        break;
      case 2:
        send();
        break;
      case 3:
        receive();
        break;
      case 4:
        lend();
        break;
      case 5:
        receive_loan();
        break;
      case 6:
        release();
        break;
      case 7:
        release_loan();
        break;
      case 8:
        recall();
        break;
      case 9:
        lanes_full_ = !lanes_full_;
        break;
      default:
        deliver(1);
    }
    compare();
  }

  // Everything is received and released, and every pool is as it was at the start.
  void go_home() {
    lanes_full_ = false;
    while (!flying_.empty()) receive();
    while (!flying_loans_.empty()) receive_loan();
    loans_.clear();
    held_.clear();
    // Twice: the last loan of a buffer may let the buffer go, one journey later.
    for (int journey = 0; journey < 3; ++journey) {
      for (auto& pool : pools_) pool->flush_returns();
      deliver(wire_.size());
    }
    for (auto& pool : pools_) {
      RC_ASSERT(pool->free_count() == buffers_each);
      RC_ASSERT(pool->census().free == buffers_each);
      RC_ASSERT(pool->pending_returns() == 0u);
    }
  }

 private:
  core_id any_core() { return core_id{*rc::gen::inRange<std::uint16_t>(0, pool_count)}; }
  template <class T>
  std::size_t any_of(const T& list) {
    return *rc::gen::inRange<std::size_t>(0, list.size());
  }
  buffer_pool& at(core_id core) { return *pools_[core.value]; }
  // Removes one element, in whatever order the test likes.
  template <class T>
  T pull(std::vector<T>& list) {
    const std::size_t i = any_of(list);
    T one = std::move(list[i]);
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
    return one;
  }

  static void write(buffer& what, std::uint64_t token) {
    std::fill(what.span().begin(), what.span().end(), static_cast<std::byte>(token));
  }
  static bool reads(std::span<const std::byte> bytes, std::uint64_t token) {
    return std::all_of(bytes.begin(), bytes.end(), [&](std::byte one) { return one == static_cast<std::byte>(token); });
  }

  void take() {
    const core_id core = any_core();
    const bool expected = at(core).census().free != 0;
    auto taken = at(core).take(*rc::gen::inRange<std::size_t>(1, 65));
    RC_ASSERT(static_cast<bool>(taken) == expected);
    if (!taken) return;
    write(*taken, ++tokens_);
    held_.push_back({std::move(*taken), core, core, tokens_});
  }

  void send() {
    if (held_.empty()) return;
    held_buffer one = pull(held_);
    const bool lent = one.what.loans() != 0;
    const core_id to = any_core();
    const auto handle = at(one.holder).send(std::move(one.what), to);
    RC_ASSERT(static_cast<bool>(handle) == !lent);
    if (handle) {
      flying_.push_back({*handle, one.home, one.holder, to, one.token});
    } else {
      held_.push_back(std::move(one));
    }
  }

  void receive() {
    if (flying_.empty()) return;
    const flying_buffer one = pull(flying_);
    auto received = at(one.to).receive(one.handle, one.from);
    RC_ASSERT(static_cast<bool>(received));
    RC_ASSERT(reads(received->bytes(), one.token));
    held_.push_back({std::move(*received), one.home, one.to, one.token});
  }

  void recall() {
    if (flying_.empty()) return;
    const flying_buffer one = pull(flying_);
    auto back = at(one.from).recall(one.handle);
    RC_ASSERT(static_cast<bool>(back));
    held_.push_back({std::move(*back), one.home, one.from, one.token});
  }

  void lend() {
    if (held_.empty()) return;
    const held_buffer& one = held_[any_of(held_)];
    const core_id to = any_core();
    // A loan is refused only for want of a record, and every record is out then.
    const auto handle = at(one.holder).lend(one.what, to);
    if (!handle) {
      RC_ASSERT(handle.error().code() == errc::pool_exhausted);
      return;
    }
    flying_loans_.push_back({*handle, one.holder, to, one.token});
  }

  void receive_loan() {
    if (flying_loans_.empty()) return;
    const flying_loan one = pull(flying_loans_);
    auto received = at(one.to).receive_loan(one.handle, one.lender);
    RC_ASSERT(static_cast<bool>(received));
    RC_ASSERT(reads(received->bytes(), one.token));
    loans_.push_back({std::move(*received), one.lender, one.to, one.token});
  }

  void release() {
    if (!held_.empty()) static_cast<void>(pull(held_));
  }

  void release_loan() {
    if (loans_.empty()) return;
    const held_loan one = pull(loans_);
    // Whatever became of its lender's buffer, a reader still reads what was lent.
    RC_ASSERT(reads(one.what.bytes(), one.token));
  }

  void deliver(std::size_t lines) {
    for (auto& pool : pools_) pool->flush_returns();
    for (; lines != 0 && !wire_.empty(); --lines) {
      const flying_return one = wire_.front();
      wire_.pop_front();
      RC_ASSERT(at(one.home).take_back(one.line, one.from) == 0u);
    }
  }

  // A buffer whose holder let go of it while it was lent counts as held until its loans are over, so the model knows
  // a lower bound of what is held, and exactly what is in flight.
  void compare() {
    expectation expected;
    for (const held_buffer& one : held_) {
      ++(one.home == one.holder ? expected.held_here : expected.held_there)[one.home.value];
      RC_ASSERT(reads(one.what.bytes(), one.token));
    }
    for (const flying_buffer& one : flying_) ++expected.in_flight[one.home.value];
    for (std::size_t i = 0; i < pool_count; ++i) {
      const buffer_census found = pools_[i]->census();
      RC_ASSERT(found.in_flight == expected.in_flight[i]);
      RC_ASSERT(found.held_here >= expected.held_here[i]);
      RC_ASSERT(found.held_there >= expected.held_there[i]);
      RC_ASSERT(found.free + found.held_here + found.held_there + found.in_flight + found.in_flight_home ==
                buffers_each);
      RC_ASSERT(found.free == pools_[i]->free_count());
      if (loans_.empty() && flying_loans_.empty() && wire_.empty() && nothing_pending()) {
        RC_ASSERT(found.held_here == expected.held_here[i]);
        RC_ASSERT(found.held_there == expected.held_there[i]);
        RC_ASSERT(found.in_flight_home == 0u);
      }
    }
  }

  bool nothing_pending() const {
    return std::all_of(pools_.begin(), pools_.end(), [](const auto& pool) { return pool->pending_returns() == 0; });
  }

  buffer_registry registry_{pool_count};
  std::array<std::unique_ptr<buffer_pool>, pool_count> pools_;
  std::deque<flying_return> wire_;
  bool lanes_full_ = false;
  std::uint64_t tokens_ = 0;
  std::vector<held_buffer> held_;
  std::vector<flying_buffer> flying_;
  std::vector<held_loan> loans_;
  std::vector<flying_loan> flying_loans_;
};

}  // namespace

TEST_CASE("in every history no buffer is lost or doubled, every payload arrives, and all return home") {
  REQUIRE(::setenv("RC_PARAMS", "seed=12", 0) == 0);
  CHECK(rc::check("three pools agree with the model", [] {
    world w;
    const int steps = *rc::gen::inRange(1, 250);
    for (int i = 0; i < steps; ++i) w.step();
    w.go_home();
  }));
}
