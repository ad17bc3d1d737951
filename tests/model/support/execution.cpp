// SPDX-License-Identifier: BSD-3-Clause
// What the explorer sees of an execution; the threads' side stands in operations.cpp.
#include "execution.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <cooper/vocabulary/assert.hpp>

namespace cooper::model {
namespace {

execution* current_execution = nullptr;
// Over all explorations, so that a word never mistakes one execution for another.
std::uint32_t executions_begun = 0;

[[noreturn]] void explain_termination() {
  std::fputs(
      "model: unwinding a thread ended in std::terminate. A noexcept function (or a destructor) of the code under test "
      "reaches the environment; give it noexcept(false).\n",
      stderr);
  std::abort();
}

}  // namespace

execution::execution(const options& how) : how_{how}, outer_{std::exchange(current_execution, this)} {}
execution::~execution() { current_execution = outer_; }

execution& execution::current() {
  COOPER_ASSERT(current_execution != nullptr, "the model environment is used outside of explore()");
  return *current_execution;
}

void execution::begin(const setup_function& setup, bool record) {
  serial_ = ++executions_begun;
  memory_.reset();
  thread_count_ = 1;
  running_ = 0;
  threads_[0].name = "setup";
  location_addresses_.assign(1, &clock_ns_);
  memory_.add_location();
  sleepers_.clear();
  clock_ns_ = 0;
  progress_ = 0;
  progress_at_quiescence_ = ~std::uint64_t{0};
  quiet_rounds_ = 0;
  passive_calls_ = 0;
  kind_.reset();
  message_.clear();
  record_ = record;
  transcript_.clear();
  lines_ = 0;
  names_.clear();
  name(&clock_ns_, sizeof(clock_ns_), "clock");

  phase_ = phase::setup;
  program p{*this};
  try {
    setup(p);
    start_threads();
  } catch (const abandoned&) {}
}

void execution::start_threads() {
  phase_ = phase::threads;
  for (std::size_t t = 1; t < thread_count_; ++t) memory_.fork(t);
  for (std::size_t t = 1; t < thread_count_ && !violated(); ++t) {
    thread_state& thread = threads_[t];
    if (!thread.stack) thread.stack = std::make_unique<fiber>();
    thread.job = [this, t] { run_thread(t); };
    thread.what = action::none;
    thread.watched.reset();
    thread.paused_at.clear();
    thread.granted = false;
    thread.done = false;
    thread.stack->assign(thread.job);
    resume(t);
  }
}

void execution::resume(std::size_t t) {
  running_ = t;
  threads_[t].stack->resume();
  running_ = 0;
}

bool execution::finished() const {
  for (std::size_t t = 1; t < thread_count_; ++t) {
    if (!threads_[t].done || memory_.delayed_count(t) > 0) return false;
  }
  return true;
}

void execution::run_final_checks() {
  for (std::size_t t = 1; t < thread_count_; ++t) memory_.join(t);
  memory_.see_all(0);
  phase_ = phase::finals;
  threads_[0].name = "finally";
  try {
    for (const program::body& f : finals_) f(model_environment{});
  } catch (const abandoned&) {}
}

void execution::end() {
  phase_ = phase::ending;
  const std::terminate_handler before = std::set_terminate(&explain_termination);
  for (std::size_t t = 1; t < thread_count_; ++t) {
    if (!threads_[t].done) resume(t);
    COOPER_ASSERT(threads_[t].done, "a thread under test swallowed the exception that unwinds it");
  }
  std::set_terminate(before);
  for (std::size_t t = 1; t < thread_count_; ++t) threads_[t].run = nullptr;
  finals_.clear();
  phase_ = phase::none;
}

void execution::candidates(std::size_t first, std::vector<transition>& to) const {
  to.clear();
  const auto of_thread = [&](std::size_t t) {
    const thread_state& thread = threads_[t];
    const auto index = static_cast<std::uint8_t>(t);
    for (std::size_t i = 0; i < memory_.delayed_count(t); ++i) {
      const delayed_store& store = memory_.delayed(t, i);
      if (memory_.may_commit(t, i)) to.push_back({action::commit, index, store.location, store.serial});
    }
    if (thread.done || !possible(thread, t)) return;
    if (thread.what != action::load) {
      to.push_back({thread.what, index, thread.location, 0});
    } else if (memory_.own_delayed(t, thread.location) != nullptr) {
      to.push_back({action::forward, index, thread.location, 0});
    } else {
      const int oldest = memory_.oldest(t, thread.location);
      for (int s = memory_.latest(thread.location); s >= oldest; --s) {
        to.push_back({action::load, index, thread.location, static_cast<std::uint16_t>(s)});
      }
    }
  };
  if (first != 0) of_thread(first);
  for (std::size_t t = 1; t < thread_count_; ++t) {
    if (t != first) of_thread(t);
  }
  if (to.empty()) to.push_back({action::quiesce, 0, 0, 0});
}

bool execution::possible(const thread_state& thread, std::size_t t) const {
  switch (thread.what) {
    case action::load:
    case action::now:
    case action::advance:
    case action::signal:
      return true;
    case action::exchange:
    case action::fence:
    case action::heavy:
      return memory_.delayed_count(t) == 0;
    case action::pause:
      return thread.granted || something_new_for(thread, t);
    case action::wait:
      return sleepers_[thread.location].signals > 0 || clock_ns_ >= static_cast<std::int64_t>(thread.operand);
    default:
      return false;
  }
}

bool execution::something_new_for(const thread_state& thread, std::size_t t) const {
  for (std::size_t l = 0; l < memory_.location_count(); ++l) {
    if (thread.watched[l] && memory_.latest(l) > std::max(memory_.oldest(t, l), thread.paused_at.at(l))) return true;
  }
  return false;
}

void execution::perform(const transition& step) {
  if (step.what == action::quiesce) {
    quiesce();
  } else if (step.what == action::commit) {
    commit(step.thread, step.detail);
  } else {
    perform_operation(step.thread, step);
  }
}

void execution::commit(std::size_t t, std::uint16_t serial) {
  std::size_t i = 0;
  while (i < memory_.delayed_count(t) && memory_.delayed(t, i).serial != serial) ++i;
  COOPER_ASSERT(i < memory_.delayed_count(t), "the program under test does not repeat itself");
  const delayed_store& store = memory_.delayed(t, i);
  const std::uint16_t location = store.location;
  const site_info& site = *store.site;
  const stamp s = memory_.commit(t, i);
  if (record_) {
    stored_value& m = memory_.at(location, s);
    m.line = line(t, describe_access("  visible", site, location) + " = " + std::to_string(m.value));
  }
  ++progress_;
  if (!threads_[t].done && threads_[t].what == action::drain && drained(t)) resume(t);
}

// Nothing can happen. What is paused looks again, seeing all stores; if that changed nothing, time passes.
void execution::quiesce() {
  if (progress_ != progress_at_quiescence_) quiet_rounds_ = 0;
  progress_at_quiescence_ = progress_;
  bool granted = false;
  std::int64_t deadline = never.ns;
  for (std::size_t t = 1; t < thread_count_; ++t) {
    thread_state& thread = threads_[t];
    if (thread.done) continue;
    if (thread.what == action::pause && quiet_rounds_ < how_.quiet_rounds) {
      memory_.see_all(t);
      thread.granted = true;
      granted = true;
    }
    if (thread.what == action::wait) deadline = std::min(deadline, static_cast<std::int64_t>(thread.operand));
  }
  if (granted) {
    ++quiet_rounds_;
    if (record_) line(0, "nothing else happens: who is paused sees every store and looks again");
  } else if (deadline != never.ns) {
    if (record_) line(0, "nothing else happens: time passes until " + std::to_string(deadline));
    move_clock(0, deadline);
  } else {
    kind_ = violation_kind::deadlock;
    message_ = "deadlock or lost wake-up: " + waiting_threads();
    if (record_) line(0, message_);
  }
}

std::string execution::waiting_threads() {
  std::string text;
  for (std::size_t t = 1; t < thread_count_; ++t) {
    const thread_state& thread = threads_[t];
    if (thread.done) continue;
    if (!text.empty()) text += "; ";
    text += thread.name;
    if (thread.what == action::wait) {
      text += " sleeps on " + describe(sleepers_[thread.location].address);
    } else {
      text += " is paused after reading";
      for (std::size_t l = 0; l < memory_.location_count(); ++l) {
        if (!thread.watched[l]) continue;
        text += " " + describe(location_addresses_[l]) + "=" + std::to_string(memory_.at(l, memory_.latest(l)).value);
      }
    }
  }
  return text;
}

bool execution::independent(const transition& a, const transition& b) const {
  const auto order_free = [](action what) {
    return what == action::signal || what == action::wait || what == action::now || what == action::advance;
  };
  if (a.thread == b.thread) {
    // A delayed store against what its thread does meanwhile.
    if (a.what == action::commit && b.what == action::commit) return a.location != b.location;
    if (a.what != action::commit && b.what != action::commit) return false;
    // A load of the same word is a forward as long as the store is delayed.
    const action other = a.what == action::commit ? b.what : a.what;
    return order_free(other) || other == action::load;
  }
  if (a.what == action::quiesce || b.what == action::quiesce) return false;
  if (a.what == action::heavy || b.what == action::heavy) {
    const transition& barrier = a.what == action::heavy ? a : b;
    const transition& other = a.what == action::heavy ? b : a;
    if (other.what == action::load) {
      return memory_.barrier_ignores_read(barrier.thread, other.thread, other.location, other.detail);
    }
    return order_free(other.what);
  }
  if (a.what == action::fence && b.what == action::fence) return false;
  const auto writes = [](action what) { return what == action::commit || what == action::exchange; };
  // A load reads what it reads whether or not a newer store is there: the newer one is another step. So loads and
  // stores commute, and only stores of one word do not.
  if (writes(a.what) && writes(b.what)) return a.location != b.location;
  const auto wakes = [&](const transition& store, const transition& pause) {
    const bool changes = writes(store.what) || store.what == action::advance;
    const std::size_t location = store.what == action::advance ? 0 : store.location;
    return pause.what == action::pause && changes && threads_[pause.thread].watched[location];
  };
  if (wakes(a, b) || wakes(b, a)) return false;
  if (a.what == action::advance || b.what == action::advance) {
    const action other = a.what == action::advance ? b.what : a.what;
    return other != action::now && other != action::advance && other != action::wait;
  }
  if (a.what == action::wait || b.what == action::wait) {
    const action other = a.what == action::wait ? b.what : a.what;
    return a.location != b.location || (other != action::signal && other != action::wait);
  }
  return true;
}

}  // namespace cooper::model
