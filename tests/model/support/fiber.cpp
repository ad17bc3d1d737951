// SPDX-License-Identifier: BSD-3-Clause
#include "fiber.hpp"

#include <new>

#include <sys/mman.h>
#include <boost/context/detail/fcontext.hpp>

#include <cooper/vocabulary/assert.hpp>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COOPER_MODEL_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define COOPER_MODEL_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define COOPER_MODEL_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define COOPER_MODEL_TSAN 1
#endif
#if defined(COOPER_MODEL_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(COOPER_MODEL_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace cooper::model {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

// Untouched pages cost nothing; the lowest one is a guard.
constexpr std::size_t stack_bytes = 512 * 1024;
constexpr std::size_t guard_bytes = 4096;

}  // namespace

fiber::fiber() {
  stack_ = ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack_ == MAP_FAILED) throw std::bad_alloc{};
  COOPER_ASSERT(::mprotect(stack_, guard_bytes, PROT_NONE) == 0, "the guard page of a fiber's stack");
  inside_ =
      make_fcontext(static_cast<std::byte*>(stack_) + stack_bytes, stack_bytes - guard_bytes, [](transfer_t from) {
        auto* self = static_cast<fiber*>(from.data);
        self->outside_ = from.fctx;
        enter(self);
      });
#if defined(COOPER_MODEL_TSAN)
  tsan_inside_ = __tsan_create_fiber(0);
#endif
}

fiber::~fiber() {
  COOPER_ASSERT(idle(), "a fiber ends only when its job has returned");
  quit_ = true;
  resume();
#if defined(COOPER_MODEL_TSAN)
  __tsan_destroy_fiber(tsan_inside_);
#endif
  ::munmap(stack_, stack_bytes);
}

void fiber::resume() {
#if defined(COOPER_MODEL_ASAN)
  __sanitizer_start_switch_fiber(&fake_outside_, static_cast<std::byte*>(stack_) + guard_bytes,
                                 stack_bytes - guard_bytes);
#endif
#if defined(COOPER_MODEL_TSAN)
  tsan_outside_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_inside_, 0);
#endif
  inside_ = jump_fcontext(inside_, this).fctx;
#if defined(COOPER_MODEL_ASAN)
  __sanitizer_finish_switch_fiber(fake_outside_, nullptr, nullptr);
#endif
}

void fiber::suspend() { back(false); }

void fiber::back([[maybe_unused]] bool for_good) {
#if defined(COOPER_MODEL_ASAN)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_inside_, outside_bottom_, outside_bytes_);
#endif
#if defined(COOPER_MODEL_TSAN)
  __tsan_switch_to_fiber(tsan_outside_, 0);
#endif
  outside_ = jump_fcontext(outside_, this).fctx;
#if defined(COOPER_MODEL_ASAN)
  __sanitizer_finish_switch_fiber(fake_inside_, &outside_bottom_, &outside_bytes_);
#endif
}

void fiber::enter(void* self) {
  auto* f = static_cast<fiber*>(self);
#if defined(COOPER_MODEL_ASAN)
  __sanitizer_finish_switch_fiber(nullptr, &f->outside_bottom_, &f->outside_bytes_);
#endif
  f->loop();
  f->back(true);
}

void fiber::loop() {
  while (!quit_) {
    if (job_ != nullptr) {
      (*job_)();
      job_ = nullptr;
    }
    // The job's end is seen by the resumer; the next resume brings another job, or the end.
    back(false);
  }
}

}  // namespace cooper::model
