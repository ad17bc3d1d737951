// SPDX-License-Identifier: BSD-3-Clause
#include "line_stream/line_stream.hpp"

namespace cooper::bench::line_stream {
namespace {

constexpr contender contenders[] = {
    {"cooper", "the channel: one ring of 256 lines, filled and summed in place", 2, measure_cooper},
    {"cooper_driver", "handler to handler through two CPU drivers; lanes of 32 lines", 2, measure_cooper_driver},
    {"boost_spsc", "boost::lockfree::spsc_queue, 256 entries", 2, measure_boost_spsc},
    {"moodycamel", "moodycamel::ReaderWriterQueue, 256 entries", 2, measure_moodycamel},
    {"mutex_queue", "std::mutex and std::deque, at most 256, both sides polling", 2, measure_mutex_queue},
    {"asio_post", "boost::asio::post to a polled io_context, at most 256 outstanding", 2, measure_asio_post},
    {"pipe", "a pipe of 256 messages, non-blocking, polled", 2, measure_pipe},
};

}  // namespace

const workload table{"line_stream", "64-byte messages one way, all 56 payload bytes written and summed", contenders};

}  // namespace cooper::bench::line_stream
