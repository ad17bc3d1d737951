// SPDX-License-Identifier: BSD-3-Clause
// Cost snapshots as JSON files. What is read is checked as a stranger's: a cache folder outlives machines and versions.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cooper/skb/costs.hpp>
#include <cooper/skb/facts.hpp>

namespace cooper::skb {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::int64_t format_version = 1;
constexpr std::int64_t number_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t unix_time_max = 253'402'300'799;  // the end of the year 9999
constexpr std::size_t words_max = 4096;

class descriptor {
 public:
  explicit descriptor(int fd) : fd_{fd} {}
  ~descriptor() { close(); }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

error unreadable(const fs::path& file, std::string_view why) {
  return {errc::unreadable_input, fmt::format("{}: {}", file.string(), why)};
}
error unwritable(const fs::path& path, std::string_view why) {
  return {errc::unwritable_output, fmt::format("{}: {}", path.string(), why)};
}
error malformed(const fs::path& file, std::string_view why) {
  return {errc::malformed_input, fmt::format("{}: {}", file.string(), why)};
}

bool is_hash(std::string_view s) {
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return s.size() == 16 && std::all_of(s.begin(), s.end(), digit);
}

// What a file says may reach a terminal.
bool printable(std::string_view s) {
  return std::none_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

result<std::optional<std::string>> content_of(const fs::path& file) {
  // A pipe of that name must not hold us up.
  const descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (in.get() < 0 && errno == ENOENT) return std::optional<std::string>{};
  if (in.get() < 0) return unreadable(file, std::strerror(errno));
  struct stat about {};
  if (::fstat(in.get(), &about) != 0) return unreadable(file, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return unreadable(file, "is not a regular file");
  const auto over = [&] {
    return error{errc::too_large, fmt::format("{} is over {} bytes", file.string(), snapshot_bytes_max)};
  };
  if (static_cast<std::uint64_t>(about.st_size) > snapshot_bytes_max) return over();
  std::string text;
  std::array<char, 1 << 16> block;
  for (;;) {
    const ssize_t n = ::read(in.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(file, std::strerror(errno));
    if (n == 0) break;
    // It may have grown since.
    if (text.size() + static_cast<std::size_t>(n) > snapshot_bytes_max) return over();
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  return std::optional{std::move(text)};
}

// The fields of one object. The first thing that is wrong is kept, with its place; reading goes on with harmless
// values.
class fields {
 public:
  fields(const json::object& from, std::string place, std::string& wrong)
      : from_{from}, place_{std::move(place)}, wrong_{wrong} {}

  std::int64_t number(std::string_view key, std::int64_t least, std::int64_t most) {
    const json::value* v = find(key);
    if (v == nullptr) return least;
    if (v->is_int64() && v->get_int64() >= least && v->get_int64() <= most) return v->get_int64();
    return complain(key, fmt::format("{} is not a whole number from {} to {}", shown(*v), least, most)), least;
  }
  duration time(std::string_view key, std::int64_t least) { return duration{number(key, least, time_max_ns)}; }
  bool flag(std::string_view key) {
    const json::value* v = find(key);
    if (v == nullptr || v->is_bool()) return v != nullptr && v->get_bool();
    return complain(key, fmt::format("{} is neither true nor false", shown(*v))), false;
  }
  std::string words(std::string_view key) {
    const json::value* v = find(key);
    if (v == nullptr) return {};
    if (v->is_string() && v->get_string().size() <= words_max && printable(v->get_string())) {
      return std::string{std::string_view{v->get_string()}};
    }
    return complain(key, fmt::format("is not a text of up to {} bytes in one line", words_max)), std::string{};
  }
  void complain(std::string_view key, std::string_view what) {
    if (wrong_.empty()) wrong_ = fmt::format("{}{}: {}", place_, key, what);
  }

 private:
  const json::value* find(std::string_view key) {
    const json::value* v = from_.if_contains(key);
    if (v == nullptr) complain(key, "is missing");
    return v;
  }
  static std::string shown(const json::value& v) {
    if (v.is_string()) return "a text";
    if (v.is_structured()) return v.is_array() ? "an array" : "an object";
    return json::serialize(v);
  }

  const json::object& from_;
  std::string place_;
  std::string& wrong_;
};

// Calls one(fields) for each object of the array, until something is wrong.
template <class F>
void each(const json::object& in, std::string_view key, std::string& wrong, F one) {
  const json::value* v = in.if_contains(key);
  if (v == nullptr || !v->is_array()) {
    if (wrong.empty()) wrong = fmt::format("{}: {}", key, v == nullptr ? "is missing" : "is not an array");
    return;
  }
  const json::array& all = v->get_array();
  for (std::size_t i = 0; i < all.size() && wrong.empty(); ++i) {
    if (!all[i].is_object()) {
      wrong = fmt::format("{}[{}]: is not an object", key, i);
      return;
    }
    fields f{all[i].get_object(), fmt::format("{}[{}].", key, i), wrong};
    one(f);
  }
}

link_cost read_link(fields& f, std::size_t threads) {
  const auto core = [&](std::string_view key) {
    return core_number(static_cast<std::size_t>(f.number(key, 0, static_cast<std::int64_t>(threads) - 1)));
  };
  link_cost l{.from = core("from"),
              .to = core("to"),
              .send = f.time("send_ns", 1),
              .transit = f.time("transit_ns", 0),
              .receive = f.time("receive_ns", 1),
              .median = f.time("median_ns", 1),
              .spread = f.time("spread_ns", 0),
              .least = f.time("least_ns", 1),
              .most = f.time("most_ns", 1),
              .samples = static_cast<std::size_t>(f.number("samples", 1, number_max))};
  if (l.from == l.to) f.complain("to", fmt::format("{} is the core itself", l.to.value));
  if (l.median < l.least || l.median > l.most) f.complain("median_ns", "is not between least_ns and most_ns");
  return l;
}

class_cost read_class(fields& f) {
  class_cost c;
  const std::string name = f.words("class");
  c.kind = link_class::self;
  for (std::size_t i = 1; i < link_class_count; ++i) {
    if (name_of(static_cast<link_class>(i)) == name) c.kind = static_cast<link_class>(i);
  }
  if (c.kind == link_class::self) f.complain("class", fmt::format("'{}' is no class of links", name));
  c.send = f.time("send_ns", 1);
  c.transit = f.time("transit_ns", 0);
  c.receive = f.time("receive_ns", 1);
  c.links = static_cast<std::size_t>(f.number("links", 1, number_max));
  return c;
}

// What is wrong, or nothing. `threads`: how many hardware threads the machine has.
std::string read_snapshot(const json::object& from, const std::string& hash, std::size_t threads, cost_snapshot& into) {
  std::string wrong;
  fields f{from, "", wrong};
  f.number("format", format_version, format_version);
  if (!wrong.empty()) return wrong;
  into.topology_hash = f.words("topology_hash");
  if (wrong.empty() && into.topology_hash != hash) {
    return fmt::format("topology_hash: it is of another machine, {}; this one is {}", into.topology_hash, hash);
  }
  into.unix_time = f.number("unix_time", 0, unix_time_max);
  into.reliable = f.flag("reliable");
  into.why_not = f.words("why_not");
  into.dispatch = f.time("dispatch_ns", 0);
  into.wake = f.time("wake_ns", 0);
  std::set<std::pair<core_id, core_id>> pairs;
  each(from, "links", wrong, [&](fields& one) {
    into.links.push_back(read_link(one, threads));
    const link_cost& l = into.links.back();
    if (!pairs.emplace(l.from, l.to).second) one.complain("to", "this pair of cores stands here twice");
  });
  std::set<link_class> classes;
  each(from, "classes", wrong, [&](fields& one) {
    into.classes.push_back(read_class(one));
    if (!classes.insert(into.classes.back().kind).second) one.complain("class", "stands here twice");
  });
  return wrong;
}

result<json::value> parsed(const std::string& text, const fs::path& file) {
  json::error_code failed;
  json::parser parser;
  const std::size_t read = parser.write_some(text, failed);
  if (!failed && read < text.size()) failed = json::error::extra_data;
  if (failed) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(read), '\n');
    return malformed(file, fmt::format("line {}: {}", line, failed.message()));
  }
  return parser.release();
}

// The same rules for what is written as for what is read: a snapshot that nobody can load is no snapshot.
result<cost_snapshot> understood(const std::string& text, const fs::path& file, const std::string& hash,
                                 std::size_t threads) {
  try {
    const auto value = parsed(text, file);
    if (!value) return value.error();
    if (!value->is_object()) return malformed(file, "line 1: is not an object");
    cost_snapshot read;
    const std::string wrong = read_snapshot(value->get_object(), hash, threads, read);
    if (!wrong.empty()) return malformed(file, wrong);
    return read;
  } catch (const std::bad_alloc&) {
    return error{errc::out_of_memory, fmt::format("{} does not fit", file.string())};
  }
}

json::object to_json(const link_cost& l) {
  return {{"from", l.from.value},
          {"to", l.to.value},
          {"send_ns", l.send.count()},
          {"transit_ns", l.transit.count()},
          {"receive_ns", l.receive.count()},
          {"median_ns", l.median.count()},
          {"spread_ns", l.spread.count()},
          {"least_ns", l.least.count()},
          {"most_ns", l.most.count()},
          {"samples", static_cast<std::int64_t>(l.samples)}};
}

json::object to_json(const class_cost& c) {
  return {{"class", name_of(c.kind)},
          {"send_ns", c.send.count()},
          {"transit_ns", c.transit.count()},
          {"receive_ns", c.receive.count()},
          {"links", static_cast<std::int64_t>(c.links)}};
}

// A link a line, so that a mistake's place can be told and differences show.
template <class T>
std::string lines_of(const std::vector<T>& all) {
  std::string text = "[";
  for (const T& one : all) {
    if (text.size() > 1) text += ',';
    text += "\n    " + json::serialize(to_json(one));
  }
  return text + (all.empty() ? "]" : "\n  ]");
}

std::string text_of(const cost_snapshot& c) {
  return fmt::format(
      "{{\n  \"format\": {},\n  \"topology_hash\": {},\n  \"unix_time\": {},\n  \"reliable\": {},\n  \"why_not\": {},\n"
      "  \"dispatch_ns\": {},\n  \"wake_ns\": {},\n  \"links\": {},\n  \"classes\": {}\n}}\n",
      format_version, json::serialize(c.topology_hash), c.unix_time, c.reliable, json::serialize(c.why_not),
      c.dispatch.count(), c.wake.count(), lines_of(c.links), lines_of(c.classes));
}

// Each missing folder on the way, for this user only.
result<void> make_folders(const fs::path& folder) {
  fs::path made;
  for (const fs::path& part : folder) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) == 0 || errno == EEXIST) continue;
    const int why = errno;
    // On a read-only file system, or in a folder of somebody else, what exists is good enough.
    struct stat about {};
    if (::stat(made.c_str(), &about) != 0) return unwritable(made, std::strerror(why));
  }
  return {};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

fs::path home_folder() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
  std::array<char, 1 << 14> strings;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &entry, strings.data(), strings.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_dir != nullptr && *found->pw_dir == '/' ? fs::path{found->pw_dir} : fs::path{};
}

constexpr std::string_view no_folder = "no folder for costs: set XDG_CACHE_HOME or HOME to an absolute path";

}  // namespace

