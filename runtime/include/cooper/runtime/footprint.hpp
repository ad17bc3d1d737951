// SPDX-License-Identifier: BSD-3-Clause
// What the footprint check must be told: nothing in all builds but the one of the preset `footprint`.
//
// That build sees every access that our code makes, and fails where two cores touch one line of memory. It knows by
// itself what is allocated and freed, what is only read, and words that one core writes and others read atomically. A
// line that changes its owner in another way is told here, by the code that hands it over. CONTRIBUTING.md says how to
// read a report; tests/footprint/checker/lines.hpp has the rules.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cooper::footprint {

// What is allowed on lines that are shared by design.
enum class rule : std::uint8_t {
  control_word,  // plain members travel with an atomic word of the same line: who stores it has let go of them
  many_writers,  // atomic words that more than one core writes
  word_by_word,  // one writer a word, but words of several writers share a line
  open_to_all,   // a library's own business: the gateway's queue
};

#if defined(COOPER_FOOTPRINT)
// From now on, until the memory is freed.
void declare(const void* begin, std::size_t bytes, rule what) noexcept;
// The calling core has done with these lines: another may take them.
void let_go(const void* begin, std::size_t bytes) noexcept;
// Over the gateway: who pushes has let go of all that it touched before, to whoever pops this item.
void pushed(const void* item) noexcept;
void popped(const void* item) noexcept;
// The calling thread is that core, until it leaves.
void enter_core(std::size_t core) noexcept;
void leave_core() noexcept;
#else
inline void declare(const void*, std::size_t, rule) noexcept {}
inline void let_go(const void*, std::size_t) noexcept {}
inline void pushed(const void*) noexcept {}
inline void popped(const void*) noexcept {}
inline void enter_core(std::size_t) noexcept {}
inline void leave_core() noexcept {}
#endif

}  // namespace cooper::footprint
