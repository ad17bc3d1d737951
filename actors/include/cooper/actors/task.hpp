// SPDX-License-Identifier: BSD-3-Clause
// Coroutines of actors: task<T>, when_all, when_any.
//
//   task<total> handle(get) {                       // a handler may be a coroutine: it takes its message by value
//     auto left = co_await call(left_, get{});      // result<total>
//     ...
//     co_return total{...};
//   }
//
// A task starts when it is awaited (or, for a handler, at once) and runs on its actor's core only. It is structured: it
// belongs to whoever awaits it, the outermost one to its actor, and when that ends every suspended frame is destroyed,
// innermost last, so that destructors run and no coroutine outlives its actor. Frames come from the core's own pool.
#pragma once

#include <array>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <cooper/actors/resident.hpp>
#include <cooper/vocabulary/assert.hpp>

namespace cooper::actors {

template <class T = void>
class task;

namespace detail {

struct promise_base {
  // What goes on when the coroutine is done: a function and its argument, so that nothing is allocated for it.
  using continuation = std::coroutine_handle<> (*)(void* context) noexcept;

  static void* operator new(std::size_t bytes) { return resident::take_memory(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept { resident::give_memory_back(memory, bytes); }

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().next(self.promise().context);
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failed = std::current_exception(); }

  continuation next = nullptr;
  void* context = nullptr;
  std::exception_ptr failed;
};

template <class T>
struct task_promise : promise_base {
  task<T> get_return_object() noexcept;
  template <class U>
  requires std::is_constructible_v<T, U>
  void return_value(U&& value) { result.emplace(std::forward<U>(value)); }
  T take() {
    if (failed) std::rethrow_exception(failed);
    return std::move(*result);
  }
  std::optional<T> result;
};

template <>
struct task_promise<void> : promise_base {
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (failed) std::rethrow_exception(failed);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using value_type = T;

  task(task&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
  task& operator=(task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~task() {
    if (frame_) frame_.destroy();
  }

  // For whoever runs it: sets what goes on afterwards, and starts it.
  void start(detail::promise_base::continuation next, void* context) {
    frame_.promise().next = next;
    frame_.promise().context = context;
    resident::begin_coroutine();
    frame_.resume();
  }
  bool done() const noexcept { return frame_.done(); }
  // Once done: its value, or its exception.
  T take() { return frame_.promise().take(); }

  auto operator co_await() && noexcept {
    struct awaiter {
      std::coroutine_handle<promise_type> frame;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
        frame.promise().next = [](void* h) noexcept { return std::coroutine_handle<>::from_address(h); };
        frame.promise().context = waiter.address();
        resident::begin_coroutine();
        return frame;
      }
      T await_resume() { return frame.promise().take(); }
    };
    return awaiter{frame_};
  }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}
  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>{std::coroutine_handle<task_promise<T>>::from_promise(*this)};
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>{std::coroutine_handle<task_promise<void>>::from_promise(*this)};
}

// Counts the children that are done, and lets their parent go on after the last, or after the first.
struct join {
  std::size_t left = 0;
  std::coroutine_handle<> parent;
  bool resumed = false;

  static std::coroutine_handle<> child_done(void* context) noexcept {
    auto& self = *static_cast<join*>(context);
    if (--self.left != 0 || !self.parent) return std::noop_coroutine();
    return self.parent;
  }
};

template <class T>
struct instead_of_void {
  using type = T;
};
template <>
struct instead_of_void<void> {
  using type = std::monostate;
};
template <class T>
auto take_of(task<T>& t) {
  if constexpr (std::is_void_v<T>) {
    t.take();
    return std::monostate{};
  } else {
    return t.take();
  }
}

template <class... Ts>
class [[nodiscard]] all_of {
 public:
  explicit all_of(task<Ts>&&... tasks) : tasks_{std::move(tasks)...} {}
  bool await_ready() const noexcept { return sizeof...(Ts) == 0; }
  bool await_suspend(std::coroutine_handle<> parent) {
    // One more than there are children: they may all be done before the last of them has been started.
    join_.left = sizeof...(Ts) + 1;
    std::apply([&](auto&... t) { (t.start(&join::child_done, &join_), ...); }, tasks_);
    if (--join_.left == 0) return false;
    join_.parent = parent;
    return true;
  }
  auto await_resume() {
    return std::apply([](auto&... t) { return std::tuple{take_of(t)...}; }, tasks_);
  }

 private:
  std::tuple<task<Ts>...> tasks_;
  join join_;
};

template <class T>
class [[nodiscard]] all_in {
 public:
  explicit all_in(std::vector<task<T>> tasks) : tasks_{std::move(tasks)} {}
  bool await_ready() const noexcept { return tasks_.empty(); }
  bool await_suspend(std::coroutine_handle<> parent) {
    join_.left = tasks_.size() + 1;
    for (task<T>& t : tasks_) t.start(&join::child_done, &join_);
    if (--join_.left == 0) return false;
    join_.parent = parent;
    return true;
  }
  auto await_resume() {
    std::vector<typename instead_of_void<T>::type> all;
    all.reserve(tasks_.size());
    for (task<T>& t : tasks_) all.push_back(take_of(t));
    return all;
  }