fs::path default_cache_folder() {
  // The XDG specification has relative paths ignored.
  if (const char* chosen = std::getenv("XDG_CACHE_HOME"); chosen != nullptr && *chosen == '/') {
    return fs::path{chosen} / "cooper";
  }
  const fs::path home = home_folder();
  return home.empty() ? fs::path{} : home / ".cache" / "cooper";
}

fs::path snapshot_file(const std::string& topology_hash, const fs::path& folder) {
  return folder / fmt::format("costs-{}.json", topology_hash);
}

result<std::optional<cost_snapshot>> load_snapshot(const topology& machine, const fs::path& folder) {
  if (folder.empty()) return error{errc::unreadable_input, std::string{no_folder}};
  const fs::path file = snapshot_file(machine.hash(), folder);
  const auto text = content_of(file);
  if (!text) return text.error();
  if (!*text) return std::optional<cost_snapshot>{};
  auto read = understood(**text, file, machine.hash(), machine.size());
  if (!read) return read.error();
  return std::optional{std::move(*read)};
}

result<void> save_snapshot(const cost_snapshot& costs, const fs::path& folder) {
  if (folder.empty()) return error{errc::unwritable_output, std::string{no_folder}};
  if (!is_hash(costs.topology_hash)) {
    return error{errc::malformed_input, "a snapshot's topology_hash is not 16 hexadecimal digits"};
  }
  const fs::path file = snapshot_file(costs.topology_hash, folder);
  const std::string text = text_of(costs);
  if (const auto good = understood(text, file, costs.topology_hash, core_count_max); !good) return good.error();
  if (text.size() > snapshot_bytes_max) {
    return error{errc::too_large, fmt::format("{} would be over {} bytes", file.string(), snapshot_bytes_max)};
  }
  if (const auto made = make_folders(folder); !made) return made;

  std::string temporary = file.string() + ".XXXXXX";
  descriptor out{::mkostemp(temporary.data(), O_CLOEXEC)};  // mode 0600
  if (out.get() < 0) return unwritable(file, std::strerror(errno));
  bool good = write_all(out.get(), text) && ::fsync(out.get()) == 0;
  int why = errno;
  // A network file system reports a full disk only here.
  if (!out.close() && good) {
    good = false;
    why = errno;
  }
  if (good && ::rename(temporary.c_str(), file.c_str()) != 0) {
    good = false;
    why = errno;
  }
  if (!good) {
    ::unlink(temporary.c_str());
    return unwritable(file, std::strerror(why));
  }
  // Without this a power cut may bring the old file back, which does no harm: a folder that cannot be synced is let be.
  const descriptor of_folder{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (of_folder.get() >= 0) static_cast<void>(::fsync(of_folder.get()));
  return {};
}

}  // namespace cooper::skb
