// SPDX-License-Identifier: BSD-3-Clause
#include "endpoint_table.hpp"

#include <limits>
#include <string>

namespace cooper::detail {

result<address> endpoint_table::open(line_handler handler, void* self) {
  std::uint32_t slot = 0;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else if (entries_.size() <= slot_max_) {
    slot = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    return error{errc::too_many_endpoints,
                 "core " + std::to_string(owner_.value) + " has " + std::to_string(open_count_) + " open"};
  }
  entry& e = entries_[slot];
  e.handler = handler;
  e.self = self;
  e.open = true;
  ++open_count_;
  return address{.core = owner_, .generation = e.generation, .slot = slot};
}

bool endpoint_table::close(address endpoint) {
  if (endpoint.core != owner_ || endpoint.slot >= entries_.size()) return false;
  entry& e = entries_[endpoint.slot];
  if (!e.open || e.generation != endpoint.generation) return false;
  shut(e);
  return true;
}

void endpoint_table::shut(entry& e) {
  e.open = false;
  e.handler = nullptr;
  e.self = nullptr;
  --open_count_;
}

void endpoint_table::recycle(std::uint32_t slot) {
  entry& e = entries_[slot];
  // A slot that has used up its generations stays closed: an address must never come back to life.
  if (e.generation == std::numeric_limits<std::uint16_t>::max()) return;
  ++e.generation;
  free_.push_back(slot);
}

std::vector<std::uint32_t> endpoint_table::close_all() {
  std::vector<std::uint32_t> closed;
  for (std::uint32_t slot = 1; slot < entries_.size(); ++slot) {
    if (!entries_[slot].open) continue;
    shut(entries_[slot]);
    closed.push_back(slot);
  }
  return closed;
}

}  // namespace cooper::detail