 private:
  std::vector<task<T>> tasks_;
  join join_;
};

// Which one was first.
template <class T>
struct first_done {
  std::size_t index;
  T value;
};

template <class T>
class [[nodiscard]] any_in {
 public:
  explicit any_in(std::vector<task<T>> tasks) : tasks_{std::move(tasks)}, ends_(tasks_.size()) {
    COOPER_ASSERT(!tasks_.empty(), "when_any needs at least one task");
  }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      ends_[i] = {this, i};
      tasks_[i].start(&any_in::child_done, &ends_[i]);
      // The others are not begun any more.
      if (first_) return false;
    }
    parent_ = parent;
    return true;
  }
  // The first one's value. The others are destroyed with this awaiter: their calls are given up.
  first_done<typename instead_of_void<T>::type> await_resume() { return {*first_, take_of(tasks_[*first_])}; }

 private:
  struct end {
    any_in* self;
    std::size_t index;
  };
  static std::coroutine_handle<> child_done(void* context) noexcept {
    auto [self, index] = *static_cast<end*>(context);
    if (self->first_) return std::noop_coroutine();
    self->first_ = index;
    return self->parent_ ? self->parent_ : std::noop_coroutine();
  }

  std::vector<task<T>> tasks_;
  std::vector<end> ends_;
  std::optional<std::size_t> first_;
  std::coroutine_handle<> parent_;
};

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

// What a handler owes the caller of a request: an answer, or the news that there will be none.
class answering {
 public:
  answering(resident& self, core_id caller, std::uint64_t word) : self_{&self}, caller_{caller}, word_{word} {}
  answering(const answering&) = delete;
  answering& operator=(const answering&) = delete;
  ~answering() {
    if (word_ != 0) self_->send_failure(caller_, word_, otherwise);
  }
  template <class Reply>
  void with(const result<Reply>& r) {
    if (r) return with_value(*r);
    self_->send_failure(caller_, std::exchange(word_, 0), r.error().code());
  }
  template <class Reply>
  void with_value(const Reply& value) {
    const std::uint64_t word = std::exchange(word_, 0);
    if constexpr (std::is_empty_v<Reply>) {
      self_->send_answer(caller_, word, nullptr, 0);
    } else {
      self_->send_answer(caller_, word, &value, sizeof(Reply));
    }
  }
  errc otherwise = errc::handler_failed;

 private:
  resident* self_;
  core_id caller_;
  std::uint64_t word_;
};

// A coroutine that nobody awaits: it belongs to its actor, and its end answers a request, if it is a handler's.
template <class Reply, class Value>
class spawned final : private resident::owned {
 public:
  static void begin(resident& self, task<Value> body, core_id caller, std::uint64_t word) {
    void* memory = resident::take_memory(sizeof(spawned));
    auto* made = new (memory) spawned{self, std::move(body), caller, word};
    made->body_.start(&spawned::done, made);
  }

 private:
  spawned(resident& self, task<Value> body, core_id caller, std::uint64_t word)
      : owned{self, &spawned::destroy, &spawned::complete}, body_{std::move(body)}, answer_{self, caller, word} {}

  static std::coroutine_handle<> done(void* self) noexcept {
    // Its frame is still in use: it is taken down when the activation ends.
    static_cast<spawned*>(self)->finished();
    return std::noop_coroutine();
  }
  static void complete(owned& base) {
    auto& self = static_cast<spawned&>(base);
    if constexpr (std::is_void_v<Reply>) {
      self.body_.take();
    } else {
      self.answer_.with(result<Reply>{self.body_.take()});
    }
  }
  static void destroy(owned& base) {
    auto* self = static_cast<spawned*>(&base);
    if (!self->body_.done()) self->answer_.otherwise = errc::no_receiver;
    self->~spawned();
    resident::give_memory_back(self, sizeof(spawned));
  }

  task<Value> body_;
  answering answer_;
};

}  // namespace detail

// All of them at once; a tuple of their values (std::monostate for void). The first exception, in order, is thrown.
template <class... Ts>
auto when_all(task<Ts>... tasks) {
  return detail::all_of<Ts...>{std::move(tasks)...};
}
// The same for any number of one kind; a vector of their values.
template <class T>
auto when_all(std::vector<task<T>> tasks) {
  return detail::all_in<T>{std::move(tasks)};
}
// All are begun, in order; the first that is done gives {index, value}, and the others are given up.
template <class T>
auto when_any(std::vector<task<T>> tasks) {
  return detail::any_in<T>{std::move(tasks)};
}
template <class T, class... Same>
requires(std::is_same_v<task<T>, Same>&&...) auto when_any(task<T> first, Same... others) {
  std::vector<task<T>> all;
  all.push_back(std::move(first));
  (all.push_back(std::move(others)), ...);
  return detail::any_in<T>{std::move(all)};
}

}  // namespace cooper::actors
