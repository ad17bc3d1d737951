// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/protocols/saved_search.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <vector>

namespace cooper::protocols {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view first_line = "cooper search, format ";
constexpr std::string_view format = "1";
constexpr std::string_view byte_order = std::endian::native == std::endian::little ? "little" : "big";
// The head's lines are short; what is longer is no head.
constexpr std::size_t head_bytes_max = 4096;
constexpr std::size_t block_bytes = std::size_t{1} << 20;

// Of a file's blocks, in order; both sides cut the file at the same places.
std::uint64_t add_to_checksum(std::uint64_t sum, std::span<const std::byte> block) {
  return std::rotl(sum, 23) * 0x9fb21c651e98df25u ^ hash_of(block);
}

class descriptor {
 public:
  explicit descriptor(int fd) : fd_{fd} {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

class writer {
 public:
  explicit writer(int fd) : fd_{fd} { block_.reserve(block_bytes); }
  void put(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t n = std::min(bytes.size(), block_bytes - block_.size());
      block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      bytes = bytes.subspan(n);
      if (block_.size() == block_bytes) flush();
    }
  }
  bool finish() {
    flush();
    return good_ && write_all(fd_, std::as_bytes(std::span{&sum_, 1})) && ::fsync(fd_) == 0;
  }

 private:
  void flush() {
    sum_ = add_to_checksum(sum_, block_);
    good_ = good_ && write_all(fd_, block_);
    block_.clear();
  }
  int fd_;
  bool good_ = true;
  std::uint64_t sum_ = 0;
  std::vector<std::byte> block_;
};

// Reads all but the checksum at the end, of which it keeps one of its own.
class reader {
 public:
  reader(int fd, std::uint64_t bytes) : fd_{fd}, left_{bytes} {}
  bool get(std::span<std::byte> to) {
    while (!to.empty()) {
      if (at_ == block_.size() && !fill()) return false;
      const std::size_t n = std::min(to.size(), block_.size() - at_);
      std::memcpy(to.data(), block_.data() + at_, n);
      at_ += n;
      to = to.subspan(n);
    }
    return true;
  }
  // Up to the end of a line, without it.
  bool line(std::string& to) {
    to.clear();
    for (std::byte b{}; to.size() < head_bytes_max && get({&b, 1}); to += static_cast<char>(b)) {
      if (b == std::byte{'\n'}) return true;
    }
    return false;
  }
  bool is_at_end() const { return left_ == 0 && at_ == block_.size(); }
  bool fits_checksum() {
    std::uint64_t expected = 0;
    return is_at_end() && read_all(std::as_writable_bytes(std::span{&expected, 1})) && expected == sum_;
  }

