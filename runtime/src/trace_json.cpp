// SPDX-License-Identifier: BSD-3-Clause
// The trace as Chrome JSON. Handlers never nest, so each core has at most one open slice at a time. A flow arrow must
// begin and end inside a slice: inside the handler that ran, or in a slice of one nanosecond made for it.
#include <cooper/runtime/trace.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "trace_process.hpp"

namespace cooper {
namespace {

struct names {
  std::mutex lock;
  std::map<std::uint64_t, std::string> types, endpoints, marks;
};

names& all_names() {
  static names instance;
  return instance;
}

std::uint64_t endpoint_key(core_id core, std::uint32_t slot) { return std::uint64_t{core.value} << 32 | slot; }

void put_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

class writer {
 public:
  writer(long process, std::string_view process_label, std::span<const traced_core> cores) : pid_{process} {
    earliest_ns_ = std::numeric_limits<std::int64_t>::max();
    for (const traced_core& core : cores) {
      for (const trace_event& e : core.events) {
        earliest_ns_ = std::min(earliest_ns_, e.time_ns);
        if (e.kind == trace_kind::line_sent && e.flow != 0) sent_.insert(e.flow);
        if (e.kind == trace_kind::line_received || e.kind == trace_kind::handler_begin) received_.insert(e.flow);
      }
    }
    out_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
    metadata("process_name", 0, process_label);
  }

  void core(const traced_core& traced) {
    core_ = traced.id;
    metadata("thread_name", core_.value, traced.label);
    open("M", "thread_sort_index", core_.value);
    fmt::format_to(to(), ",\"args\":{{\"sort_index\":{}}}}}", core_.value);
    begun_ = nullptr;
    for (std::size_t i = 0; i < traced.events.size(); ++i) {
      const trace_event* const next = i + 1 < traced.events.size() ? &traced.events[i + 1] : nullptr;
      event(traced.events[i], next);
    }
    // A handler that still ran when the trace was taken: what is known of it is until the core's last event.
    if (begun_ != nullptr) end_slice(traced.events.back().time_ns);
  }

  std::string finish() && {
    out_ += "\n]}\n";
    return std::move(out_);
  }

 private:
  std::back_insert_iterator<std::string> to() { return std::back_inserter(out_); }

  void open(std::string_view phase, std::string_view name, unsigned thread) {
    if (!first_) out_ += ",\n";
    first_ = false;
    fmt::format_to(to(), "{{\"ph\":\"{}\",\"pid\":{},\"tid\":{},\"name\":", phase, pid_, thread);
    put_quoted(out_, name);
  }

  void metadata(std::string_view kind, unsigned thread, std::string_view value) {
    open("M", kind, thread);
    out_ += ",\"args\":{\"name\":";
    put_quoted(out_, value);
    out_ += "}}";
  }

  void put_time(std::string_view key, std::int64_t ns) {
    ns = std::max<std::int64_t>(ns, 0);
    fmt::format_to(to(), ",\"{}\":{}.{:03}", key, ns / 1000, ns % 1000);
  }

  void event(const trace_event& e, const trace_event* next) {
    switch (e.kind) {
      case trace_kind::handler_begin:
        if (begun_ != nullptr) end_slice(e.time_ns);
        begun_ = &e;
        if (e.flow != 0) flow("f", e);
        return;
      case trace_kind::handler_end:
        // A ring that went round may begin with the end of a handler.
        if (begun_ != nullptr) end_slice(e.time_ns);
        return;
      case trace_kind::line_sent:
        if (begun_ == nullptr) line_slice("send", e);
        flow("s", e);
        return;
      case trace_kind::line_received:
        // Its handler's slice ends the arrow, if there is one.
        if (next != nullptr && next->kind == trace_kind::handler_begin && next->flow == e.flow) return;
        if (begun_ == nullptr) line_slice("receive", e);
        flow("f", e);
        return;
      default:
        instant_event(e);
    }
  }

  void end_slice(std::int64_t end_ns) {
    const trace_event& e = *std::exchange(begun_, nullptr);
    open("X", endpoint_name(core_, e.slot), core_.value);
    put_time("ts", e.time_ns - earliest_ns_);
    put_time("dur", end_ns - e.time_ns);
    out_ += ",\"cat\":\"handler\",\"args\":{\"type\":";
    put_quoted(out_, type_name(e.arg));
    if (e.flow != 0) fmt::format_to(to(), ",\"from\":{}", e.peer.value);
    out_ += "}}";
  }

