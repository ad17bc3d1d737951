// SPDX-License-Identifier: BSD-3-Clause
// The functions that code compiled with -fsanitize=thread calls, and the heap, in place of ThreadSanitizer's runtime:
// each does the access where that is its task, and enters it in the table of lines.
//
// The compiler's contract (libsanitizer/tsan/tsan_interface.h): a call before each plain access; in place of each
// atomic operation; at each function's begin and end. Its runtime would also catch memcpy and its like; here the linker
// sends our code's calls to __wrap_memcpy, and the heap gives whole lines, so that neighbours there are no finding.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "lines.hpp"
#include "report.hpp"

using namespace cooper::footprint;

namespace {

constexpr std::size_t line_size = 64;
constexpr unsigned depth_max = 256;

struct thread_state {
  unsigned core = no_core;
  unsigned once = 0;    // inside the making of a static variable: as if it had been there at boot
  unsigned inside = 0;  // in the checker itself
  unsigned depth = 0;
  std::uintptr_t callers[depth_max]{};
};
constinit thread_local thread_state self;

lines& all() {
  // Constructors of other sources come by before ours, and destructors after it.
  alignas(lines) static unsigned char memory[sizeof(lines)];
  static lines* const made = ::new (memory) lines{std::size_t{1} << 19};
  return *made;
}

unsigned judged_as() { return self.once != 0 ? no_core : self.core; }

#define HERE reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))

void see(const volatile void* address, std::size_t bytes, access how, std::uintptr_t at, bool release = false) {
  thread_state& me = self;
  if (me.inside != 0) return;
  ++me.inside;
  const std::uintptr_t called_from = me.depth != 0 && me.depth <= depth_max ? me.callers[me.depth - 1] : 0;
  all().touched(judged_as(), reinterpret_cast<std::uintptr_t>(address), bytes, how, {at, called_from}, release);
  --me.inside;
}

void forget(const void* memory, std::size_t bytes) {
  thread_state& me = self;
  if (me.inside != 0) return;
  ++me.inside;
  all().fresh(reinterpret_cast<std::uintptr_t>(memory), bytes);
  --me.inside;
}

bool releases(int order) { return order >= __ATOMIC_RELEASE; }

// Each block is preceded by a line with its size: malloc_usable_size would say more than was asked for.
void* take(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t before = alignment > line_size ? alignment : line_size;
  const std::size_t whole = (bytes + line_size - 1) / line_size * line_size;
  void* memory = nullptr;
  if (whole < bytes || ::posix_memalign(&memory, before, before + whole) != 0) return nullptr;
  char* const block = static_cast<char*>(memory) + before;
  reinterpret_cast<std::size_t*>(block)[-1] = whole;
  reinterpret_cast<std::size_t*>(block)[-2] = before;
  forget(block, whole);
  return block;
}

void give(void* block) noexcept {
  if (block == nullptr) return;
  const std::size_t* const sizes = static_cast<std::size_t*>(block);
  forget(block, sizes[-1]);
  std::free(static_cast<char*>(block) - sizes[-2]);
}

void* take_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const block = take(bytes, alignment);
  if (block == nullptr) throw std::bad_alloc{};
  return block;
}

}  // namespace

// -- what our code tells ---------------------------------------------------------------------------------------------

namespace cooper::footprint {

void declare(const void* begin, std::size_t bytes, rule what) noexcept {
  const ignored by_myself;
  all().declare(reinterpret_cast<std::uintptr_t>(begin), bytes, what);
}
void let_go(const void* begin, std::size_t bytes) noexcept {
  const ignored by_myself;
  all().let_go(judged_as(), reinterpret_cast<std::uintptr_t>(begin), bytes);
}
void pushed(const void* item) noexcept {
  const ignored by_myself;
  all().push(judged_as(), reinterpret_cast<std::uintptr_t>(item));
}
void popped(const void* item) noexcept {
  const ignored by_myself;
  all().pop(judged_as(), reinterpret_cast<std::uintptr_t>(item));
}

void enter_core(std::size_t core) noexcept {
  thread_local unsigned last = no_core;
  if (core >= core_max) {
    std::fprintf(stderr, "footprint: the check knows %zu cores\n", core_max);
    std::abort();
  }
  self.core = static_cast<unsigned>(core);
  // A thread that comes back to a core, as one does that steps it by hand, knows no more than before.
  if (last != self.core) all().start(self.core);
  last = self.core;
}
void leave_core() noexcept { self.core = no_core; }

std::size_t take_violations(violation* out, std::size_t room) {
  const ignored by_myself;
  return all().take(out, room);
}

ignored::ignored() { ++self.inside; }
ignored::~ignored() { --self.inside; }

}  // namespace cooper::footprint

// -- plain accesses --------------------------------------------------------------------------------------------------

// clang-format off
#define PLAIN(size)                                                                                                    \
  void __tsan_read##size(void* p) { see(p, size, access::plain_read, HERE); }                                          \
  void __tsan_write##size(void* p) { see(p, size, access::plain_write, HERE); }                                        \
  void __tsan_unaligned_read##size(void* p) { see(p, size, access::plain_read, HERE); }                                \
  void __tsan_unaligned_write##size(void* p) { see(p, size, access::plain_write, HERE); }                              \
  void __tsan_volatile_read##size(void* p) { see(p, size, access::plain_read, HERE); }                                 \
  void __tsan_volatile_write##size(void* p) { see(p, size, access::plain_write, HERE); }

// -- atomic operations: done here, with the strongest order ----------------------------------------------------------

