// SPDX-License-Identifier: BSD-3-Clause
#include "lines.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <cstdio>
#include <cstdlib>

namespace cooper::footprint {
namespace {

constexpr std::size_t line_shift = 6, word_shift = 3;
constexpr std::size_t line_size = std::size_t{1} << line_shift;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "footprint: %s\n", why);
  std::abort();
}

void* zeroes(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) give_up("no memory for the table");
  return memory;
}

constexpr std::uintptr_t unused = 0, freed = 1;  // in place of a line's address

void acquire(unsigned& lock) {
  for (unsigned tries = 0; __atomic_exchange_n(&lock, 1u, __ATOMIC_ACQUIRE) != 0; ++tries) {
    // The holder may have been taken off its core.
    if (tries > 100) ::sched_yield();
  }
}
void release(unsigned& lock) { __atomic_store_n(&lock, 0u, __ATOMIC_RELEASE); }

class held {
 public:
  explicit held(unsigned& lock) : lock_{lock} { acquire(lock_); }
  ~held() { release(lock_); }
  held(const held&) = delete;
  held& operator=(const held&) = delete;

 private:
  unsigned& lock_;
};

struct unlocks {
  unsigned& lock;
  ~unlocks() { release(lock); }
};

bool writes(access how) { return how == access::plain_write || how == access::atomic_write; }
bool atomic(access how) { return how >= access::atomic_read; }

// The words of `line` that [address, address + bytes) touches.
std::uint32_t words_in(std::uintptr_t line, std::uintptr_t address, std::size_t bytes) {
  const std::uintptr_t first = address > line ? address - line : 0;
  const std::uintptr_t end = address + bytes < line + line_size ? address + bytes - line : line_size;
  const auto from = static_cast<unsigned>(first >> word_shift), to = static_cast<unsigned>((end - 1) >> word_shift);
  return ((2u << to) - 1) & ~((1u << from) - 1);
}

template <class F>
void each_line(std::uintptr_t address, std::size_t bytes, F body) {
  if (bytes == 0) return;
  for (std::uintptr_t line = address & ~(line_size - 1); line < address + bytes; line += line_size) body(line);
}

}  // namespace

struct lines::entry {
  std::uintptr_t line;
  unsigned lock;
  bool open, control_word, word_by_word;
  std::uint8_t many_writers;  // by word
  touch by[core_max][access_count];
};

lines::lines(std::size_t line_count)
    : entries_{static_cast<entry*>(zeroes(line_count * sizeof(entry)))},
      mask_{line_count - 1},
      items_{static_cast<item*>(zeroes(item_max * sizeof(item)))},
      found_{static_cast<violation*>(zeroes(violation_max * sizeof(violation)))} {
  for (std::size_t i = 0; i < core_max; ++i) {
    epoch_[i] = 1;
    for (std::uint32_t& clock : seen_[i].of) clock = 0;
  }
}

lines::~lines() {
  ::munmap(entries_, (mask_ + 1) * sizeof(entry));
  ::munmap(items_, item_max * sizeof(item));
  ::munmap(found_, violation_max * sizeof(violation));
}

// The entry of a line, locked; null if there is none and none is to be made. Entries of memory that was freed are used
// again, so what was found is looked at once more when it is locked.
lines::entry* lines::lock_of(std::uintptr_t line, bool make) {
  for (;;) {
    std::size_t at = (line >> line_shift) * 0x9e3779b97f4a7c15u >> 20 & mask_;
    entry* found = nullptr;
    for (std::size_t tries = 0; tries <= mask_; ++tries, at = (at + 1) & mask_) {
      const std::uintptr_t there = __atomic_load_n(&entries_[at].line, __ATOMIC_ACQUIRE);
      if (there == line) found = &entries_[at];
      if (there == line || there == unused) break;
    }
    if (found == nullptr) {
      if (!make) return nullptr;
      enter(line);
      continue;
    }
    acquire(found->lock);
    if (found->line == line) return found;
    release(found->lock);
  }
}

void lines::enter(std::uintptr_t line) {
  const held lock{entering_};
  entry* free = nullptr;
  std::size_t at = (line >> line_shift) * 0x9e3779b97f4a7c15u >> 20 & mask_;
  for (std::size_t tries = 0; tries <= mask_; ++tries, at = (at + 1) & mask_) {
    entry& e = entries_[at];
    const std::uintptr_t there = __atomic_load_n(&e.line, __ATOMIC_ACQUIRE);
    if (there == line) return;  // somebody else was faster
    if (free == nullptr && (there == unused || there == freed)) free = &e;
    if (there == unused) break;
  }
  if (free == nullptr) give_up("the table is full");
  __atomic_store_n(&free->line, line, __ATOMIC_RELEASE);
}

void lines::touched(unsigned core, std::uintptr_t address, std::size_t bytes, access how, place where, bool releases) {
  if (core == no_core) {
    if (!writes(how)) return;
    each_line(address, bytes, [&](std::uintptr_t line) {
      entry* const e = lock_of(line, false);
      if (e == nullptr) return;
      __builtin_memset(e->by, 0, sizeof e->by);
      release(e->lock);
    });
    return;
  }
  each_line(address, bytes, [&](std::uintptr_t line) {
    entry& e = *lock_of(line, true);
    const unlocks at_end{e.lock};
    if (e.open) return;
    std::uint32_t words = words_in(line, address, bytes);
    if (atomic(how)) words &= ~std::uint32_t{e.many_writers};
    if (words != 0) judge(e, core, words, how, where);
    if (e.control_word && releases) {
      e.by[core][static_cast<std::size_t>(access::plain_read)] = {};
      e.by[core][static_cast<std::size_t>(access::plain_write)] = {};
    }
  });
}

