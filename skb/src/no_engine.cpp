// SPDX-License-Identifier: BSD-3-Clause
// In place of engine.cpp where SWI-Prolog is not there.
#include <cooper/skb/engine.hpp>

namespace cooper::skb {

bool engine::available() noexcept { return false; }

result<std::unique_ptr<engine>> engine::start() { return error{errc::engine_unavailable}; }

}  // namespace cooper::skb
