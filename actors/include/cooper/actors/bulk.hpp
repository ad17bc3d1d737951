// SPDX-License-Identifier: BSD-3-Clause
// Payloads that are too large for a line: in a bulk buffer, which moves from core to core without a copy.
//
//   caf::behavior make_behavior() { prepare_bulk(); ... }    // whoever receives
//
//   auto page = *take_bulk(64 * 1024);                       // a buffer of this core's pool
//   fill(page.span());
//   tell_bulk(*this, to, std::move(page), [](bulk b) { return store{key, b}; });
//
//   void handle(const store& m) { auto page = receive_bulk(m.page); ... }    // the same bytes, at the same address
//
// A buffer that is let go of goes home in a batch with others. All of this is for an actor's handlers and coroutines.
#pragma once

#include <utility>

#include <cooper/actors/core_actor.hpp>
#include <cooper/runtime/buffers.hpp>

namespace cooper::actors {

// A buffer on its way: a member of a line message. It is received once, by the core it was sent to.
struct bulk {
  buffer_handle handle;
  core_id from;
};

// Makes the calling core's pool, so that it can be sent to. Errors: out_of_memory, bad_option.
inline result<void> prepare_bulk() {
  const auto pool = core::current()->buffers();
  if (!pool) return pool.error();
  return {};
}

// A buffer of the calling core. Errors: too_large, pool_exhausted, out_of_memory; machine_options sets size and number.
inline result<buffer> take_bulk(std::size_t size) {
  const auto pool = core::current()->buffers();
  if (!pool) return pool.error();
  return (*pool)->take(size);
}

// What a message brought. Errors: buffer_invalid (it was received before, or is another core's).
inline result<buffer> receive_bulk(const bulk& what) {
  const auto pool = core::current()->buffers();
  if (!pool) return pool.error();
  return (*pool)->receive(what.handle, what.from);
}

// Sends message_with(bulk) by tell(), and gives the buffer away with it. Unless it says ok the buffer is still there.
// Errors: buffer_invalid, buffer_lent, no_such_core (nobody has called prepare_bulk() there).
template <class Actor, class To, class F>
result<send_result> tell_bulk(Actor& self, const To& to, buffer&& what, F message_with) {
  core& here = *core::current();
  const auto pool = here.buffers();
  if (!pool) return pool.error();
  const auto handle = (*pool)->send(std::move(what), detail::core_of(to));
  if (!handle) return handle.error();
  const send_result sent = self.tell(to, message_with(bulk{.handle = *handle, .from = here.id()}));
  if (sent != send_result::ok) {
    auto back = (*pool)->recall(*handle);
    if (!back) return back.error();
    what = std::move(*back);
  }
  return sent;
}

}  // namespace cooper::actors
