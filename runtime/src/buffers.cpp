// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/runtime/buffers.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cooper/runtime/footprint.hpp>
#include <cooper/runtime/metrics.hpp>
#include <cooper/vocabulary/assert.hpp>

namespace cooper {
namespace {

// The record's word: generation in the upper half, then state, then two cores of 12 bits each.
enum class state : std::uint8_t {
  free,            // in its pool; for a loan: not in use
  held,            // by core `to`
  in_flight,       // from core `from` to core `to`
  in_flight_home,  // released by core `from`
};

constexpr std::uint64_t pack(std::uint32_t generation, state s, core_id from, core_id to) {
  static_assert(core_count_max <= 1u << 12);
  return std::uint64_t{generation} << 32 | static_cast<std::uint64_t>(s) << 24 | std::uint64_t{from.value} << 12 |
         std::uint64_t{to.value};
}
constexpr std::uint32_t generation_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
constexpr state state_of(std::uint64_t word) { return static_cast<state>(word >> 24 & 0xff); }
constexpr core_id from_of(std::uint64_t word) { return {static_cast<std::uint16_t>(word >> 12 & 0xfff)}; }
constexpr core_id to_of(std::uint64_t word) { return {static_cast<std::uint16_t>(word & 0xfff)}; }
constexpr std::uint64_t held_by(core_id core, std::uint32_t generation) {
  return pack(generation, state::held, core, core);
}

constexpr std::uint32_t index_bits = 20;
constexpr std::uint32_t loan_bit = 1u << 31;
constexpr std::uint32_t index_mask = (1u << index_bits) - 1;
constexpr std::uint32_t generation_mask = 0x7ff;

constexpr std::uint32_t return_entry(std::uint32_t index, std::uint32_t generation, bool loan) {
  return (loan ? loan_bit : 0) | (generation & generation_mask) << index_bits | index;
}

constexpr std::byte free_pattern{0xdb};

std::uint64_t look(const std::atomic<std::uint64_t>& word) {
  // sync(buffer.observe) acquire <-> buffer.hand_over: the payload and the record's plain members come with the word.
  return word.load(std::memory_order_acquire);
}

void count(counter core_metrics::*which, core_metrics* metrics) {
  if (metrics != nullptr) (metrics->*which).add();
}

}  // namespace

// -- registry and making ---------------------------------------------------------------------------------------------

buffer_pool* buffer_registry::find(core_id core) const noexcept {
  if (core.value >= pools_.size()) return nullptr;
  // sync(buffer.pool_find) acquire <-> buffer.pool_enter: the pool is built before it is found.
  return pools_[core.value].load(std::memory_order_acquire);
}

void buffer_pool::memory_deleter::operator()(std::byte* memory) const noexcept { ::munmap(memory, bytes); }

buffer_pool::buffer_pool(core_id owner, buffer_registry& registry, const buffer_pool_options& options,
                         core_metrics* metrics)
    : owner_{owner},
      registry_{registry},
      metrics_{metrics},
      bytes_{(options.bytes + line_bytes - 1) / line_bytes * line_bytes},
      checking_{options.checking},
      memory_{nullptr, memory_deleter{bytes_ * options.count}},
      records_(options.count),
      loans_(options.loans),
      pending_(registry.core_count()) {
  void* memory = ::mmap(nullptr, memory_.get_deleter().bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc{};
  memory_.reset(static_cast<std::byte*>(memory));
  footprint::declare(records_.data(), records_.size() * sizeof(record), footprint::rule::control_word);
  footprint::declare(loans_.data(), loans_.size() * sizeof(loan_record), footprint::rule::control_word);
  for (loan_record& l : loans_) footprint::declare(&l.word, sizeof l.word, footprint::rule::many_writers);
  for (record& r : records_) {
    footprint::declare(&r.word, sizeof r.word, footprint::rule::many_writers);
    // sync(buffer.first) relaxed: nobody can find the pool yet.
    r.word.store(pack(0, state::free, owner_, owner_), std::memory_order_relaxed);
  }
  free_.reserve(options.count);
  for (std::size_t i = options.count; i-- > 0;) free_.push_back(static_cast<std::uint32_t>(i));
  free_loans_.reserve(options.loans);
  for (std::size_t i = options.loans; i-- > 0;) free_loans_.push_back(static_cast<std::uint32_t>(i));
}

result<std::unique_ptr<buffer_pool>> buffer_pool::create(core_id owner, buffer_registry& registry,
                                                         buffer_pool_options options, core_metrics* metrics) {
  constexpr std::size_t bytes_max = 0xffffffff - line_bytes;
  if (options.bytes == 0 || options.bytes > bytes_max || options.count == 0 || options.count > index_mask + 1 ||
      options.loans > index_mask + 1) {
    return error{errc::bad_option,
                 fmt::format("a pool of {} buffers of {} bytes with {} loans: at most {} of 1 to {} "
                             "bytes, and {} loans",
                             options.count, options.bytes, options.loans, index_mask + 1, bytes_max, index_mask + 1)};
  }
  if (owner.value >= registry.core_count() || registry.find(owner) != nullptr) {
    return error{errc::bad_option, fmt::format("core {} has a pool already, or is none of the machine's {} cores",
                                               owner.value, registry.core_count())};
  }
  try {
    std::unique_ptr<buffer_pool> pool{new buffer_pool{owner, registry, options, metrics}};
    footprint::let_go(pool.get(), sizeof *pool);
    footprint::let_go(pool->records_.data(), pool->records_.size() * sizeof(record));
    footprint::let_go(pool->loans_.data(), pool->loans_.size() * sizeof(loan_record));
    // sync(buffer.pool_enter) release <-> buffer.pool_find: the pool is built before it is found.
    registry.pools_[owner.value].store(pool.get(), std::memory_order_release);
    return pool;
  } catch (const std::bad_alloc&) {
    return error{errc::out_of_memory, fmt::format("{} buffers of {} bytes", options.count, options.bytes)};
  }
}

buffer_pool::~buffer_pool() {
  // sync(buffer.pool_enter) release: see create; nobody looks for a pool any more while the machine goes.
  registry_.pools_[owner_.value].store(nullptr, std::memory_order_release);
}

// -- the record ------------------------------------------------------------------------------------------------------

// The only place that changes a record. True if the word was as expected and is now as desired.
bool buffer_pool::transition(std::atomic<std::uint64_t>& word, std::uint64_t expected, std::uint64_t desired,
                             const char* violation) const {
  if (!checking_) {
    if (look(word) != expected) return false;
    // sync(buffer.hand_over) release <-> buffer.observe: the payload and the plain members are written before.
    word.store(desired, std::memory_order_release);
    return true;
  }
  // sync(buffer.checked) acq_rel <-> buffer.checked: as the plain load and store, and two who both believe to be the
  // owner cannot both succeed.
  if (word.compare_exchange_strong(expected, desired, std::memory_order_acq_rel)) return true;
  COOPER_ASSERT(false, violation);
}

error buffer_pool::refuse(const char* why, const buffer_handle& handle) {
  count(&core_metrics::buffers_refused, metrics_);
  return error{errc::buffer_invalid, fmt::format("{}: core {} index {} generation {} length {}", why, handle.core.value,
                                                 handle.index, handle.generation, handle.length)};
}

// -- taking and giving back at home ----------------------------------------------------------------------------------

result<buffer> buffer_pool::take(std::size_t size) {
  if (size > bytes_) return error{errc::too_large, fmt::format("{} bytes; a buffer has {}", size, bytes_)};
  if (free_.empty()) {
    return error{errc::pool_exhausted,
                 fmt::format("all {} buffers of core {} are in use", records_.size(), owner_.value)};
  }
  const std::uint32_t index = free_.back();
  record& r = records_[index];
  const std::uint32_t generation = generation_of(look(r.word));
  if (!transition(r.word, pack(generation, state::free, owner_, owner_), held_by(owner_, generation),
                  "a free buffer is in use by somebody")) {
    return error{errc::buffer_invalid, fmt::format("free buffer {} of core {} is in use", index, owner_.value)};
  }
  free_.pop_back();
  std::byte* const memory = memory_of(index);
  if (!r.touched) {
    // The first write places a page on this core's node, whoever is given the buffer later.
    static const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (std::size_t at = 0; at < bytes_; at += page_bytes) memory[at] = std::byte{0};
    r.touched = true;
  } else if (checking_) {
    COOPER_ASSERT(std::all_of(memory, memory + bytes_, [](std::byte b) { return b == free_pattern; }),
                  "a buffer was written after it was released");
  }
  r.length = static_cast<std::uint32_t>(size);
  count(&core_metrics::buffers_taken, metrics_);
  return buffer{this, this, index, r.length};
}

// The holder lets go of a buffer. Its last loan finishes this later if there are any.
void buffer_pool::release(buffer_pool& home, std::uint32_t index) {
  record& r = home.records_[index];
  if (r.loans != 0) {
    r.orphan = true;
    return;
  }
  r.orphan = false;
  footprint::let_go(home.memory_of(index), home.bytes_);
  const std::uint32_t generation = generation_of(look(r.word));
  if (!transition(r.word, held_by(owner_, generation), pack(generation, state::in_flight_home, owner_, home.owner_),
                  "a buffer is released by a core that does not hold it")) {
    count(&core_metrics::buffers_refused, metrics_);
  } else if (&home == this) {
    arrived_home(index);
  } else {
    return_later(home.owner_, return_entry(index, generation, false));
  }
}

void buffer_pool::arrived_home(std::uint32_t index) {
  record& r = records_[index];
  const std::uint64_t word = look(r.word);
  if (checking_) std::fill_n(memory_of(index), bytes_, free_pattern);
  if (!transition(r.word, word, pack(generation_of(word) + 1, state::free, owner_, owner_),
                  "a buffer that came home is in use by somebody")) {
    return;
  }
  free_.push_back(index);
  count(&core_metrics::buffers_returned, metrics_);
}

// -- moving ----------------------------------------------------------------------------------------------------------

result<void> buffer_pool::check_holds(const buffer& what, core_id to, const char* spent) {
  if (what.holder_ == nullptr) {
    what.assert_not_spent(spent);
    return error{errc::buffer_invalid, "there is no buffer: it was sent, released or never taken"};
  }
  if (what.holder_ != this) {
    return error{errc::buffer_invalid,
                 fmt::format("core {} holds that buffer, not core {}", what.holder_->owner_.value, owner_.value)};
  }
  if (registry_.find(to) == nullptr) return error{errc::no_such_core, fmt::format("core {}", to.value)};
  return {};
}

result<buffer_handle> buffer_pool::send(buffer&& what, core_id to) {
  if (result<void> held = check_holds(what, to, "a buffer is sent twice"); !held) return held.error();
  record& r = what.home_->records_[what.index_];
  if (r.loans != 0) {
    return error{errc::buffer_lent, fmt::format("{} loans of buffer {} of core {} are out", r.loans, what.index_,
                                                what.home_->owner_.value)};
  }
  const std::uint32_t generation = generation_of(look(r.word));
  const buffer_handle handle{.core = what.home_->owner_,
                             .mode = buffer_handle::mode_t::move,
                             .index = what.index_,
                             .generation = generation,
                             .length = what.length_};
  r.length = what.length_;
  footprint::let_go(what.home_->memory_of(what.index_), what.home_->bytes_);
  if (!transition(r.word, held_by(owner_, generation), pack(generation, state::in_flight, owner_, to),
                  "a buffer is sent by a core that does not hold it")) {
    return refuse("sent by a core that does not hold it", handle);
  }
  what.disown(true);
  return handle;
}

result<buffer> buffer_pool::recall(const buffer_handle& handle) {
  buffer_pool* const home = registry_.find(handle.core);
  if (home == nullptr || handle.mode != buffer_handle::mode_t::move || handle.index >= home->records_.size()) {
    return refuse("no handle of ours", handle);
  }
  record& r = home->records_[handle.index];
  const std::uint64_t word = look(r.word);
  if (generation_of(word) != handle.generation || state_of(word) != state::in_flight || from_of(word) != owner_) {
    return refuse("not sent by this core, or arrived", handle);
  }
  if (!transition(r.word, word, held_by(owner_, handle.generation), "a buffer is recalled after it was received")) {
    return refuse("received meanwhile", handle);
  }
  return buffer{this, home, handle.index, r.length};
}

result<buffer> buffer_pool::receive(const buffer_handle& handle, core_id from) {
  buffer_pool* const home = registry_.find(handle.core);
  if (home == nullptr || handle.mode != buffer_handle::mode_t::move || handle.index >= home->records_.size()) {
    return refuse("a foreign handle", handle);
  }
  record& r = home->records_[handle.index];
  const std::uint64_t word = look(r.word);
  if (generation_of(word) != handle.generation || from.value >= registry_.core_count()) {
    return refuse("a stale handle", handle);
  }
  const std::uint64_t expected = pack(handle.generation, state::in_flight, from, owner_);
  // The plain length is ours to read only if the word says so.
  if (word == expected && r.length != handle.length) return refuse("a handle with another length", handle);
  if (!transition(r.word, expected, held_by(owner_, handle.generation),
                  "a buffer is received twice, or by a core that it was not sent to")) {
    return refuse("not in flight to this core", handle);
  }
  return buffer{this, home, handle.index, r.length};
}

// -- lending ---------------------------------------------------------------------------------------------------------

result<buffer_handle> buffer_pool::lend(const buffer& what, core_id to) {
  if (result<void> held = check_holds(what, to, "a buffer is lent after it was sent"); !held) return held.error();
  if (free_loans_.empty()) {
    return error{errc::pool_exhausted, fmt::format("all {} loans of core {} are out", loans_.size(), owner_.value)};
  }
  const std::uint32_t index = free_loans_.back();
  loan_record& loan = loans_[index];
  const std::uint32_t generation = generation_of(look(loan.word));
  loan.home = what.home_;
  loan.index = what.index_;
  loan.length = what.length_;
  footprint::let_go(what.home_->memory_of(what.index_), what.home_->bytes_);
  if (!transition(loan.word, pack(generation, state::free, core_id{}, core_id{}),
                  pack(generation, state::in_flight, owner_, to), "a free loan is in use by somebody")) {
    return error{errc::buffer_invalid, fmt::format("free loan {} of core {} is in use", index, owner_.value)};
  }
  free_loans_.pop_back();
  ++what.home_->records_[what.index_].loans;
  count(&core_metrics::buffers_lent, metrics_);
  return buffer_handle{.core = owner_,
                       .mode = buffer_handle::mode_t::loan,
                       .index = index,
                       .generation = generation,
                       .length = loan.length};
}

result<void> buffer_pool::recall_loan(const buffer_handle& handle) {
  if (handle.core != owner_ || handle.mode != buffer_handle::mode_t::loan || handle.index >= loans_.size()) {
    return refuse("no loan of ours", handle);
  }
  loan_record& loan = loans_[handle.index];
  const std::uint64_t word = look(loan.word);
  if (generation_of(word) != handle.generation || state_of(word) != state::in_flight) {
    return refuse("not lent by this core, or arrived", handle);
  }
  if (!transition(loan.word, word, pack(handle.generation, state::in_flight_home, owner_, owner_),
                  "a loan is recalled after it was received")) {
    return refuse("received meanwhile", handle);
  }
  loan_over(handle.index);
  return {};
}

result<lent_buffer> buffer_pool::receive_loan(const buffer_handle& handle, core_id from) {
  buffer_pool* const lender = registry_.find(handle.core);
  if (lender == nullptr || handle.core != from || handle.mode != buffer_handle::mode_t::loan ||
      handle.index >= lender->loans_.size()) {
    return refuse("a foreign loan", handle);
  }
  loan_record& loan = lender->loans_[handle.index];
  const std::uint64_t word = look(loan.word);
  if (generation_of(word) != handle.generation) return refuse("a stale loan", handle);
  const std::uint64_t expected = pack(handle.generation, state::in_flight, from, owner_);
  if (word == expected && loan.length != handle.length) return refuse("a loan with another length", handle);
  if (!transition(loan.word, expected, held_by(owner_, handle.generation),
                  "a loan is received twice, or by a core that it was not made for")) {
    return refuse("not lent to this core", handle);
  }
  return lent_buffer{this, lender, handle.index, {loan.home->memory_of(loan.index), loan.length}};
}

// The borrower lets go.
void buffer_pool::release_loan(buffer_pool& lender, std::uint32_t index) {
  loan_record& loan = lender.loans_[index];
  footprint::let_go(loan.home->memory_of(loan.index), loan.home->bytes_);
  const std::uint32_t generation = generation_of(look(loan.word));
  if (!transition(loan.word, held_by(owner_, generation),
                  pack(generation, state::in_flight_home, owner_, lender.owner_),
                  "a loan is released by a core that does not hold it")) {
    count(&core_metrics::buffers_refused, metrics_);
  } else if (&lender == this) {
    loan_over(index);
  } else {
    return_later(lender.owner_, return_entry(index, generation, true));
  }
}

// The lender has the loan back; the last one of an orphan lets the buffer go.
void buffer_pool::loan_over(std::uint32_t index) {
  loan_record& loan = loans_[index];
  buffer_pool& home = *loan.home;
  const std::uint32_t lent = loan.index;
  const std::uint64_t word = look(loan.word);
  if (!transition(loan.word, word, pack(generation_of(word) + 1, state::free, core_id{}, core_id{}),
                  "a loan that came back is in use by somebody")) {
    return;
  }
  free_loans_.push_back(index);
  record& r = home.records_[lent];
  if (--r.loans == 0 && r.orphan) release(home, lent);
}

// -- the way home ----------------------------------------------------------------------------------------------------

void buffer_pool::return_later(core_id home, std::uint32_t entry) {
  std::vector<std::uint32_t>& waiting = pending_[home.value];
  if (waiting.empty()) pending_homes_.push_back(home);
  waiting.push_back(entry);
  ++pending_count_;
  if (waiting.size() >= return_line::entry_count_max && send_batch(home) && waiting.empty()) {
    std::erase(pending_homes_, home);
  }
}

// Sends up to 12 of what waits for one core. True if they are on their way.
bool buffer_pool::send_batch(core_id home) {
  if (!transport_) return false;
  std::vector<std::uint32_t>& waiting = pending_[home.value];
  return_line line;
  line.count = static_cast<std::uint8_t>(std::min(waiting.size(), return_line::entry_count_max));
  std::copy_n(waiting.begin(), line.count, line.entries);
  if (transport_(home, line) != send_result::ok) return false;
  waiting.erase(waiting.begin(), waiting.begin() + line.count);
  pending_count_ -= line.count;
  return true;
}

std::size_t buffer_pool::flush_returns() {
  std::size_t sent = 0;
  std::erase_if(pending_homes_, [&](core_id home) {
    while (!pending_[home.value].empty() && send_batch(home)) ++sent;
    return pending_[home.value].empty();
  });
  return sent;
}

std::size_t buffer_pool::take_back(const return_line& line, core_id from) {
  std::size_t refused = 0;
  const std::size_t count_given = std::min<std::size_t>(line.count, return_line::entry_count_max);
  refused += line.count - count_given;
  for (std::size_t i = 0; i < count_given; ++i) {
    if (!take_back_entry(line.entries[i], from)) ++refused;
  }
  if (metrics_ != nullptr && refused != 0) metrics_->buffers_refused.add(refused);
  return refused;
}

bool buffer_pool::take_back_entry(std::uint32_t entry, core_id from) {
  const std::uint32_t index = entry & index_mask;
  const bool loan = (entry & loan_bit) != 0;
  if (index >= (loan ? loans_.size() : records_.size())) return false;
  const std::uint64_t word = look(loan ? loans_[index].word : records_[index].word);
  if ((generation_of(word) & generation_mask) != (entry >> index_bits & generation_mask)) return false;
  if (word != pack(generation_of(word), state::in_flight_home, from, owner_)) {
    if (checking_) COOPER_ASSERT(false, "a buffer comes home that nobody released");
    return false;
  }
  if (loan) {
    loan_over(index);
  } else {
    arrived_home(index);
  }
  return true;
}

std::size_t buffer_pool::reclaim_in_flight(core_id gone) {
  std::size_t reclaimed = 0;
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    const std::uint64_t word = look(records_[i].word);
    if (state_of(word) != state::in_flight || to_of(word) != gone) continue;
    arrived_home(i);
    ++reclaimed;
  }
  for (std::uint32_t i = 0; i < loans_.size(); ++i) {
    const std::uint64_t word = look(loans_[i].word);
    if (state_of(word) != state::in_flight || to_of(word) != gone) continue;
    loan_over(i);
    ++reclaimed;
  }
  return reclaimed;
}

buffer_census buffer_pool::census() const noexcept {
  buffer_census all;
  for (const record& r : records_) {
    const std::uint64_t word = look(r.word);
    switch (state_of(word)) {
      case state::free:
        ++all.free;
        break;
      case state::held:
        ++(to_of(word) == owner_ ? all.held_here : all.held_there);
        break;
      case state::in_flight:
        ++all.in_flight;
        break;
      case state::in_flight_home:
        ++all.in_flight_home;
        break;
    }
  }
  return all;
}

}  // namespace cooper