void lines::judge(entry& e, unsigned core, std::uint32_t words, access how, place where) {
  for (unsigned other = 0; other < core_max; ++other) {
    if (other == core) continue;
    for (std::size_t kind = 0; kind < access_count; ++kind) {
      const touch& before = e.by[other][kind];
      const auto then = static_cast<access>(kind);
      if (before.when == 0 || (!writes(then) && !writes(how))) continue;
      if (before.when <= seen_[core].of[other]) continue;
      if (atomic(then) && atomic(how)) {
        if (!writes(then) || !writes(how)) continue;
        if (e.word_by_word && (before.words & words) == 0) continue;
      } else if (atomic(then) != atomic(how)) {
        const bool only_atomic_writes = then != access::plain_write && how != access::plain_write;
        if (e.control_word || (only_atomic_writes && (before.words & words) == 0)) continue;
      }
      report({e.line, {other, then, before}, {core, how, {0, words, where}}});
    }
  }
  touch& mine = e.by[core][static_cast<std::size_t>(how)];
  mine.when = __atomic_load_n(&epoch_[core], __ATOMIC_RELAXED);
  mine.words |= words;
  mine.where = where;
}

void lines::fresh(std::uintptr_t address, std::size_t bytes) {
  each_line(address, bytes, [&](std::uintptr_t line) {
    entry* const e = lock_of(line, false);
    if (e == nullptr) return;
    e->open = e->control_word = e->word_by_word = false;
    e->many_writers = 0;
    __builtin_memset(e->by, 0, sizeof e->by);
    __atomic_store_n(&e->line, freed, __ATOMIC_RELEASE);
    release(e->lock);
  });
}

void lines::declare(std::uintptr_t address, std::size_t bytes, rule what) {
  each_line(address, bytes, [&](std::uintptr_t line) {
    entry& e = *lock_of(line, true);
    const unlocks at_end{e.lock};
    switch (what) {
      case rule::control_word:
        e.control_word = true;
        break;
      case rule::many_writers:
        e.many_writers = static_cast<std::uint8_t>(e.many_writers | words_in(line, address, bytes));
        break;
      case rule::word_by_word:
        e.word_by_word = true;
        break;
      case rule::open_to_all:
        e.open = true;
        break;
    }
  });
}

void lines::let_go(unsigned core, std::uintptr_t address, std::size_t bytes) {
  if (core == no_core) return;
  each_line(address, bytes, [&](std::uintptr_t line) {
    entry* const e = lock_of(line, false);
    if (e == nullptr) return;
    __builtin_memset(e->by[core], 0, sizeof e->by[core]);
    release(e->lock);
  });
}

// All that was touched until now, by anybody; what is touched later bears a later time.
lines::clocks lines::everything() {
  clocks now;
  for (std::size_t i = 0; i < core_max; ++i) now.of[i] = __atomic_fetch_add(&epoch_[i], 1, __ATOMIC_RELAXED);
  return now;
}

void lines::push(unsigned core, std::uintptr_t which) {
  clocks known;
  if (core == no_core) {
    known = everything();
  } else {
    known = seen_[core];
    known.of[core] = __atomic_fetch_add(&epoch_[core], 1, __ATOMIC_RELAXED);
  }
  const held lock{items_lock_};
  for (std::size_t i = 0; i < item_max; ++i) {
    item& free = items_[(which / line_size + i) % item_max];
    if (free.which != 0 && free.which != which) continue;
    free = {which, known};
    return;
  }
  give_up("too many items in gateways");
}

void lines::pop(unsigned core, std::uintptr_t which) {
  const held lock{items_lock_};
  // Items leave holes behind, so all places are looked at: they are few, as a rule the first one.
  for (std::size_t i = 0; i < item_max; ++i) {
    item& there = items_[(which / line_size + i) % item_max];
    if (there.which != which) continue;
    there.which = 0;
    if (core == no_core) return;
    for (std::size_t c = 0; c < core_max; ++c) {
      if (seen_[core].of[c] < there.known.of[c]) seen_[core].of[c] = there.known.of[c];
    }
    return;
  }
}

void lines::start(unsigned core) { seen_[core] = everything(); }

void lines::report(const violation& found) {
  const held lock{found_lock_};
  for (std::size_t i = 0; i < found_count_; ++i) {
    const violation& known = found_[i];
    if (known.before.what.where.at == found.before.what.where.at &&
        known.now.what.where.at == found.now.what.where.at) {
      return;
    }
  }
  if (found_count_ < violation_max) found_[found_count_++] = found;
}

std::size_t lines::take(violation* out, std::size_t room) {
  const held lock{found_lock_};
  std::size_t count = 0;
  while (count < room && found_taken_ < found_count_) out[count++] = found_[found_taken_++];
  if (found_taken_ == found_count_) found_taken_ = found_count_ = 0;
  return count;
}

}  // namespace cooper::footprint
