// SPDX-License-Identifier: BSD-3-Clause
// The threads' side of an execution: every call of the environment, what it announces, and what it does when chosen.
#include <algorithm>
#include <cstdio>

#include <cooper/vocabulary/assert.hpp>

#include "execution.hpp"

namespace cooper::model {

// --- announcing ---

bool execution::active() {
  if (phase_ != phase::ending && phase_ != phase::none) return true;
  // A thread that caught the exception and went on is thrown out again; destructors under way are let pass.
  if (running_ != 0 && std::uncaught_exceptions() == 0) throw abandoned{};
  COOPER_ASSERT(++passive_calls_ < 1'000'000, "a destructor under test waits for other threads");
  return false;
}

execution::thread_state& execution::announce(action what, std::uint16_t location, const site_info* site,
                                             std::uint64_t operand) {
  thread_state& me = threads_[running_];
  me.what = what;
  me.location = location;
  me.site = site;
  me.operand = operand;
  me.stack->suspend();
  if (phase_ == phase::ending) throw abandoned{};
  return me;
}

void execution::drain(std::size_t leave) {
  if (memory_.delayed_count(running_) > leave) announce(action::drain, 0, nullptr, leave);
}

void execution::run_thread(std::size_t t) {
  const auto failed = [&](const std::string& what) {
    if (violated() || phase_ == phase::ending) return;
    kind_ = violation_kind::exception;
    message_ = threads_[t].name + " threw " + what;
    if (record_) line(t, message_);
  };
  try {
    threads_[t].run(model_environment{});
  } catch (const abandoned&) {
  } catch (const std::exception& e) {
    failed(e.what());
  } catch (...) {
    failed("something that is no std::exception");
  }
  threads_[t].done = true;
  ++progress_;
}

std::uint16_t execution::location_of(const word& w) {
  if (w.execution_ != serial_) {
    if (memory_.location_count() == words_max) violate(violation_kind::misuse, "more than 256 words in one program");
    w.execution_ = serial_;
    w.location_ = memory_.add_location();
    location_addresses_.push_back(&w);
  }
  return static_cast<std::uint16_t>(w.location_);
}

std::uint16_t execution::index_of(const sleeper& s) {
  if (s.execution_ != serial_) {
    s.execution_ = serial_;
    s.index_ = static_cast<std::uint32_t>(sleepers_.size());
    sleepers_.push_back({&s, 0});
  }
  return static_cast<std::uint16_t>(s.index_);
}

std::uint64_t execution::load(const site_info& site, const word& w) {
  if (!active()) return w.execution_ == serial_ ? memory_.at(w.location_, memory_.latest(w.location_)).value : 0;
  const std::uint16_t location = location_of(w);
  if (direct()) return memory_.read(0, location, memory_.latest(location), site.order);
  return announce(action::load, location, &site).result;
}

void execution::store(const site_info& site, word& w, std::uint64_t value) {
  if (!active()) return;
  const std::uint16_t location = location_of(w);
  memory_.issue(running_, location, value, site, order_of(site));
  if (record_) line(running_, describe_access("store", site, location) + " = " + std::to_string(value));
  if (direct()) {
    memory_.commit(0, 0);
  } else {
    drain(how_.delayed_stores);
  }
}

std::uint64_t execution::read_modify_write(const site_info& site, word& w, std::uint64_t value, bool add) {
  if (!active()) return w.execution_ == serial_ ? memory_.at(w.location_, memory_.latest(w.location_)).value : 0;
  const std::uint16_t location = location_of(w);
  if (direct()) return memory_.read_modify_write(0, location, value, add, site.order);
  threads_[running_].add = add;
  return announce(action::exchange, location, &site, value).result;
}

void execution::light_barrier() {
  if (!active() || direct()) return;
  if (mutated(mutation::omit_light_barrier)) {
    if (record_) line(running_, "light barrier left out");
  } else if (how_.barriers == barrier_mode::fence) {
    announce(action::fence, 0);
  } else {
    drain(0);
    if (record_) line(running_, "light barrier");
  }
}

void execution::heavy_barrier() {
  if (!active() || direct()) return;
  if (mutated(mutation::omit_heavy_barrier)) {
    if (record_) line(running_, "heavy barrier left out");
  } else {
    announce(how_.barriers == barrier_mode::fence ? action::fence : action::heavy, 0);
  }
}

void execution::pause() {
  if (active() && !direct()) announce(action::pause, 0);
}

void execution::payload(const void* location, bool write) {
  if (!active()) return;
  const auto found = write ? memory_.payload_write(running_, location) : memory_.payload_read(running_, location);
  if (record_) line(running_, (write ? "write payload " : "read  payload ") + describe(location));
  if (found) {
    violate(violation_kind::data_race, threads_[running_].name + (write ? " writes " : " reads ") + describe(location) +
                                           " with no happens-before after " + threads_[found->other].name + " has " +
                                           (found->other_wrote ? "written" : "read") + " it");
  }
}

instant execution::now() {
  if (!active()) return {clock_ns_};
  if (direct() || !clock_moves_) {
    memory_.read(running_, 0, memory_.latest(0), std::memory_order_relaxed);
    threads_[running_].watched.set(0);
    return {clock_ns_};
  }
  return {static_cast<std::int64_t>(announce(action::now, 0).result)};
}

void execution::advance(duration by) {
  if (!active()) return;
  if (by.count() < 0) violate(violation_kind::misuse, "the clock does not go back");
  if (direct()) return move_clock(0, clock_ns_ + by.count());
  if (!std::exchange(clock_moves_, true)) clock_began_to_move_ = true;
  announce(action::advance, 0, nullptr, static_cast<std::uint64_t>(by.count()));
}

void execution::signal(const sleeper& s) {
  if (!active()) return;
  const std::uint16_t index = index_of(s);
  if (direct()) {
    ++sleepers_[index].signals;
  } else {
    announce(action::signal, index);
  }
}

bool execution::wait(const sleeper& s, instant deadline) {
  if (!active()) return true;
  if (direct()) violate(violation_kind::misuse, "the setup and the final checks must not sleep");
  return announce(action::wait, index_of(s), nullptr, static_cast<std::uint64_t>(deadline.ns)).result != 0;
}

void execution::violate(violation_kind kind, std::string message) {
  if (!violated()) {
    kind_ = kind;
    message_ = std::move(message);
    if (record_) line(running_, "VIOLATION: " + message_);
  }
  throw abandoned{};
}

// --- performing ---

void execution::perform_operation(std::size_t t, const transition& step) {
  thread_state& me = threads_[t];
  switch (step.what) {
    case action::load:
      if (record_) {
        line(t, describe_access("load", *me.site, me.location) + " -> " +
                    std::to_string(memory_.at(me.location, step.detail).value) +
                    describe_origin(me.location, step.detail));
      }
      me.result = memory_.read(t, me.location, step.detail, order_of(*me.site));
      me.watched.set(me.location);
      break;
    case action::forward:
      me.result = memory_.own_delayed(t, me.location)->value;
      me.watched.set(me.location);
      if (record_) {
        line(t,
             describe_access("load", *me.site, me.location) + " -> " + std::to_string(me.result) + "  (its own store)");
      }
      break;
    case action::exchange:
      me.result = memory_.read_modify_write(t, me.location, me.operand, me.add, order_of(*me.site));
      me.watched.set(me.location);
      ++progress_;
      if (record_) {
        stored_value& m = memory_.at(me.location, memory_.latest(me.location));
        m.line = line(t, describe_access(me.add ? "add" : "exchange", *me.site, me.location) + " = " +
                             std::to_string(m.value) + ", was " + std::to_string(me.result));
      }
      break;
    case action::fence:
      memory_.fence(t);
      if (record_) line(t, "fence");
      break;
    case action::heavy:
      memory_.barrier_on_all(t, thread_count_);
      if (record_) line(t, "heavy barrier on all threads");
      break;
    case action::pause:
      resume_from_pause(t);
      break;
    case action::now:
      me.result = memory_.read(t, 0, memory_.latest(0), std::memory_order_relaxed);
      me.watched.set(0);
      if (record_) line(t, "now -> " + std::to_string(clock_ns_));
      break;
    case action::advance:
      move_clock(t, clock_ns_ + static_cast<std::int64_t>(me.operand));
      if (record_) line(t, "the clock moves to " + std::to_string(clock_ns_));
      break;
    case action::signal:
      ++sleepers_[me.location].signals;
      ++progress_;
      if (record_) line(t, "signal " + describe(sleepers_[me.location].address));
      break;
    case action::wait:
      me.result = std::exchange(sleepers_[me.location].signals, 0) > 0 ? 1 : 0;
      ++progress_;
      if (record_) {
        line(t, (me.result != 0 ? "woken by " : "timed out on ") + describe(sleepers_[me.location].address));
      }
      break;
    default:
      COOPER_ASSERT(false, "the program under test does not repeat itself");
  }
  resume(t);
}

void execution::resume_from_pause(std::size_t t) {
  thread_state& me = threads_[t];
  for (std::size_t l = 0; l < memory_.location_count(); ++l) {
    if (me.watched[l]) me.paused_at.raise(l, memory_.latest(l));
  }
  me.watched.reset();
  me.granted = false;
  if (record_) line(t, "pause");
}

void execution::move_clock(std::size_t t, std::int64_t to) {
  clock_ns_ = std::max(clock_ns_, to);
  memory_.put(t, 0, static_cast<std::uint64_t>(clock_ns_));
  ++progress_;
}

// --- transcript ---

std::uint32_t execution::line(std::size_t t, const std::string& text) {
  char head[64];
  ++lines_;
  const char* name = t == 0 && phase_ == phase::threads ? "-" : threads_[t].name.c_str();
  std::snprintf(head, sizeof(head), "%4u  %-12s ", lines_, name);
  transcript_ += head;
  transcript_ += text;
  transcript_ += '\n';
  return lines_;
}

std::string execution::describe(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const named_object* best = nullptr;
  for (const named_object& n : names_) {
    if (at - n.begin < n.bytes && (best == nullptr || n.bytes <= best->bytes)) best = &n;
  }
  if (best == nullptr) {
    names_.push_back({at, 1, "object " + std::to_string(names_.size())});
    return names_.back().text;
  }
  if (at == best->begin) return best->text;
  char offset[24];
  std::snprintf(offset, sizeof(offset), "+0x%zx", static_cast<std::size_t>(at - best->begin));
  return best->text + offset;
}

std::string execution::describe_access(std::string_view what, const site_info& site, std::size_t location) {
  const std::memory_order order = order_of(site);
  const char* const ordered = order == std::memory_order_relaxed   ? "relaxed"
                              : order == std::memory_order_acquire ? "acquire"
                              : order == std::memory_order_release ? "release"
                                                                   : "acq_rel";
  std::string text{what};
  text.resize(std::max<std::size_t>(text.size(), 10), ' ');
  text.append(site.name).append(" (").append(ordered);
  if (order != site.order) text += ", weakened";
  return text + ") " + describe(location_addresses_[location]);
}

std::string execution::describe_origin(std::size_t location, stamp s) {
  const stored_value& m = memory_.at(location, s);
  std::string text = "  (";
  if (m.line != 0) {
    text += "from line " + std::to_string(m.line);
  } else {
    text += s == 0 ? "the initial value" : "from the setup";
  }
  const int newer = memory_.latest(location) - s;
  if (newer > 0) text += "; " + std::to_string(newer) + " newer not seen";
  return text + ")";
}

// --- the setup ---

void execution::add_thread(std::string name, program::body run) {
  if (phase_ != phase::setup) violate(violation_kind::misuse, "threads are added by the setup");
  if (thread_count_ == threads_max) violate(violation_kind::misuse, "more than 8 threads in one program");
  threads_[thread_count_].name = std::move(name);
  threads_[thread_count_].run = std::move(run);
  threads_[thread_count_].done = true;
  ++thread_count_;
}

void execution::add_final_check(program::body run) { finals_.push_back(std::move(run)); }

void execution::name(const void* object, std::size_t bytes, std::string text) {
  names_.push_back({reinterpret_cast<std::uintptr_t>(object), std::max<std::size_t>(bytes, 1), std::move(text)});
}

}  // namespace cooper::model
