// SPDX-License-Identifier: BSD-3-Clause
#include "model_environment.hpp"

#include "execution.hpp"

namespace cooper::model {
namespace detail {

std::uint64_t load(const site_info& site, const word& w) { return execution::current().load(site, w); }
void store(const site_info& site, word& w, std::uint64_t value) { execution::current().store(site, w, value); }
std::uint64_t exchange(const site_info& site, word& w, std::uint64_t value) {
  return execution::current().read_modify_write(site, w, value, false);
}
std::uint64_t fetch_add(const site_info& site, word& w, std::uint64_t value) {
  return execution::current().read_modify_write(site, w, value, true);
}
void light_barrier() { execution::current().light_barrier(); }
void heavy_barrier() { execution::current().heavy_barrier(); }
void pause() { execution::current().pause(); }
void payload_write(const void* location) { execution::current().payload(location, true); }
void payload_read(const void* location) { execution::current().payload(location, false); }
instant now() { return execution::current().now(); }
bool mutated(mutation m) { return execution::current().mutated(m); }

}  // namespace detail

void check(bool holds, std::string_view message) {
  if (!holds) execution::current().require(message);
}
void advance(duration by) { execution::current().advance(by); }

void sleeper::signal() { execution::current().signal(*this); }
bool sleeper::wait(instant deadline) { return execution::current().wait(*this, deadline); }

void program::thread(std::string name, body run) { execution_.add_thread(std::move(name), std::move(run)); }
void program::finally(body run) { execution_.add_final_check(std::move(run)); }
void program::name(const void* object, std::size_t bytes, std::string text) {
  execution_.name(object, bytes, std::move(text));
}

}  // namespace cooper::model
