// SPDX-License-Identifier: BSD-3-Clause
// A CAF actor that lives on one core, and is spoken to in parcels and in lines.
//
//   struct tally : core_actor<tally, protocol<one_way<add>, request<get, total>>> {
//     using core_actor::core_actor;
//     void handle(const add& m) { sum_ += m.amount; }
//     total handle(const get&) { return {sum_}; }
//     caf::behavior make_behavior() override { return {[this](double d) { ... }}; }
//     std::int64_t sum_ = 0;
//   };
//   auto c = *spawn_on<tally>(system, core_id{1});
//
// CAF messages to it cross cores as a pointer in a line (a parcel). Line messages travel inside the line: a handler is
// a member function `handle`, found when it is compiled, that takes a message by const reference (valid until it
// returns) and returns nothing, the reply, or result<reply>; or it is a coroutine, takes the message by value, and
// returns a task of these. A coroutine handler of an actor that ends is destroyed, and its caller is told
// `no_receiver`.
//
// basic_core_actor is the same without a protocol, over any event-based, typed or stateful actor:
//   caf::behavior echo(basic_core_actor<>* self);
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

#include <cooper/actors/call.hpp>
#include <cooper/actors/protocol.hpp>
#include <cooper/actors/resident.hpp>
#include <cooper/actors/task.hpp>
#include <cooper/actors/wait.hpp>

namespace cooper::actors {

template <class Base = caf::event_based_actor>
class basic_core_actor : public Base, public resident {
 public:
  template <class... Ts>
  explicit basic_core_actor(caf::actor_config& cfg, Ts&&... xs)
      : basic_core_actor{static_cast<const line_table*>(nullptr), cfg, std::forward<Ts>(xs)...} {}

  using Base::enqueue;
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    static_cast<void>(accept(std::move(what)));
  }

  void launch(caf::execution_unit*, bool lazy, bool hide) override {
    COOPER_ASSERT(!this->getf(caf::abstract_actor::is_detached_flag), "a core actor cannot be spawned detached");
    if (!hide) this->register_at_system();
    launch_at_home(lazy);
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    depart();
    return Base::cleanup(std::move(reason), host);
  }

  using Base::consume;
  caf::invoke_message_result consume(caf::mailbox_element& x) override {
    auto consumed = caf::invoke_message_result::consumed;
    const queued_line* line = lines_wait() ? line_in(x) : nullptr;
    if (line == nullptr) [[likely]] {
      consumed = Base::consume(x);
    } else if (awaits_response()) {
      return caf::invoke_message_result::skipped;
    } else {
      consume_line(*line);
    }
    reap();
    return consumed;
  }

  void initialize() override {
    Base::initialize();
    reap();
  }

 protected:
  template <class... Ts>
  explicit basic_core_actor(const line_table* table, caf::actor_config& cfg, Ts&&... xs)
      : Base{cfg, std::forward<Ts>(xs)...}, resident{static_cast<caf::scheduled_actor&>(*this), table} {}

 private:
  bool awaits_response() const final { return !this->awaited_responses_.empty(); }
  void handle_exception(std::exception_ptr failed) final {
    caf::scheduled_actor* self = this;
    this->quit(this->call_handler(this->exception_handler_, self, failed));
  }
};

// An actor that we hold, as the receiver of lines: keeps it alive, as a CAF handle does. Copying it touches a count
// that cores share; sending to it does not.
template <class Actor>
class core_ref {
 public:
  core_ref() = default;
  explicit core_ref(Actor& a) : keep_{a.ctrl()}, actor_{&a} {}

  explicit operator bool() const noexcept { return actor_ != nullptr; }
  const resident* operator->() const noexcept { return actor_; }
  const resident& operator*() const noexcept { return *actor_; }
  // The same actor for CAF.
  template <class Handle = caf::actor>
  Handle handle() const {
    return caf::actor_cast<Handle>(keep_);
  }
  operator caf::actor() const requires std::is_same_v<typename Actor::signatures, caf::none_t> { return handle(); }

 private:
  caf::strong_actor_ptr keep_;
  const resident* actor_ = nullptr;
};

// The bare address of an actor, which may travel in lines. It keeps nothing alive: what is sent to an actor that has
// ended comes back as no_receiver.
template <class Actor>
struct line_address {
  address at{};
};

namespace detail {

template <class To>
struct receiver;
template <class Actor>
struct receiver<core_ref<Actor>> {
  using type = Actor;
  static constexpr bool by_address = false;
};
template <class Actor>
struct receiver<line_address<Actor>> {
  using type = Actor;
  static constexpr bool by_address = true;
};
template <class To>
concept takes_lines = requires {
  typename receiver<To>::type;
};
template <class To>
using protocol_of = typename receiver<To>::type::lines;
template <class To>
inline constexpr bool is_address = receiver<To>::by_address;
template <class To>
core_id core_of(const To& to) {
  if constexpr (is_address<To>) {
    return to.at.core;
  } else {
    return to->home_core();
  }
}

}  // namespace detail

// A call without a deadline waits until it is answered or its receiver is gone.
inline constexpr std::optional<duration> no_deadline{};

template <class Derived, class Protocol, class Base = caf::event_based_actor>
class core_actor : public basic_core_actor<Base> {
 public:
  using lines = Protocol;

