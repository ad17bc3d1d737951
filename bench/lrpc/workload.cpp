// SPDX-License-Identifier: BSD-3-Clause
#include "lrpc/lrpc.hpp"

namespace cooper::bench::lrpc {
namespace {

constexpr contender contenders[] = {
    {"cooper", "a line to an endpoint of the same core through the run queue, and one back", 1, measure_cooper},
    {"direct_call", "two calls through a function pointer: what a message cannot beat", 1, measure_direct_call},
    {"std_function", "a deque of std::function, run in order", 1, measure_std_function},
    {"asio_post", "boost::asio::post to the same io_context, and back", 1, measure_asio_post},
};

}  // namespace

const workload table{"lrpc", "a message to the same core and back (the paper's Table 1 is one way)", contenders};

void sample_local(run& r, row& into, const timed_operations& operations) {
  r.threads().lead([&](session& on) {
    sampling_plan plan = r.plan();
    plan.with_floor = false;
    sample_windows(on, r.floor(), operations, {}, plan, into);
  });
}

}  // namespace cooper::bench::lrpc
