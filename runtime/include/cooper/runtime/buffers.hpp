// SPDX-License-Identifier: BSD-3-Clause
// Bulk payloads: per-core pools of equal buffers whose ownership moves with a message.
//
// A pool belongs to its core; its members are for that core's thread only, unless they say otherwise. A payload never
// moves: `send` turns a buffer into a 16-byte handle that travels in a line, and the receiving core's pool turns the
// handle back into a buffer at the same address. `lend` does the same for reading only, and the lender keeps the
// buffer. What is released away from home travels back in batches of up to 12, as one line.
//
// Every buffer has one record, a word that says in which of four sets it is: held here (free or taken at home), held
// there, in flight to a core, in flight home. Whoever the word names is the only one that may change it, so no locked
// instruction is needed; a handle from elsewhere is compared with the word and refused if it does not fit. Loans have
// records of the same kind in the lender's pool. With `checking` on, a broken promise of our own side (sent twice,
// received twice, released twice, used after being sent, written after release) is an assertion; without, it is the
// error buffer_invalid, or nothing at all happens.
//
//   I1  a buffer is in exactly one set: its word has one value. Enforced by transition().
//   I2  nobody holds a handle to a buffer of an earlier generation with success: generations grow when it gets home.
//   I3  a lent buffer is not written, sent or reused until every loan has come back: enforced by the holder's count.
//
// The counterpart in Barrelfish is the bulk transfer library (include/bulk_transfer/): pools, move and copy, assigned
// buffer ids; its ownership states are these. Buffers must not outlive the machine whose pools they came from.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <cooper/runtime/channel.hpp>
#include <cooper/runtime/footprint.hpp>
#include <cooper/vocabulary/error.hpp>
#include <cooper/vocabulary/ids.hpp>

namespace cooper {

struct core_metrics;
class buffer_pool;

#if defined(COOPER_CHECKING)
inline constexpr bool checking_build = true;
#else
inline constexpr bool checking_build = false;
#endif

// A buffer on its way, or a loan: goes into a line's payload as it is. Worth nothing to any core but the one it was
// made for.
struct buffer_handle {
  enum class mode_t : std::uint8_t { move = 1, loan = 2 };

  core_id core{};  // whose pool: the home of the buffer, or the lender of the loan
  mode_t mode{};
  std::uint8_t reserved = 0;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  std::uint32_t length = 0;
  friend bool operator==(const buffer_handle&, const buffer_handle&) = default;
};
static_assert(sizeof(buffer_handle) == 16 && line_payload<buffer_handle>);

// Up to 12 buffers or loans on their way home: the payload of one line.
struct return_line {
  static constexpr std::size_t entry_count_max = 12;

  std::uint8_t count = 0;
  std::uint8_t reserved[7] = {};
  // bit 31: a loan; bits 20-30: low bits of the generation; bits 0-19: index
  std::uint32_t entries[entry_count_max] = {};
};
static_assert(sizeof(return_line) == line_payload_bytes && line_payload<return_line>);

// Owns one buffer on one core. Moved-from, sent or released, it owns nothing and its span is empty.
class buffer {
 public:
  buffer() = default;
  buffer(buffer&& other) noexcept { swap(other); }
  buffer& operator=(buffer&& other) noexcept {
    buffer{std::move(other)}.swap(*this);
    return *this;
  }
  ~buffer();

  explicit operator bool() const noexcept { return holder_ != nullptr; }
  std::size_t size() const noexcept { return length_; }
  std::size_t capacity() const noexcept;
  // Changes size() only; the bytes stay where they are. Errors: too_large, buffer_invalid (none), buffer_lent.
  result<void> resize(std::size_t size);

  // For writing; empty while the buffer is lent.
  std::span<std::byte> span() noexcept;
  std::span<const std::byte> bytes() const noexcept;
  // Loans of it that have not come back yet.
  std::uint32_t loans() const noexcept;

  // Gives it back now. A lent buffer goes when its last loan has come back.
  void release() noexcept;
  void swap(buffer& other) noexcept;