  template <class... Ts>
  explicit core_actor(caf::actor_config& cfg, Ts&&... xs)
      : basic_core_actor<Base>{&table, cfg, std::forward<Ts>(xs)...} {}

  // This actor as others address it. On its core, once it runs.
  line_address<Derived> line_self() const { return {this->where().value_or(address{})}; }

  // Sends a message without an answer. full: the channel has no room; nothing was sent. closed: that core is down.
  // Lines to one actor keep their order, also with its parcels. Progress: wait-free on a bound channel.
  template <class To, class Message>
  send_result tell(const To& to, const Message& message) {
    using proto = detail::protocol_of<To>;
    constexpr message_type type = detail::type_number<Message, proto>();
    static_assert(std::is_void_v<typename detail::reply_of<Message, proto>::type>,
                  "this message is a request: use call()");
    std::uint64_t words[7];
    words[0] = 0;  // an empty message fills nothing
    detail::line_words<Message>::template fill<0>(words, message);
    if constexpr (detail::is_address<To>) {
      return this->send_line(to.at, type, words, detail::line_words<Message>::own);
    } else {
      return this->send_line(*to, type, words, detail::line_words<Message>::own);
    }
  }

  // As tell, but waits for room: co_await send(to, message). closed as above; never full. To a CAF handle: CAF's.
  using basic_core_actor<Base>::send;
  template <detail::takes_lines To, class Message>
  task<send_result> send(To to, Message message) {
    for (;;) {
      const send_result sent = tell(to, message);
      if (sent != send_result::full) co_return sent;
      co_await room_on_lane{*this, detail::core_of(to)};
    }
  }

  // co_await sleep(d): suspends this coroutine, not the actor. Zero: until the core's next turn.
  delay sleep(duration time) { return delay{*this, time}; }

  // Sends a request; see call.hpp for what it gives. A deadline that is not after now fails the call at once.
  template <class To, class Message>
  auto call(const To& to, const Message& message, std::optional<duration> deadline = no_deadline) {
    using proto = detail::protocol_of<To>;
    using reply = typename detail::reply_of<Message, proto>::type;
    static_assert(!std::is_void_v<reply>, "this message has no reply: use tell()");
    return pending<reply>{*this, target_of(to), detail::type_number<Message, proto>(), message, deadline};
  }

  // The same with a function in place of co_await: f(result<reply>) is called on this core, unless the actor has ended.
  template <class To, class Message, class F>
  requires std::invocable<F&, result<typename detail::reply_of<Message, detail::protocol_of<To>>::type>>
  void call(const To& to, const Message& message, F f) { call(to, message, no_deadline, std::move(f)); }
  template <class To, class Message, class F>
  void call(const To& to, const Message& message, std::optional<duration> deadline, F f) {
    using proto = detail::protocol_of<To>;
    using reply = typename detail::reply_of<Message, proto>::type;
    detail::callback_call<reply, F>::send(*this, target_of(to), detail::type_number<Message, proto>(), message,
                                          deadline, std::move(f));
  }

  // Runs a coroutine that belongs to this actor.
  void start(task<void> work) { detail::spawned<void, void>::begin(*this, std::move(work), core_id{}, 0); }

 private:
  template <class To>
  static line_target target_of(const To& to) {
    if constexpr (detail::is_address<To>) {
      return {.actor = nullptr, .at = to.at};
    } else {
      return {.actor = &*to, .at = {}};
    }
  }

  template <class Entry>
  static void run_entry(resident& base, core&, const line_view& line) {
    using message = typename Entry::message;
    using reply = typename Entry::reply;
    constexpr bool answers = !std::is_void_v<reply>;
    auto& self = static_cast<Derived&>(static_cast<core_actor&>(base));
    const message& m = *reinterpret_cast<const message*>(line.payload + (answers ? 8 : 0));
    static_assert(
        requires { self.handle(m); }, "the actor has no member function handle() for a message of its protocol");
    using returned = decltype(self.handle(m));
    const std::uint64_t word = answers ? line.as<std::uint64_t>() : 0;
    if constexpr (detail::is_task<returned>) {
      static_assert(
          !requires { static_cast<returned (Derived::*)(const message&)>(&Derived::handle); },
          "a coroutine handler takes its message by value: the line is gone when it goes on");
      detail::spawned<reply, typename returned::value_type>::begin(self, self.handle(message{m}), line.from, word);
    } else if constexpr (!answers) {
      static_assert(std::is_void_v<returned>, "the handler of a one-way message returns nothing");
      self.handle(m);
    } else {
      static_assert(std::is_convertible_v<returned, result<reply>>,
                    "the handler of a request returns its reply, result<reply>, or a task of these");
      detail::answering answer{self, line.from, word};
      if constexpr (std::is_same_v<returned, reply>) {
        answer.with_value(self.handle(m));
      } else {
        answer.with(result<reply>{self.handle(m)});
      }
    }
  }

  template <class P>
  struct entries_of;
  template <class... Entries>
  struct entries_of<protocol<Entries...>> {
    static constexpr std::array<resident::line_handler, sizeof...(Entries)> all{&core_actor::run_entry<Entries>...};
  };
  static const resident::line_table table;
};

template <class Derived, class Protocol, class Base>
const resident::line_table core_actor<Derived, Protocol, Base>::table{entries_of<Protocol>::all.data(), Protocol::size};

}  // namespace cooper::actors
