// SPDX-License-Identifier: BSD-3-Clause
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#if defined(__SANITIZE_THREAD__)
// Boost's lock-free queue reads nodes that another thread may just have taken for something else; their memory stays,
// the compare-and-swap that follows then fails, and the value is not used.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:boost::lockfree::detail::fixed_size_freelist\nrace:boost::lockfree::queue\n";
}
#endif
