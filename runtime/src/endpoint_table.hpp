// SPDX-License-Identifier: BSD-3-Clause
// The receive table of one core: which handler a line's (slot, generation) means. Used by its driver only.
//
//   I1  An address is open for at most one endpoint in all the life of the table: a closed slot gets the next
//       generation, and a slot whose generations are used up is never opened again.
//   I2  A closed slot is opened again only after recycle(): the driver calls it when a grace period has passed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <cooper/runtime/core.hpp>

namespace cooper::detail {

class endpoint_table {
 public:
  struct entry {
    line_handler handler = nullptr;
    void* self = nullptr;
    std::uint16_t generation = 0;
    bool open = false;
  };

  // slot_max: the highest slot ever used.
  explicit endpoint_table(core_id owner, std::uint32_t slot_max = endpoint_slot_max)
      : owner_{owner}, slot_max_{slot_max} {}

  result<address> open(line_handler handler, void* self);
  // The slot is out of use at once, and opened again only after recycle(slot).
  bool close(address endpoint);
  void recycle(std::uint32_t slot);
  // A planted bug (mutation::reuse_endpoint_early): the slot is opened again under its old generation.
  void recycle_wrongly(std::uint32_t slot) { free_.push_back(slot); }
  // Closes all but the driver's own slot 0; the slots that were open, for recycling.
  std::vector<std::uint32_t> close_all();

  // Where a line goes; null where its endpoint is not open.
  const entry* find(line_header header) const {
    if (header.slot >= entries_.size()) [[unlikely]]
      return nullptr;
    const entry& e = entries_[header.slot];
    if (!e.open || e.generation != header.generation) [[unlikely]]
      return nullptr;
    return &e;
  }

  std::size_t open_count() const { return open_count_; }

 private:
  void shut(entry& e);

  core_id owner_;
  std::uint32_t slot_max_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> free_;
  std::size_t open_count_ = 0;
};

}  // namespace cooper::detail
