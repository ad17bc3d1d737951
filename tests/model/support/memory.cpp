// SPDX-License-Identifier: BSD-3-Clause
#include "memory.hpp"

#include <numeric>

#include <cooper/vocabulary/assert.hpp>

namespace cooper::model {

void memory::reset() {
  location_count_ = 0;
  total_.clear();
  ++execution_;
  if (payloads_.size() > 4096) payloads_.clear();
  for (thread_state& t : threads_) {
    t.current.clear();
    t.acquirable.clear();
    t.fenced.clear();
    t.delayed_count = 0;
    t.issued = 0;
    std::iota(t.order.begin(), t.order.end(), std::uint8_t{0});
  }
  threads_[0].current.happened[0] = 1;
}

std::uint16_t memory::add_location() {
  COOPER_ASSERT(location_count_ < words_max, "the model has room for 256 words");
  if (location_count_ == locations_.size()) locations_.emplace_back();
  locations_[location_count_].length = 0;
  const auto index = static_cast<std::uint16_t>(location_count_++);
  stored_value& initial = append(index);
  initial.released.clear();
  initial.value = 0;
  return index;
}

stored_value& memory::append(std::size_t location) {
  location_state& l = locations_[location];
  if (l.length == l.history.size()) l.history.emplace_back();
  stored_value& m = l.history[l.length++];
  m.writer = 0;
  m.line = 0;
  return m;
}

void memory::fork(std::size_t t) {
  threads_[t].current = threads_[0].current;
  threads_[t].fenced = threads_[0].current;
  threads_[t].current.happened[t] = 1;
  ++threads_[0].current.happened[0];
}

void memory::join(std::size_t t) { threads_[0].current.join(threads_[t].current); }

const delayed_store* memory::own_delayed(std::size_t t, std::size_t location) const {
  for (std::size_t i = delayed_count(t); i-- > 0;) {
    if (delayed(t, i).location == location) return &delayed(t, i);
  }
  return nullptr;
}

std::uint64_t memory::read(std::size_t t, std::size_t location, stamp s, std::memory_order order) {
  thread_state& me = threads_[t];
  const stored_value& m = at(location, s);
  me.current.seen.raise(location, s);
  if (acquires(order)) {
    me.current.join(m.released);
  } else {
    me.acquirable.join(m.released);
  }
  return m.value;
}

bool memory::may_commit(std::size_t t, std::size_t i) const {
  const delayed_store& store = delayed(t, i);
  if (store.release) return i == 0;
  for (std::size_t k = 0; k < i; ++k) {
    if (delayed(t, k).location == store.location) return false;
  }
  return true;
}

void memory::issue(std::size_t t, std::size_t location, std::uint64_t value, const site_info& site,
                   std::memory_order order) {
  thread_state& me = threads_[t];
  COOPER_ASSERT(me.delayed_count < delayed_stores_max, "a full list of delayed stores is drained first");
  delayed_store& store = me.delayed[me.order[me.delayed_count++]];
  store.location = static_cast<std::uint16_t>(location);
  store.serial = me.issued++;
  store.value = value;
  store.site = &site;
  store.release = releases(order);
  store.released = store.release ? me.current : me.fenced;
  ++me.current.happened[t];
}

stamp memory::commit(std::size_t t, std::size_t i) {
  thread_state& me = threads_[t];
  const std::uint8_t slot = me.order[i];
  delayed_store& store = me.delayed[slot];
  stored_value& m = append(store.location);
  const stamp s = latest(store.location);
  m.value = store.value;
  m.writer = static_cast<std::uint8_t>(t);
  m.released = store.released;
  m.released.seen.raise(store.location, s);
  me.current.seen.raise(store.location, s);
  // Later release stores were issued after this one, so whoever acquires them must see it.
  for (std::size_t k = i + 1; k < me.delayed_count; ++k) {
    delayed_store& later = me.delayed[me.order[k]];
    if (later.release) later.released.seen.raise(store.location, s);
    me.order[k - 1] = me.order[k];
  }
  me.order[--me.delayed_count] = slot;
  return s;
}

std::uint64_t memory::read_modify_write(std::size_t t, std::size_t location, std::uint64_t value, bool add,
                                        std::memory_order order) {
  thread_state& me = threads_[t];
  COOPER_ASSERT(me.delayed_count == 0, "a read-modify-write comes after the commits of its thread");
  const stamp before = latest(location);
  const std::uint64_t old = read(t, location, before, order);
  stored_value& m = append(location);
  const stamp s = latest(location);
  m.value = add ? old + value : value;
  m.writer = static_cast<std::uint8_t>(t);
  m.released = releases(order) ? me.current : me.fenced;
  // It continues the release sequence of what it read.
  m.released.join(at(location, before).released);
  m.released.seen.raise(location, s);
  me.current.seen.raise(location, s);
  ++me.current.happened[t];
  return old;
}

void memory::put(std::size_t t, std::size_t location, std::uint64_t value) {
  stored_value& m = append(location);
  m.value = value;
  m.writer = static_cast<std::uint8_t>(t);
  m.released.clear();
  threads_[t].current.seen.raise(location, latest(location));
}

void memory::fence(std::size_t t) {
  thread_state& me = threads_[t];
  COOPER_ASSERT(me.delayed_count == 0, "a fence comes after the commits of its thread");
  me.current.join(me.acquirable);
  me.current.seen.join(total_);
  total_.join(me.current.seen);
  me.fenced = me.current;
  ++me.current.happened[t];
}

void memory::barrier_on_all(std::size_t t, std::size_t thread_count) {
  // The caller's own full barrier, then one on every other thread in no particular order among them, then the
  // caller's again: each other thread learns what the caller knew, the caller learns what all of them knew.
  const auto merge = [this](thread_state& thread, const view& others) {
    thread.current.seen.join(thread.acquirable.seen);
    thread.current.seen.join(others);
    total_.join(thread.current.seen);
    thread.fenced.seen.join(thread.current.seen);
  };
  merge(threads_[t], total_);
  const view announced = total_;
  for (std::size_t k = 1; k < thread_count; ++k) {
    if (k != t) merge(threads_[k], announced);
  }
  merge(threads_[t], total_);
}

bool memory::barrier_ignores_read(std::size_t t, std::size_t reader, std::size_t location, stamp s) const {
  const view& known = threads_[reader].current.seen;
  const thread_state& caller = threads_[t];
  return known.at(location) == s && known.includes(at(location, s).released.seen) &&
         caller.current.seen.at(location) <= s && caller.acquirable.seen.at(location) <= s &&
         total_.at(location) <= s && threads_[reader].acquirable.seen.at(location) <= s;
}

void memory::see_all(std::size_t t) {
  for (std::size_t l = 0; l < location_count_; ++l) threads_[t].current.seen.raise(l, latest(l));
}

memory::payload_state& memory::payload(const void* location) {
  payload_state& p = payloads_[location];
  if (p.execution != execution_) {
    p = {};
    p.execution = execution_;
  }
  return p;
}

std::optional<race> memory::payload_write(std::size_t t, const void* location) {
  payload_state& p = payload(location);
  const vector_clock& known = threads_[t].current.happened;
  std::optional<race> found;
  if (p.written > known[p.writer]) found = race{p.writer, true};
  for (std::size_t k = 0; k < threads_max; ++k) {
    if (k != t && p.read[k] > known[k]) found = race{static_cast<std::uint8_t>(k), false};
  }
  p.writer = static_cast<std::uint8_t>(t);
  p.written = known[t];
  return found;
}

std::optional<race> memory::payload_read(std::size_t t, const void* location) {
  payload_state& p = payload(location);
  const vector_clock& known = threads_[t].current.happened;
  p.read[t] = known[t];
  if (p.written > known[p.writer]) return race{p.writer, true};
  return std::nullopt;
}

}  // namespace cooper::model
