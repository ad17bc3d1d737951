// SPDX-License-Identifier: BSD-3-Clause
// A line call that waits for its answer: pending<Reply>.
//
//   auto answer = co_await call(server, get{}, 5ms);             // result<total>
//
//   auto a = call(left, get{});                                  // both are on their way:
//   auto b = call(right, get{});                                 // a pending call is sent when it is made
//   auto sum = (co_await a)->value + (co_await b)->value;
//
// A pending call stays where it was made (it cannot be moved), and belongs to that scope: destroyed before its answer
// comes, the call is given up, and the answer is dropped. It may be awaited once.
#pragma once

#include <coroutine>
#include <cstring>
#include <optional>
#include <utility>

#include <cooper/actors/call_base.hpp>
#include <cooper/actors/resident.hpp>
#include <cooper/vocabulary/error.hpp>

namespace cooper::actors {

// Where a message goes: an actor that we hold, or the bare address of one.
struct line_target {
  const resident* actor = nullptr;
  address at{};
};

namespace detail {

// A message as words of a line, behind `skip` words that are not its.
template <class Message>
struct line_words {
  static constexpr std::size_t own = std::is_empty_v<Message> ? 0 : (sizeof(Message) + 7) / 8;
  template <std::size_t Skip>
  static void fill(std::uint64_t (&words)[7], const Message& message) {
    if constexpr (own != 0) {
      if constexpr (sizeof(Message) % 8 != 0) words[Skip + own - 1] = 0;
      std::memcpy(words + Skip, &message, sizeof(Message));
    }
  }
};

template <class Reply>
result<Reply> reply_of_bytes(const std::byte* value) {
  if constexpr (std::is_empty_v<Reply>) {
    return Reply{};
  } else {
    // Replies are trivially copyable, but need not be default constructible.
    alignas(Reply) std::byte copy[sizeof(Reply)];
    std::memcpy(copy, value, sizeof(Reply));
    return *std::launder(reinterpret_cast<Reply*>(copy));
  }
}

}  // namespace detail

template <class Reply>
class [[nodiscard]] pending final : private call_base {
 public:
  // Sends. Made by core_actor::call.
  template <class Message>
  pending(resident& caller, line_target to, message_type type, const Message& message, std::optional<duration> deadline)
      : call_base{caller, &pending::take_answer} {
    std::uint64_t words[7];
    detail::line_words<Message>::template fill<1>(words, message);
    failed_ = caller.send_request(*this, to.actor, to.at, type, words, 1 + detail::line_words<Message>::own, deadline);
  }

  bool await_ready() const noexcept { return !waiting(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  result<Reply> await_resume() {
    if (failed_) return error{*failed_};
    return detail::reply_of_bytes<Reply>(value_);
  }

 private:
  static void take_answer(call_base& base, const std::byte* value, errc failed) {
    auto& self = static_cast<pending&>(base);
    if (value == nullptr) {
      self.failed_ = failed;
    } else if constexpr (!std::is_empty_v<Reply>) {
      std::memcpy(self.value_, value, sizeof(Reply));
    }
    // The coroutine may end, and this object with it.
    if (self.waiter_) std::exchange(self.waiter_, nullptr).resume();
  }

  std::coroutine_handle<> waiter_;
  std::optional<errc> failed_;
  alignas(8) std::byte value_[sizeof(Reply)];
};

namespace detail {

// A call whose answer goes to a function; it belongs to the calling actor, and frees itself.
template <class Reply, class F>
class callback_call final : private call_base, private resident::owned {
 public:
  template <class Message>
  static void send(resident& caller, line_target to, message_type type, const Message& message,
                   std::optional<duration> deadline, F f) {
    void* memory = resident::take_memory(sizeof(callback_call));
    auto* made = new (memory) callback_call{caller, std::move(f)};
    std::uint64_t words[7];
    line_words<Message>::template fill<1>(words, message);
    made->failed_ = caller.send_request(*made, to.actor, to.at, type, words, 1 + line_words<Message>::own, deadline);
    // What failed at once is told like every other failure: not before the handler that called has returned.
    if (made->failed_) made->finished();
  }

 private:
  callback_call(resident& caller, F f)
      : call_base{caller, &callback_call::take_answer},
        owned{caller, &callback_call::destroy, &callback_call::complete},
        f_{std::move(f)} {}

  static void take_answer(call_base& base, const std::byte* value, errc failed) {
    auto& self = static_cast<callback_call&>(base);
    if (value == nullptr) {
      self.failed_ = failed;
      return self.finished();
    }
    // The answer is read in place, so the function runs now; what it needs is not the object's any more.
    F f = std::move(self.f_);
    self.finished();
    self.told_ = true;
    f(reply_of_bytes<Reply>(value));
  }
  static void complete(owned& base) {
    auto& self = static_cast<callback_call&>(base);
    if (self.told_) return;
    F f = std::move(self.f_);
    f(result<Reply>{error{*self.failed_}});
  }
  static void destroy(owned& base) {
    auto* self = static_cast<callback_call*>(&base);
    self->~callback_call();
    resident::give_memory_back(self, sizeof(callback_call));
  }

  F f_;
  std::optional<errc> failed_;
  bool told_ = false;
};

}  // namespace detail
}  // namespace cooper::actors
