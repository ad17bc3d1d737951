// SPDX-License-Identifier: BSD-3-Clause
#include "call_table.hpp"

#include <algorithm>
#include <functional>

namespace cooper::actors {

std::uint64_t call_table::begin(call_base& call, core_id to) {
  if (under_way_[to.value] >= window_max) return 0;
  std::uint32_t index = 0;
  if (free_.empty()) {
    if (slots_.size() >= size_max) return 0;
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  slot& s = slots_[index];
  s.call = &call;
  s.to = to;
  ++under_way_[to.value];
  ++in_use_;
  call.word_ = index | s.life << 20;
  return call.word_;
}

bool call_table::waits(std::uint64_t word) const {
  const std::uint32_t index = index_of(word);
  return index < slots_.size() && slots_[index].call != nullptr && slots_[index].life == life_of(word);
}

void call_table::release(std::uint32_t index) {
  slot& s = slots_[index];
  s.call = nullptr;
  ++s.life;
  --under_way_[s.to.value];
  --in_use_;
  free_.push_back(index);
}

void call_table::forget(call_base& call) {
  if (call.word_ == 0) return;
  if (waits(call.word_)) release(index_of(call.word_));
  call.word_ = 0;
}

call_base* call_table::take(std::uint64_t word) {
  if (!waits(word)) return nullptr;
  const std::uint32_t index = index_of(word);
  call_base* call = slots_[index].call;
  call->word_ = 0;
  release(index);
  return call;
}

void call_table::set_deadline(call_base& call, instant when) {
  if (deadlines_.size() > 64 && deadlines_.size() > 2 * in_use_) {
    std::erase_if(deadlines_, [&](const deadline& d) { return !waits(d.word); });
    std::make_heap(deadlines_.begin(), deadlines_.end(), std::greater{});
  }
  deadlines_.push_back({when, call.word_});
  std::push_heap(deadlines_.begin(), deadlines_.end(), std::greater{});
  arm();
}

void call_table::arm() {
  if (!deadlines_.empty()) timer_.arm(deadlines_.front().when, [this] { expire(); });
}

void call_table::expire() {
  const instant now = here_->now();
  while (!deadlines_.empty() && deadlines_.front().when <= now) {
    const std::uint64_t word = deadlines_.front().word;
    std::pop_heap(deadlines_.begin(), deadlines_.end(), std::greater{});
    deadlines_.pop_back();
    if (call_base* call = take(word)) call->fail(errc::deadline_passed);
  }
  // Entries of calls that were answered need no timer.
  while (!deadlines_.empty() && !waits(deadlines_.front().word)) {
    std::pop_heap(deadlines_.begin(), deadlines_.end(), std::greater{});
    deadlines_.pop_back();
  }
  arm();
}

void call_table::detach() {
  deadlines_.clear();
  timer_.cancel();
}

void call_table::fail_all(errc why, core_id to) {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].call == nullptr || slots_[i].to != to) continue;
    call_base* call = slots_[i].call;
    call->word_ = 0;
    release(i);
    call->fail(why);
  }
}

void call_table::fail_all(errc why) {
  for (std::size_t to = 0; to < under_way_.size(); ++to) fail_all(why, core_number(to));
}

}  // namespace cooper::actors