 private:
  friend class buffer_pool;
  buffer(buffer_pool* holder, buffer_pool* home, std::uint32_t index, std::uint32_t length)
      : holder_{holder}, home_{home}, index_{index}, length_{length} {}
  void disown(bool spent) noexcept;
  void assert_not_spent(const char* message) const noexcept;

  buffer_pool* holder_ = nullptr;  // of the core that holds it: where it is released
  buffer_pool* home_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t length_ = 0;
  bool spent_ = false;  // sent or released, and its pool checks
};

// A buffer that somebody lends us, to be read until released.
class lent_buffer {
 public:
  lent_buffer() = default;
  lent_buffer(lent_buffer&& other) noexcept { swap(other); }
  lent_buffer& operator=(lent_buffer&& other) noexcept {
    lent_buffer{std::move(other)}.swap(*this);
    return *this;
  }
  ~lent_buffer();

  explicit operator bool() const noexcept { return holder_ != nullptr; }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  void release() noexcept;
  void swap(lent_buffer& other) noexcept;

 private:
  friend class buffer_pool;
  lent_buffer(buffer_pool* holder, buffer_pool* lender, std::uint32_t loan, std::span<const std::byte> bytes)
      : holder_{holder}, lender_{lender}, loan_{loan}, bytes_{bytes} {}

  buffer_pool* holder_ = nullptr;
  buffer_pool* lender_ = nullptr;
  std::uint32_t loan_ = 0;
  std::span<const std::byte> bytes_;
  bool spent_ = false;
};

// How the pools of one machine find each other. Set as cores boot; pools stay until the machine is gone.
class buffer_registry {
 public:
  explicit buffer_registry(std::size_t core_count) : pools_(core_count) {
    footprint::declare(pools_.data(), core_count * sizeof pools_[0], footprint::rule::word_by_word);
  }

  std::size_t core_count() const noexcept { return pools_.size(); }
  // Any thread. Null if that core has no pool.
  buffer_pool* find(core_id core) const noexcept;

 private:
  friend class buffer_pool;
  std::vector<std::atomic<buffer_pool*>> pools_;
};

struct buffer_pool_options {
  std::size_t bytes = 64 * 1024;  // of each buffer; rounded up to whole lines; below 4 GiB
  std::size_t count = 256;        // at most 2^20
  std::size_t loans = 1024;       // outstanding at a time, at most 2^20
  bool checking = checking_build;
};

// In which set the buffers of one pool are; they sum up to the pool's count.
struct buffer_census {
  std::size_t free = 0;       // held here, in the pool
  std::size_t held_here = 0;  // ... by somebody on the home core
  std::size_t held_there = 0;
  std::size_t in_flight = 0;  // to a core
  std::size_t in_flight_home = 0;
};

class buffer_pool {
 public:
  // Sends one line of returns to their home core; anything but ok leaves them here for the next flush.
  using return_transport = std::function<send_result(core_id home, const return_line& line)>;

  // Reserves the memory and enters the pool in the registry; pages are first touched by take(), so call that on the
  // owner core. Errors: bad_option (a size out of range, or a core that the registry has no place for),
  // out_of_memory.
  static result<std::unique_ptr<buffer_pool>> create(core_id owner, buffer_registry& registry,
                                                     buffer_pool_options options = {}, core_metrics* metrics = nullptr);
  ~buffer_pool();
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  core_id owner() const noexcept { return owner_; }
  std::size_t buffer_bytes() const noexcept { return bytes_; }
  std::size_t buffer_count() const noexcept { return records_.size(); }
  std::size_t free_count() const noexcept { return free_.size(); }
  bool checking() const noexcept { return checking_; }

  // A buffer of `size` bytes, contents arbitrary. Errors: too_large, pool_exhausted.
  result<buffer> take(std::size_t size);

