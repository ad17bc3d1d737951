// SPDX-License-Identifier: BSD-3-Clause
// The third environment: words with all their past values, under an explorer that chooses (explorer.hpp).
//
// Every call acts for the thread that runs, so the handle is empty, may be copied and may be kept by what the setup
// builds. All of it is for the one OS thread that explores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <cooper/runtime/environment.hpp>

#include "view.hpp"

namespace cooper::model {

// As large as the native word, so that layouts asserted by the code under test hold. The value lives in the model.
class alignas(8) word {
 public:
  word() = default;
  word(const word&) = delete;
  word& operator=(const word&) = delete;

 private:
  friend class execution;
  mutable std::uint32_t execution_ = 0;  // in which it was last used; in any other it is new, and zero
  mutable std::uint32_t location_ = 0;
};

// What a parked thread sleeps on: an eventfd. The kernel's order is not counted on: no happens-before, no view.
class sleeper {
 public:
  sleeper() = default;
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;

  void signal();
  // Until signalled (true; all signals so far are consumed), or until the clock reached the deadline (false). The clock
  // moves by advance(), and to the earliest deadline when nothing else can happen.
  bool wait(instant deadline = never);

 private:
  friend class execution;
  mutable std::uint32_t execution_ = 0;
  mutable std::uint32_t index_ = 0;
};

namespace detail {

std::uint64_t load(const site_info& site, const word& w);
void store(const site_info& site, word& w, std::uint64_t value);
std::uint64_t exchange(const site_info& site, word& w, std::uint64_t value);
std::uint64_t fetch_add(const site_info& site, word& w, std::uint64_t value);
void light_barrier();
void heavy_barrier();
void pause();
void payload_write(const void* location);
void payload_read(const void* location);
instant now();
bool mutated(mutation m);

}  // namespace detail

class model_environment {
 public:
  using word = model::word;
  // A driver under test parks rather than pauses: pausing would wait for the very stores that parking must not miss.
  static constexpr unsigned spin_turns = ~0u;

  template <class Site>
  static std::uint64_t load(Site, const word& w) {
    return detail::load(info_of<Site>, w);
  }
  template <class Site>
  static void store(Site, word& w, std::uint64_t value) {
    detail::store(info_of<Site>, w, value);
  }
  template <class Site>
  static std::uint64_t exchange(Site, word& w, std::uint64_t value) {
    return detail::exchange(info_of<Site>, w, value);
  }
  static void light_barrier() { detail::light_barrier(); }
  static void heavy_barrier() { detail::heavy_barrier(); }
  // Returns when something that was read since the last pause has changed, or when nothing else can happen.
  static void pause() { detail::pause(); }
  static void toward(core_id) {}
  static void handling(core_id, bool) {}
  static instant alarm_at(instant t) { return t; }
  static void payload_write(const void* location) { detail::payload_write(location); }
  static void payload_read(const void* location) { detail::payload_read(location); }
  static instant now() { return detail::now(); }
  static bool mutated(mutation m) { return detail::mutated(m); }
};

static_assert(environment<model_environment>);
static_assert(sizeof(word) == sizeof(std::uint64_t) && alignof(word) == alignof(std::uint64_t));

// What holds at every execution; a failure ends the search. In threads, setup and finally.
void check(bool holds, std::string_view message);
// Moves the clock of the execution, as a step of the running thread.
void advance(duration by);

// A site for a test's own words.
template <std::size_t Bytes>
struct label {
  constexpr label(const char (&text)[Bytes]) {
    for (std::size_t i = 0; i < Bytes; ++i) characters[i] = text[i];
  }
  char characters[Bytes]{};
};
template <label Name, std::memory_order Order, std::size_t Index = sync::site_count>
struct named_site : sync::site<Index, Order> {
  static constexpr std::string_view name{Name.characters};
};

// A queue of many producers and one consumer, as the gateway uses one: linearizable, and who pops an element sees what
// was before its push; but empty() and pop() may miss a push that nothing orders before them.
template <class T>
class queue {
 public:
  // Any thread. Never full; true, as a bounded queue says where it took the element.
  bool push(T value) {
    // No other thread runs between the step that takes the place and the next step of this thread.
    const std::uint64_t place = detail::fetch_add(info_of<push_site>, pushed_, 1);
    if (values_.size() <= place) values_.resize(place + 1);
    values_[place] = std::move(value);
    return true;
  }
  // The owner only.
  std::optional<T> pop() {
    if (empty()) return std::nullopt;
    return std::exchange(values_[popped_++], std::nullopt);
  }
  bool pop(T& to) {
    std::optional<T> next = pop();
    if (next) to = std::move(*next);
    return next.has_value();
  }
  bool empty() { return detail::load(info_of<observe_site>, pushed_) == popped_; }

 private:
  using push_site = named_site<"queue.push", std::memory_order_release>;
  using observe_site = named_site<"queue.observe", std::memory_order_acquire>;

  word pushed_;
  std::uint64_t popped_ = 0;
  std::deque<std::optional<T>> values_;  // by position
};

// What a setup describes.
class program {
 public:
  using body = std::function<void(model_environment)>;

  void thread(std::string name, body run);
  // After all threads have ended; sees everything.
  void finally(body run);
  // For transcripts. The second form names all words and payload inside an object by their offset.
  void name(const word& w, std::string text) { name(&w, sizeof(w), std::move(text)); }
  void name(const void* object, std::size_t bytes, std::string text);
  void name(const sleeper& s, std::string text) { name(&s, sizeof(s), std::move(text)); }
  model_environment environment() const { return {}; }

 private:
  friend class execution;
  explicit program(class execution& e) : execution_{e} {}
  class execution& execution_;
};

}  // namespace cooper::model
