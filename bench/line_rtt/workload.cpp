// SPDX-License-Identifier: BSD-3-Clause
#include "line_rtt/line_rtt.hpp"

namespace cooper::bench::line_rtt {
namespace {

constexpr contender contenders[] = {
    {"cooper", "the channel: two rings of 32 lines, polled, read and written in place", 2, measure_cooper},
    {"cooper_driver", "through two CPU drivers to a handler and back", 2, measure_cooper_driver},
    {"floor", "the floor against itself: the noise of one pairing", 2, measure_floor},
    {"boost_spsc", "boost::lockfree::spsc_queue, 256 entries", 2, measure_boost_spsc},
    {"moodycamel", "moodycamel::ReaderWriterQueue, 256 entries", 2, measure_moodycamel},
    {"mutex_queue", "std::mutex and std::deque, both sides polling", 2, measure_mutex_queue},
    {"asio_post", "boost::asio::post between two io_contexts, both in poll()", 2, measure_asio_post},
    {"pipe", "two pipes, non-blocking, polled", 2, measure_pipe},
    {"eventfd", "two eventfds, non-blocking, polled; they carry 8 bytes", 2, measure_eventfd},
};

}  // namespace

const workload table{"line_rtt", "one 64-byte message to the other core and back, against the floor", contenders};

}  // namespace cooper::bench::line_rtt