  void line_slice(std::string_view what, const trace_event& e) {
    open("X", what, core_.value);
    put_time("ts", e.time_ns - earliest_ns_);
    put_time("dur", 1);
    line_arguments(e);
  }

  void line_arguments(const trace_event& e) {
    static constexpr std::string_view lanes[] = {"request", "reply", "monitor"};
    const auto via = static_cast<std::size_t>(e.via);
    fmt::format_to(to(), ",\"cat\":\"line\",\"args\":{{\"peer\":{},\"slot\":{},\"lane\":\"{}\",\"type\":", e.peer.value,
                   e.slot, via < lane_count ? lanes[via] : "?");
    put_quoted(out_, type_name(e.arg));
    out_ += "}}";
  }

  // An arrow of which one end is not in the trace would point to nowhere.
  void flow(std::string_view phase, const trace_event& e) {
    if (!sent_.contains(e.flow) || !received_.contains(e.flow)) return;
    open(phase, "line", core_.value);
    put_time("ts", e.time_ns - earliest_ns_);
    fmt::format_to(to(), ",\"cat\":\"line\",\"id\":\"{:#x}\"{}}}", e.flow, phase == "f" ? ",\"bp\":\"e\"" : "");
  }

  void instant_event(const trace_event& e) {
    open("i", e.kind == trace_kind::mark ? mark_name(e.slot) : std::string{name_of(e.kind)}, core_.value);
    put_time("ts", e.time_ns - earliest_ns_);
    fmt::format_to(to(), ",\"s\":\"t\",\"cat\":\"driver\",\"args\":{{\"arg\":{}", e.arg);
    switch (e.kind) {
      case trace_kind::wake_sent:
      case trace_kind::bind:
      case trace_kind::close:
        fmt::format_to(to(), ",\"peer\":{}", e.peer.value);
        break;
      case trace_kind::stall:
        out_ += ",\"endpoint\":";
        put_quoted(out_, endpoint_name(core_, e.slot));
        break;
      default:
        break;
    }
    out_ += "}}";
  }

  static std::string find(const std::map<std::uint64_t, std::string>& in, std::uint64_t key, std::string otherwise) {
    const auto found = in.find(key);
    return found == in.end() ? std::move(otherwise) : found->second;
  }
  std::string endpoint_name(core_id core, std::uint32_t slot) const {
    return find(names_.endpoints, endpoint_key(core, slot), fmt::format("endpoint {}", slot));
  }
  std::string type_name(std::uint64_t type) const { return find(names_.types, type, fmt::format("{}", type)); }
  std::string mark_name(std::uint32_t mark) const { return find(names_.marks, mark, fmt::format("mark {}", mark)); }

  names& names_ = all_names();
  const std::lock_guard<std::mutex> names_locked_{names_.lock};
  long pid_;
  std::string out_;
  bool first_ = true;
  std::int64_t earliest_ns_ = 0;
  std::unordered_set<std::uint64_t> sent_, received_;
  core_id core_{};
  const trace_event* begun_ = nullptr;
};

void set_name(std::map<std::uint64_t, std::string> names::*table, std::uint64_t key, std::string name) {
  names& all = all_names();
  const std::lock_guard lock{all.lock};
  (all.*table)[key] = std::move(name);
}

}  // namespace

void name_message_type(message_type type, std::string name) { set_name(&names::types, type, std::move(name)); }
void name_endpoint(core_id core, std::uint32_t slot, std::string name) {
  set_name(&names::endpoints, endpoint_key(core, slot), std::move(name));
}
void name_mark(std::uint32_t mark, std::string name) { set_name(&names::marks, mark, std::move(name)); }

std::string chrome_trace_json(std::string_view process_label, std::span<const traced_core> cores) {
  return detail::chrome_trace_json_of(::getpid(), process_label, cores);
}

std::string detail::chrome_trace_json_of(long process, std::string_view process_label,
                                         std::span<const traced_core> cores) {
  writer out{process, process_label, cores};
  for (const traced_core& core : cores) out.core(core);
  return std::move(out).finish();
}

}  // namespace cooper