#define ATOMIC(bits, T)                                                                                                \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {                                                             \
    const T value = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                              \
    see(p, sizeof(T), access::atomic_read, HERE);                                                                      \
    return value;                                                                                                      \
  }                                                                                                                    \
  void __tsan_atomic##bits##_store(volatile T* p, T value, int order) {                                                \
    see(p, sizeof(T), access::atomic_write, HERE, releases(order));                                                    \
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);                                                                      \
  }                                                                                                                    \
  CHANGE(bits, T, exchange, __atomic_exchange_n)                                                                       \
  CHANGE(bits, T, fetch_add, __atomic_fetch_add)                                                                       \
  CHANGE(bits, T, fetch_sub, __atomic_fetch_sub)                                                                       \
  CHANGE(bits, T, fetch_and, __atomic_fetch_and)                                                                       \
  CHANGE(bits, T, fetch_or, __atomic_fetch_or)                                                                         \
  CHANGE(bits, T, fetch_xor, __atomic_fetch_xor)                                                                       \
  CHANGE(bits, T, fetch_nand, __atomic_fetch_nand)                                                                     \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* expected, T desired, int order, int) {           \
    see(p, sizeof(T), access::atomic_write, HERE, releases(order));                                                    \
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
  }                                                                                                                    \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* expected, T desired, int order, int) {             \
    see(p, sizeof(T), access::atomic_write, HERE, releases(order));                                                    \
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
  }                                                                                                                    \
  T __tsan_atomic##bits##_compare_exchange_val(volatile T* p, T expected, T desired, int order, int) {                 \
    see(p, sizeof(T), access::atomic_write, HERE, releases(order));                                                    \
    __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                     \
    return expected;                                                                                                   \
  }

#define CHANGE(bits, T, name, builtin)                                                                                 \
  T __tsan_atomic##bits##_##name(volatile T* p, T value, int order) {                                                  \
    see(p, sizeof(T), access::atomic_write, HERE, releases(order));                                                    \
    return builtin(p, value, __ATOMIC_SEQ_CST);                                                                        \
  }

// clang-format on

extern "C" {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-declarations"

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

ATOMIC(8, std::uint8_t)
ATOMIC(16, std::uint16_t)
ATOMIC(32, std::uint32_t)
ATOMIC(64, std::uint64_t)

void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

void __tsan_init() {}
void __tsan_read_range(void* p, unsigned long bytes) { see(p, bytes, access::plain_read, HERE); }
void __tsan_write_range(void* p, unsigned long bytes) { see(p, bytes, access::plain_write, HERE); }
void __tsan_vptr_read(void** p) { see(p, sizeof *p, access::plain_read, HERE); }
void __tsan_vptr_update(void** p, void*) { see(p, sizeof *p, access::plain_write, HERE); }

void __tsan_func_entry(void* caller) {
  thread_state& me = self;
  if (me.depth < depth_max) me.callers[me.depth] = reinterpret_cast<std::uintptr_t>(caller);
  ++me.depth;
}
void __tsan_func_exit() { --self.depth; }

// -- what the linker sends here --------------------------------------------------------------------------------------

void* __real_memcpy(void* to, const void* from, std::size_t bytes);
void* __real_memmove(void* to, const void* from, std::size_t bytes);
void* __real_memset(void* to, int value, std::size_t bytes);
int __real___cxa_guard_acquire(std::uint64_t* guard);
void __real___cxa_guard_release(std::uint64_t* guard);
void __real___cxa_guard_abort(std::uint64_t* guard);

void* __wrap_memcpy(void* to, const void* from, std::size_t bytes) {
  see(from, bytes, access::plain_read, HERE);
  see(to, bytes, access::plain_write, HERE);
  return __real_memcpy(to, from, bytes);
}
void* __wrap_memmove(void* to, const void* from, std::size_t bytes) {
  see(from, bytes, access::plain_read, HERE);
  see(to, bytes, access::plain_write, HERE);
  return __real_memmove(to, from, bytes);
}
void* __wrap_memset(void* to, int value, std::size_t bytes) {
  see(to, bytes, access::plain_write, HERE);
  return __real_memset(to, value, bytes);
}
int __wrap___cxa_guard_acquire(std::uint64_t* guard) {
  const int mine = __real___cxa_guard_acquire(guard);
  if (mine != 0) ++self.once;
  return mine;
}
void __wrap___cxa_guard_release(std::uint64_t* guard) {
  --self.once;
  __real___cxa_guard_release(guard);
}
void __wrap___cxa_guard_abort(std::uint64_t* guard) {
  --self.once;
  __real___cxa_guard_abort(guard);
}

#pragma GCC diagnostic pop

}  // extern "C"

// -- the heap --------------------------------------------------------------------------------------------------------

void* operator new(std::size_t bytes) { return take_or_throw(bytes, line_size); }
void* operator new[](std::size_t bytes) { return take_or_throw(bytes, line_size); }
void* operator new(std::size_t bytes, std::align_val_t a) { return take_or_throw(bytes, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t bytes, std::align_val_t a) {
  return take_or_throw(bytes, static_cast<std::size_t>(a));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes, line_size); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes, line_size); }
void operator delete(void* block) noexcept { give(block); }
void operator delete[](void* block) noexcept { give(block); }
void operator delete(void* block, std::size_t) noexcept { give(block); }
void operator delete[](void* block, std::size_t) noexcept { give(block); }
void operator delete(void* block, std::align_val_t) noexcept { give(block); }
void operator delete[](void* block, std::align_val_t) noexcept { give(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { give(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { give(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give(block); }
