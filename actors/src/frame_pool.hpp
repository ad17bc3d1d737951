// SPDX-License-Identifier: BSD-3-Clause
// Memory of coroutine frames and of callbacks, by core: taken and given back on one core, so that a call in steady
// state allocates nothing. Sizes are rounded up to lines; what is larger than the largest class comes from the heap.
#pragma once

#include <array>
#include <cstddef>
#include <new>

#include <cooper/vocabulary/line.hpp>

namespace cooper::actors {

class frame_pool {
 public:
  frame_pool() = default;
  frame_pool(const frame_pool&) = delete;
  frame_pool& operator=(const frame_pool&) = delete;
  ~frame_pool() {
    for (node* list : free_) {
      while (list != nullptr) {
        node* next = list->next;
        give_back_outside(list);
        list = next;
      }
    }
  }

  void* take(std::size_t bytes) {
    const std::size_t at = class_of(bytes);
    if (at < classes && free_[at] != nullptr) {
      node* taken = free_[at];
      free_[at] = taken->next;
      return taken;
    }
    return take_outside(bytes);
  }

  void give_back(void* memory, std::size_t bytes) noexcept {
    const std::size_t at = class_of(bytes);
    if (at >= classes) return give_back_outside(memory);
    free_[at] = new (memory) node{free_[at]};
  }

  // Without a pool, on a thread that is no core.
  static void* take_outside(std::size_t bytes) { return ::operator new (rounded(bytes), std::align_val_t{line_bytes}); }
  static void give_back_outside(void* memory) noexcept { ::operator delete (memory, std::align_val_t{line_bytes}); }

 private:
  struct node {
    node* next;
  };
  static constexpr std::size_t classes = 32;  // up to 2 KiB
  static constexpr std::size_t class_of(std::size_t bytes) { return (bytes - 1) / line_bytes; }
  static constexpr std::size_t rounded(std::size_t bytes) { return (class_of(bytes) + 1) * line_bytes; }

  std::array<node*, classes> free_{};
};

}  // namespace cooper::actors