  // Gives a buffer that this core holds to another. On success put the handle in a line to `to`; on failure the
  // buffer stays as it is. Errors: buffer_invalid (nothing owned, or held by another core), buffer_lent, no_such_core.
  result<buffer_handle> send(buffer&& what, core_id to);
  // Undoes send() where the line could not be sent. Errors: buffer_invalid.
  result<buffer> recall(const buffer_handle& handle);
  // What a line from `from` brought. Errors: buffer_invalid.
  result<buffer> receive(const buffer_handle& handle, core_id from);

  // Lets another core read it. Errors: as send, and pool_exhausted (too many loans).
  result<buffer_handle> lend(const buffer& what, core_id to);
  // Undoes lend() where the line could not be sent. Errors: buffer_invalid.
  result<void> recall_loan(const buffer_handle& handle);
  result<lent_buffer> receive_loan(const buffer_handle& handle, core_id from);

  // -- for the driver ----------------------------------------------------------------------------------------------

  void set_return_transport(return_transport transport) { transport_ = std::move(transport); }
  // Sends home what waits: full batches were sent when they filled, so this is for idle turns, and for when a lane
  // that was full is writable again. The number of lines sent.
  std::size_t flush_returns();
  // Releases that wait to be sent home.
  std::size_t pending_returns() const noexcept { return pending_count_; }
  // A line of returns that came from `from`. The number of entries refused because they named nothing of that core's.
  std::size_t take_back(const return_line& line, core_id from);
  // After core `gone` went down and a grace period has passed: takes back what was in flight to it and never
  // arrived. The number of buffers and loans.
  std::size_t reclaim_in_flight(core_id gone);

  // Any thread; exact while nothing moves.
  buffer_census census() const noexcept;

 private:
  friend class buffer;
  friend class lent_buffer;

  // Travels with its buffer; the other members are for whoever the word names.
  // sync(buffer.hand_over) release <-> buffer.observe: every access to a word is in transition() and look().
  struct alignas(line_bytes) record {
    std::atomic<std::uint64_t> word{0};
    std::uint32_t length = 0;
    std::uint32_t loans = 0;
    bool orphan = false;   // its owner let go of it while it was lent
    bool touched = false;  // its pages are placed
  };
  struct alignas(line_bytes) loan_record {
    std::atomic<std::uint64_t> word{0};
    buffer_pool* home = nullptr;
    std::uint32_t index = 0;
    std::uint32_t length = 0;
  };
  struct memory_deleter {
    std::size_t bytes;
    void operator()(std::byte* memory) const noexcept;
  };

  buffer_pool(core_id owner, buffer_registry& registry, const buffer_pool_options& options, core_metrics* metrics);

  std::byte* memory_of(std::uint32_t index) const noexcept { return memory_.get() + index * bytes_; }
  bool transition(std::atomic<std::uint64_t>& word, std::uint64_t expected, std::uint64_t desired,
                  const char* violation) const;
  error refuse(const char* why, const buffer_handle& handle);
  result<void> check_holds(const buffer& what, core_id to, const char* spent);
  void release(buffer_pool& home, std::uint32_t index);
  void release_loan(buffer_pool& lender, std::uint32_t loan);
  void arrived_home(std::uint32_t index);
  void loan_over(std::uint32_t loan);
  void return_later(core_id home, std::uint32_t entry);
  bool send_batch(core_id home);
  bool take_back_entry(std::uint32_t entry, core_id from);

  // Made once; other cores read it, to find a buffer of ours that they have.
  core_id owner_;
  buffer_registry& registry_;
  core_metrics* metrics_;
  std::size_t bytes_;
  bool checking_;
  std::unique_ptr<std::byte, memory_deleter> memory_;
  std::vector<record> records_;
  std::vector<loan_record> loans_;
  // The owner's alone from here on, in other lines.
  alignas(destructive_bytes) std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> free_loans_;
  return_transport transport_;
  std::vector<std::vector<std::uint32_t>> pending_;  // by home core
  std::vector<core_id> pending_homes_;               // those with something pending
  std::size_t pending_count_ = 0;
};

}  // namespace cooper
