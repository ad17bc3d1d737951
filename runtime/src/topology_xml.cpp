// SPDX-License-Identifier: BSD-3-Clause
// XML files before hwloc sees them: reading, a scan for well-formedness that names the line, and a trial in a child.
#include <fcntl.h>
#include <hwloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <cooper/vocabulary/ids.hpp>

#include "topology_hwloc.hpp"
#include "topology_input.hpp"

namespace cooper::detail {
namespace {

constexpr std::size_t xml_depth_max = 256;
constexpr unsigned trial_seconds_max = 60;

class descriptor {
 public:
  explicit descriptor(int fd) : fd_{fd} {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { reset(); }
  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// Reads to the end of the descriptor or one byte past the limit; false on an error, which is in errno.
bool read_all(int fd, std::size_t limit, std::string& text) {
  std::array<char, 1 << 16> block;
  while (text.size() <= limit) {
    const auto n = ::read(fd, block.data(), block.size());
    if (n == 0) return true;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  return true;
}

// One pass over the tags of a document. It checks nesting, attributes and quotes, and counts PUs; entities and the
// document type's inside are left to hwloc.
class xml_scan {
 public:
  xml_scan(std::string_view text, const std::string& name) : text_{text}, name_{name} {}

  result<void> run() {
    while (at_ < text_.size()) {
      const auto next = text_.find('<', at_);
      const auto between = text_.substr(at_, next == text_.npos ? text_.npos : next - at_);
      if (open_.empty() && between.find_first_not_of(" \t\r\n\0", 0, 5) != text_.npos)
        return refuse(seen_root_ ? "text after the end of <topology>" : "this is not XML");
      if (next == text_.npos) break;
      at_ = next;
      if (auto ok = tag(); !ok) return ok;
    }
    if (!open_.empty()) return refuse("the file ends inside <" + std::string{open_.back()} + ">");
    if (!seen_root_) return refuse("it has no element");
    if (pus_ == 0) return refuse("it has no object of type PU, so no core");
    if (pus_ > core_count_max)
      return error{errc::too_large,
                   name_ + " has " + std::to_string(pus_) + " PUs, the limit is " + std::to_string(core_count_max)};
    return {};
  }

 private:
  error refuse(const std::string& what) const {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    return {errc::malformed_input, name_ + ", line " + std::to_string(line) + ": " + what};
  }

  result<void> skip_past(std::string_view end, const char* what) {
    const auto found = text_.find(end, at_);
    if (found == text_.npos) return refuse(std::string{"the file ends inside "} + what);
    at_ = found + end.size();
    return {};
  }

  result<void> tag() {
    const auto rest = text_.substr(at_);
    if (rest.starts_with("<!--")) return skip_past("-->", "a comment");
    if (rest.starts_with("<![CDATA[")) return skip_past("]]>", "a CDATA section");
    if (rest.starts_with("<?")) return skip_past("?>", "a processing instruction");
    if (rest.starts_with("<!")) return skip_past(">", "the document type");
    return rest.starts_with("</") ? end_tag() : start_tag();
  }

  std::string_view take_name() {
    const auto first = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_' ||
                                  text_[at_] == '-' || text_[at_] == '.' || text_[at_] == ':'))
      ++at_;
    return text_.substr(first, at_ - first);
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  result<void> end_tag() {
    at_ += 2;
    const auto name = take_name();
    if (open_.empty() || open_.back() != name)
      return refuse("</" + std::string{name} + "> closes " +
                    (open_.empty() ? "nothing" : "<" + std::string{open_.back()} + ">"));
    skip_space();
    if (!take('>')) return refuse("</" + std::string{name} + " is not closed with '>'");
    open_.pop_back();
    return {};
  }

  result<void> start_tag() {
    ++at_;
    const auto name = take_name();
    if (name.empty()) return refuse("'<' without the name of an element");
    if (open_.empty()) {
      if (seen_root_) return refuse("a second root element <" + std::string{name} + ">");
      if (name != "topology") return refuse("the root element is <" + std::string{name} + ">, not <topology>");
      seen_root_ = true;
    }
    while (true) {
      skip_space();
      if (take('>')) break;
      if (take('/')) return take('>') ? result<void>{} : refuse("'/' inside <" + std::string{name} + ">");
      if (auto ok = attribute(name); !ok) return ok;
    }
    if (open_.size() == xml_depth_max) return refuse("elements are nested too deeply");
    open_.push_back(name);
    return {};
  }

  result<void> attribute(std::string_view element) {
    if (at_ >= text_.size()) return refuse("the file ends inside <" + std::string{element} + ">");
    const auto name = take_name();
    if (name.empty()) return refuse("something that is no attribute inside <" + std::string{element} + ">");
    skip_space();
    if (!take('=')) return refuse("attribute " + std::string{name} + " has no value");
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '"' && quote != '\'') return refuse("the value of attribute " + std::string{name} + " is not quoted");
    const auto end = text_.find(quote, ++at_);
    const auto value = text_.substr(at_, end == text_.npos ? end : end - at_);
    if (end == text_.npos || value.find('<') != value.npos)
      return refuse("the value of attribute " + std::string{name} + " has no closing quote");
    if (element == "object" && name == "type" && value == "PU") ++pus_;
    at_ = end + 1;
    return {};
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::vector<std::string_view> open_;
  bool seen_root_ = false;
  std::size_t pus_ = 0;
};

// The child's whole life. Its standard error is the pipe, its verdict one byte on another.
[[noreturn]] void trial_child(const std::string& text, void (*walk)(hwloc_topology*), int words, int verdict) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (const int s : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGALRM}) ::signal(s, SIG_DFL);
  ::alarm(trial_seconds_max);
  ::dup2(words, STDERR_FILENO);
  ::dup2(words, STDOUT_FILENO);
  const auto owned = new_tree();
  const auto tree = owned.get();
  char good = 'n';
  if (tree != nullptr && hwloc_topology_set_xmlbuffer(tree, text.c_str(), static_cast<int>(text.size() + 1)) == 0 &&
      hwloc_topology_load(tree) == 0) {
    // A tree can load and still have broken insides; the walks that the parent will make are made here first.
    hwloc_obj_t pu = nullptr;
    while ((pu = hwloc_get_next_obj_by_type(tree, HWLOC_OBJ_PU, pu)) != nullptr)
      for (auto up = pu; up != nullptr; up = up->parent)
        if (up->cpuset == nullptr || hwloc_bitmap_isset(up->cpuset, pu->os_index) == 0) ::_exit(1);
    hwloc_topology_check(tree);
    walk(tree);
    good = 'y';
  }
  ::_exit(::write(verdict, &good, 1) == 1 ? 0 : 1);
}

// The first line of what hwloc printed that says something, without its frame of asterisks.
std::string first_words(const std::string& printed) {
  std::size_t at = 0;
  while (at < printed.size()) {
    const auto end = std::min(printed.find('\n', at), printed.size());
    auto line = std::string_view{printed}.substr(at, end - at);
    const auto first = line.find_first_not_of("* \t");
    if (first != line.npos) return std::string{line.substr(first, 200)};
    at = end + 1;
  }
  return {};
}

}  // namespace

result<std::string> read_text_file(const std::filesystem::path& file, std::size_t bytes_max) {
  const auto refuse = [&](const std::string& why) {
    return error{errc::unreadable_input, "'" + printable(file.string()) + "': " + why};
  };
  // O_NONBLOCK: a FIFO without a writer must be refused, not waited for.
  const descriptor fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat about {};
  if (fd.get() < 0 || ::fstat(fd.get(), &about) != 0) return refuse(std::strerror(errno));
  if (S_ISDIR(about.st_mode)) return refuse("is a directory");
  if (!S_ISREG(about.st_mode)) return refuse("is not a regular file");
  std::string text;
  if (!read_all(fd.get(), bytes_max, text)) return refuse(std::strerror(errno));
  if (text.empty()) return refuse("is empty");
  if (text.size() > bytes_max) return refuse("is larger than " + std::to_string(bytes_max >> 20) + " MiB");
  return text;
}

result<void> check_xml(std::string_view text, const std::string& name) { return xml_scan{text, name}.run(); }

result<void> try_xml(const std::string& text, const std::string& name, void (*walk)(hwloc_topology* tree)) {
  int words[2], verdict[2];
  if (::pipe2(words, O_CLOEXEC) != 0) return error{errc::topology_unavailable, std::strerror(errno)};
  descriptor words_in{words[0]}, words_out{words[1]};
  if (::pipe2(verdict, O_CLOEXEC) != 0) return error{errc::topology_unavailable, std::strerror(errno)};
  descriptor verdict_in{verdict[0]}, verdict_out{verdict[1]};
  // What this process has buffered must not come out of the child a second time, as if hwloc had said it.
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return error{errc::topology_unavailable, std::string{"fork: "} + std::strerror(errno)};
  if (child == 0) trial_child(text, walk, words_out.get(), verdict_out.get());
  words_out.reset();
  verdict_out.reset();
  std::string printed, answer;
  // Within a pipe's capacity hwloc prints without waiting for us; beyond the limit the child may die writing.
  const bool heard = read_all(words_in.get(), 60'000, printed);
  words_in.reset();
  if (!read_all(verdict_in.get(), 1, answer) || !heard) return error{errc::topology_unavailable, std::strerror(errno)};
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
  const auto said = printable(first_words(printed));
  if (answer == "y" && said.empty()) return {};
  std::string why = answer.empty()  ? "hwloc breaks on it"
                    : answer == "y" ? "hwloc finds it inconsistent"
                                    : "hwloc refuses it";
  if (!said.empty()) why += ": " + said;
  if (said.empty() && !answer.empty()) why += "; an object's cpuset, nodeset or type contradicts its parents";
  return error{errc::malformed_input, name + ": " + why};
}

}  // namespace cooper::detail
