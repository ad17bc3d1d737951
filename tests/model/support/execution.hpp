// SPDX-License-Identifier: BSD-3-Clause
// One run of a program under test: its threads as fibers, its memory, and which steps are possible next.
//
// A thread runs until it reaches an operation that others could notice, announces it and is suspended; the explorer
// picks one possible step after the other. Announcing has no effect, so the state between steps depends on the steps
// alone. Stores are issued without a step and committed by one. One object serves all executions of an exploration.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "explorer.hpp"
#include "fiber.hpp"
#include "memory.hpp"
#include "transition.hpp"

namespace cooper::model {

class execution {
 public:
  explicit execution(const options& how);
  ~execution();
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;

  // --- for the explorer ---
  // Runs the setup and every thread up to its first operation.
  void begin(const setup_function& setup, bool record);
  // The steps that are possible now, those of thread `first` before the others; never empty before finished().
  void candidates(std::size_t first, std::vector<transition>& to) const;
  void perform(const transition& t);
  // Whether the two, both possible now, lead to the same state in either order.
  bool independent(const transition& a, const transition& b) const;
  bool finished() const;
  void run_final_checks();
  // Unwinds what still runs and destroys what the setup built.
  void end();
  bool violated() const { return kind_.has_value(); }
  violation_kind kind() const { return *kind_; }
  const std::string& message() const { return message_; }
  const std::string& transcript() const { return transcript_; }
  // Once true after a thread moved a clock that the exploration so far took for constant: what it found is void, as
  // reading the clock was no step yet.
  bool must_restart() { return std::exchange(clock_began_to_move_, false); }

  // --- for the environment, on the running thread ---
  static execution& current();
  std::uint64_t load(const site_info& site, const word& w);
  void store(const site_info& site, word& w, std::uint64_t value);
  std::uint64_t read_modify_write(const site_info& site, word& w, std::uint64_t value, bool add);
  void light_barrier();
  void heavy_barrier();
  void pause();
  void payload(const void* location, bool write);
  instant now();
  void advance(duration by);
  void signal(const sleeper& s);
  bool wait(const sleeper& s, instant deadline);
  bool mutated(mutation m) const { return m != mutation::none && m == how_.planted; }
  // A check that did not hold.
  void require(std::string_view message) {
    if (active()) violate(violation_kind::check_failed, std::string{message});
  }
  [[noreturn]] void violate(violation_kind kind, std::string message);

  // --- for the setup ---
  void add_thread(std::string name, program::body run);
  void add_final_check(program::body run);
  void name(const void* object, std::size_t bytes, std::string text);

 private:
  // Thrown to unwind a thread whose execution ends early.
  struct abandoned {};
  enum class phase : std::uint8_t { none, setup, threads, finals, ending };

  struct thread_state {
    std::string name;
    program::body run;
    std::function<void()> job;
    std::unique_ptr<fiber> stack;
    bool done = true;
    // What it announced.
    action what = action::none;
    const site_info* site = nullptr;
    std::uint16_t location = 0;
    std::uint64_t operand = 0;
    bool add = false;
    std::uint64_t result = 0;
    // What an empty turn would have to see changed: words loaded since the last pause, and what was there by then.
    std::bitset<words_max> watched;
    view paused_at;
    bool granted = false;  // another turn though nothing changed
  };
  struct sleeper_state {
    const void* address;
    std::uint64_t signals;
  };
  struct named_object {
    std::uintptr_t begin;
    std::size_t bytes;
    std::string text;
  };

  // Whether operations of the running thread take part; false while an execution that ended is taken apart.
  bool active();
  bool direct() const { return running_ == 0; }
  std::uint16_t location_of(const word& w);
  std::uint16_t index_of(const sleeper& s);
  std::memory_order order_of(const site_info& site) const {
    return how_.weakened_site == site.index ? std::memory_order_relaxed : site.order;
  }
  void run_thread(std::size_t t);
  void resume(std::size_t t);
  void start_threads();
  thread_state& announce(action what, std::uint16_t location, const site_info* site = nullptr,
                         std::uint64_t operand = 0);
  void drain(std::size_t leave);
  bool possible(const thread_state& t, std::size_t index) const;
  bool drained(std::size_t t) const { return memory_.delayed_count(t) <= threads_[t].operand; }
  bool something_new_for(const thread_state& t, std::size_t index) const;
  void perform_operation(std::size_t t, const transition& step);
  void commit(std::size_t t, std::uint16_t serial);
  void resume_from_pause(std::size_t t);
  void quiesce();
  void move_clock(std::size_t t, std::int64_t to);
  std::string waiting_threads();

  // Transcript.
  std::uint32_t line(std::size_t t, const std::string& text);
  std::string describe(const void* address);
  std::string describe_access(std::string_view what, const site_info& site, std::size_t location);
  std::string describe_origin(std::size_t location, stamp s);

  const options& how_;
  memory memory_;
  std::array<thread_state, threads_max> threads_;
  std::size_t thread_count_ = 1;
  std::size_t running_ = 0;
  phase phase_ = phase::none;
  std::uint32_t serial_ = 0;
  std::vector<program::body> finals_;
  std::vector<const void*> location_addresses_;
  std::vector<sleeper_state> sleepers_;
  std::int64_t clock_ns_ = 0;
  bool clock_moves_ = false;
  bool clock_began_to_move_ = false;
  std::uint64_t progress_ = 0;
  std::uint64_t progress_at_quiescence_ = 0;
  std::size_t quiet_rounds_ = 0;
  std::uint32_t passive_calls_ = 0;

  std::optional<violation_kind> kind_;
  std::string message_;
  bool record_ = false;
  std::string transcript_;
  std::uint32_t lines_ = 0;
  std::vector<named_object> names_;
  execution* outer_ = nullptr;
};

}  // namespace cooper::model
