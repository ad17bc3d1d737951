// SPDX-License-Identifier: BSD-3-Clause
// What waits for the answer to a line call: the part without types. See call.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cooper/vocabulary/error.hpp>

namespace cooper::actors {

class resident;

// Stands at a fixed place until it has its answer or is destroyed. Its core's thread only.
class call_base {
 public:
  call_base(const call_base&) = delete;
  call_base& operator=(const call_base&) = delete;

 protected:
  // What is done with an answer, in an activation of the actor that called: `value` points to the reply's bytes, valid
  // until it returns, or is null and `failed` says why.
  using answer_handler = void (*)(call_base& self, const std::byte* value, errc failed);

  call_base(resident& caller, answer_handler on_answer) : caller_{&caller}, on_answer_{on_answer} {}
  ~call_base() { give_up(); }

  bool waiting() const noexcept { return word_ != 0; }
  resident& caller() const noexcept { return *caller_; }
  // An answer that still comes is dropped.
  void give_up() noexcept;

 private:
  friend class call_table;
  friend class resident;
  friend class core_unit;

  void answer(const std::byte* value) { tell(value, errc::cancelled); }
  void fail(errc why) { tell(nullptr, why); }
  // Runs on_answer_ in an activation of the caller.
  void tell(const std::byte* value, errc failed);

  resident* caller_;
  answer_handler on_answer_;
  std::uint64_t word_ = 0;  // 0: no answer is awaited
};

}  // namespace cooper::actors
