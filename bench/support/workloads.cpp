// SPDX-License-Identifier: BSD-3-Clause
// The table of all workloads: a workload that is not here does not exist.
#include <vector>

#include "bulk_rtt/bulk_rtt.hpp"
#include "call_rtt/call_rtt.hpp"
#include "flow_control/flow_control.hpp"
#include "idle/idle.hpp"
#include "line_rtt/line_rtt.hpp"
#include "line_stream/line_stream.hpp"
#include "lrpc/lrpc.hpp"
#include "parcel_rtt/parcel_rtt.hpp"
#include "savina/savina.hpp"
#include "shared_vs_message/shared_vs_message.hpp"
#include "skb/skb.hpp"
#include "support/run.hpp"
#include "wake/wake.hpp"

namespace cooper::bench {

std::span<const workload> all_workloads() {
  static const std::vector<workload> workloads{
      line_rtt::table, line_stream::table,       flow_control::table, lrpc::table,
      call_rtt::table, parcel_rtt::table,        bulk_rtt::table,     wake::table,
      idle::table,     shared_vs_message::table, savina::table,       skb::table};
  return workloads;
}

}  // namespace cooper::bench