 private:
  bool fill() {
    block_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, left_)));
    at_ = 0;
    if (block_.empty() || !read_all(block_)) return false;
    left_ -= block_.size();
    sum_ = add_to_checksum(sum_, block_);
    return true;
  }
  bool read_all(std::span<std::byte> to) {
    while (!to.empty()) {
      const ssize_t n = ::read(fd_, to.data(), to.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      to = to.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }
  int fd_;
  std::uint64_t left_;
  std::uint64_t sum_ = 0;
  std::vector<std::byte> block_;
  std::size_t at_ = 0;
};

// The numbers of the head, by name, in order.
struct head_numbers {
  state_store::extent states;
  search_position at;

  template <class F>
  void each(F f) {
    f("states", states.states);
    f("waiting", states.waiting);
    f("waiting bytes", states.waiting_bytes);
    f("transitions", at.transitions);
    f("quiet states", at.quiet_states);
    f("depth", at.depth);
    f("level end", at.level_end);
  }
};

std::string head_of(std::string_view identity, head_numbers numbers) {
  std::string head{first_line};
  head += format;
  head += "\nof version ";
  head += build_version();
  head += ", bytes in ";
  head += byte_order;
  head += " order\n";
  head += identity;
  head += '\n';
  numbers.each([&](std::string_view name, std::uint64_t n) {
    head += (head.back() == '\n' ? "" : ", ") + std::string{name} + ' ' + std::to_string(n);
  });
  return head + "\n";
}

error unwritable(const std::string& path, int why) {
  return {errc::unwritable_output, "'" + path + "': " + std::strerror(why) +
                                       "; the search is not saved, and what stood there before is as it was"};
}

// The target's mode if it exists, else what a plain creation would have given; mkostemp is private.
mode_t mode_for(const std::string& target) {
  struct stat old {};
  if (::stat(target.c_str(), &old) == 0) return old.st_mode & 07777;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

// The rename itself survives a crash only with its folder.
void sync_folder(const fs::path& folder) {
  const descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (fd.get() >= 0) ::fsync(fd.get());
}

}  // namespace

std::string_view build_version() { return COOPER_VERSION; }

result<void> save_search(const std::string& path, std::string_view identity, const search_position& at,
                         const state_store& states) {
  std::error_code failed;
  // A link stays, and what it points to is replaced.
  const fs::path resolved = fs::weakly_canonical(path, failed);
  const std::string target = failed ? path : resolved.string();
  struct stat about {};
  if (::stat(target.c_str(), &about) == 0 && !S_ISREG(about.st_mode)) {
    return unwritable(path, S_ISDIR(about.st_mode) ? EISDIR : EINVAL);
  }
  const fs::path folder = fs::path{target}.has_parent_path() ? fs::path{target}.parent_path() : fs::path{"."};
  std::string beside = (folder / ("." + fs::path{target}.filename().string().substr(0, 200) + ".XXXXXX")).string();
  descriptor fd{::mkostemp(beside.data(), O_CLOEXEC)};
  if (fd.get() < 0) return unwritable(path, errno);
  writer out{fd.get()};
  const std::string head = head_of(identity, {states.size_when_written(), at});
  out.put(std::as_bytes(std::span{head}));
  states.write([&](std::span<const std::byte> bytes) { out.put(bytes); });
  // Every one of these can be the first to meet a full disk.
  const bool good = out.finish() && ::fchmod(fd.get(), mode_for(target)) == 0 && fd.close() &&
                    ::rename(beside.c_str(), target.c_str()) == 0;
  const int why = errno;
  if (!good) {
    ::unlink(beside.c_str());
    return unwritable(path, why);
  }
  sync_folder(folder);
  return {};
}

result<search_position> load_search(const std::string& path, std::string_view identity, state_store& into,
                                    const std::function<bool(std::span<const std::byte>)>& legible) {
  const descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat about {};
  if (fd.get() < 0 || ::fstat(fd.get(), &about) != 0) {
    return error{errc::unreadable_input, "'" + path + "': " + std::strerror(errno)};
  }
  if (!S_ISREG(about.st_mode)) return error{errc::unreadable_input, "'" + path + "' is no regular file"};
  const auto malformed = [&](std::string_view what) {
    return error{errc::malformed_input, "'" + path + "' " + std::string{what}};
  };
  constexpr std::string_view no_search = "is no saved search";
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size < sizeof(std::uint64_t)) return malformed(no_search);
  reader in{fd.get(), size - sizeof(std::uint64_t)};

  std::string line;
  if (!in.line(line) || !line.starts_with(first_line)) return malformed(no_search);
  if (line.substr(first_line.size()) != format) {
    return malformed("is of format " + line.substr(first_line.size(), 20) + "; this version reads format " +
                     std::string{format} + ". Begin the search anew");
  }
  std::string expected = head_of(identity, {});
  std::string_view rest = expected;
  const auto next_expected = [&] {
    const std::string_view one = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(one.size() + 1);
    return one;
  };
  next_expected();
  if (const auto want = next_expected(); !in.line(line) || line != want) {
    return malformed("is '" + line.substr(0, 80) + "'; this program is '" + std::string{want} +
                     "'. Go on with the program that saved it, or begin the search anew");
  }
  if (const auto want = next_expected(); !in.line(line) || line != want) {
    return error{errc::bad_option, "'" + path + "' is a search of '" + line.substr(0, 200) +
                                       "', and what is asked for is '" + std::string{want} +
                                       "'; give the same protocol and options"};
  }
  head_numbers numbers;
  bool good = in.line(line);
  std::string_view words = line;
  numbers.each([&](std::string_view name, std::uint64_t& n) {
    if (words.starts_with(", ")) words.remove_prefix(2);
    good = good && words.starts_with(name) && words.size() > name.size();
    if (!good) return;
    words.remove_prefix(name.size() + 1);
    const auto [end, wrong] = std::from_chars(words.data(), words.data() + words.size(), n);
    good = wrong == std::errc{};
    words.remove_prefix(static_cast<std::size_t>(end - words.data()));
  });
  const std::string head = head_of(identity, numbers);
  if (!good || !head.ends_with("\n" + line + "\n")) return malformed("is damaged: its fourth line makes no sense");
  const std::uint64_t content = numbers.states.bytes();
  if (content == 0 || numbers.at.level_end > numbers.states.states) {
    return malformed("is damaged: its fourth line makes no sense");
  }
  const std::uint64_t whole = head.size() + content + sizeof(std::uint64_t);
  if (size != whole) {
    return malformed((size < whole ? "is cut off: " : "is too long: ") + std::to_string(size) + " bytes instead of " +
                     std::to_string(whole) + ". Take another copy of it, or begin the search anew");
  }
  switch (into.read(
      numbers.states, [&](std::span<std::byte> to) { return in.get(to); }, legible)) {
    case state_store::reading::no_room:
      return error{errc::bad_option,
                   "'" + path + "' does not fit into the memory that is allowed; allow more than when it was saved"};
    case state_store::reading::done:
      if (in.fits_checksum()) return numbers.at;
      break;
    case state_store::reading::malformed:
      break;
  }
  return malformed(
      "is damaged: its checksum or its content is wrong. Take another copy of it, or begin the search anew");
}

}  // namespace cooper::protocols
