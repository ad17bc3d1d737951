// SPDX-License-Identifier: BSD-3-Clause
#include "call_rtt/call_rtt.hpp"

namespace cooper::bench::call_rtt {
namespace {

constexpr contender contenders[] = {
    {"line_message", "a one-way line to an actor's handler on the other core, which sends one back", 2,
     measure_line_message},
    {"coroutine", "co_await call(server, request): request, reply and the coroutine's going on", 2, measure_coroutine},
    {"callback", "call(server, request, function)", 2, measure_callback},
};

}  // namespace

const workload table{"call_rtt", "a call from an actor to an actor on another core, and its answer", contenders};

}  // namespace cooper::bench::call_rtt
