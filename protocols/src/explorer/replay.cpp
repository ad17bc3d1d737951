// SPDX-License-Identifier: BSD-3-Clause
#include <cooper/protocols/replay.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace cooper::protocols {
namespace {

constexpr std::string_view first_line = "cooper replay, format ";
constexpr std::string_view format = "1";

// What each kind of action is called, and what its third number is.
struct verb {
  std::string_view name;
  std::string_view of;  // empty: it has none
};
constexpr std::array<verb, 6> verbs{{{"begin", "operation"},
                                     {"deliver", "from"},
                                     {"duplicate", "from"},
                                     {"expire", "timer"},
                                     {"stop", ""},
                                     {"restart", ""}}};

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t from = s.find_first_not_of(blanks);
  return from == s.npos ? std::string_view{} : s.substr(from, s.find_last_not_of(blanks) - from + 1);
}

// The next word, taken away.
std::string_view word(std::string_view& from) {
  from = trimmed(from);
  const std::string_view one = from.substr(0, from.find_first_of(" \t"));
  from.remove_prefix(one.size());
  return one;
}

std::optional<std::uint8_t> small_number(std::string_view text) {
  std::uint8_t n = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (wrong != std::errc{} || end != text.data() + text.size()) return {};
  return n;
}

// What a person wrote may be anything; of that, only a bit is shown.
std::string quoted(std::string_view text) {
  std::string shown{text.substr(0, 60)};
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return "'" + shown + "'";
}

std::string form_of(const verb& v) {
  std::string form = std::string{v.name} + " core=N";
  if (!v.of.empty()) form += " " + std::string{v.of} + "=N";
  return v.name == "stop" ? form : form + " [stop_after=N]";
}

class parser {
 public:
  explicit parser(std::string_view text) : text_{text} {}

  result<replay> run() {
    const auto head = line();
    if (!head || !head->starts_with(first_line)) {
      return wrong("this is no replay: its first line is to be '" + std::string{first_line} + std::string{format} +
                   "'");
    }
    if (head->substr(first_line.size()) != format) {
      return wrong("format " + quoted(head->substr(first_line.size())) + "; this version reads format " +
                   std::string{format} + ": explore again, and write the replay anew");
    }
    while (auto next = line()) {
      std::string_view rest = *next;
      const std::string_view name = word(rest);
      const auto v = std::find_if(verbs.begin(), verbs.end(), [&](const verb& one) { return one.name == name; });
      const auto done = v != verbs.end() ? take_action(*v, rest) : take_option(name, trimmed(rest));
      if (!done) return done.error();
    }
    if (out_.protocol.empty()) return wrong("the text ends, and no line 'protocol NAME' was there");
    return std::move(out_);
  }

 private:
  error wrong(const std::string& what) const {
    return {errc::malformed_input, "line " + std::to_string(number_) + ": " + what};
  }
  // The next that says something.
  std::optional<std::string_view> line() {
    while (!text_.empty()) {
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      const std::string_view one = trimmed(text_.substr(0, std::min(text_.find('#'), end)));
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++number_;
      if (!one.empty()) return one;
    }
    return {};
  }

  result<void> take_option(std::string_view name, std::string_view value) {
    const auto number = [&](auto& to) -> result<void> {
      const auto n = small_number(value);
      if (!n) return wrong(quoted(value) + " is no number from 0 to 255");
      to = *n;
      return {};
    };
    if (!out_.actions.empty() && name != "violation") {
      return wrong(quoted(name) + " is no action; there are begin, deliver, duplicate, expire, stop, restart");
    }
    if (name == "protocol") return out_.protocol = value, result<void>{};
    if (name == "version") return out_.version = value, result<void>{};
    if (name == "violation") return out_.violation = value, result<void>{};
    if (name == "planted") return out_.options.planted = value, result<void>{};
    if (name == "cores") return number(out_.options.cores);
    if (name == "operations") return number(out_.options.operations);
    if (name == "stops") return number(out_.options.allowed.stops);
    if (name == "expirations") return number(out_.options.allowed.expirations);
    if (name == "duplicates") return number(out_.options.allowed.duplicates);
    if (name == "stops_in_steps") {
      if (value != "yes" && value != "no") return wrong("stops_in_steps is yes or no, not " + quoted(value));
      out_.options.allowed.stops_in_steps = value == "yes";
      return {};
    }
    return wrong(quoted(name) +
                 " is neither an option (protocol, cores, operations, stops, expirations, duplicates, stops_in_steps, "
                 "planted, version, violation) nor an action (begin, deliver, duplicate, expire, stop, restart)");
  }

  result<void> take_action(const verb& v, std::string_view rest) {
    action a{.what = static_cast<happening>(&v - verbs.data())};
    bool has_core = false, has_of = v.of.empty();
    for (std::string_view one = word(rest); !one.empty(); one = word(rest)) {
      const std::size_t at = std::min(one.find('='), one.size());
      const std::string_view name = one.substr(0, at);
      const auto n = at < one.size() ? small_number(one.substr(at + 1)) : std::nullopt;
      if (n && name == "core") {
        a.core = *n;
        has_core = true;
      } else if (n && name == v.of) {
        a.of = *n;
        has_of = true;
      } else if (n && name == "stop_after" && a.what != happening::stop && *n != action::to_its_end) {
        a.sent_before_stop = *n;
      } else {
        return wrong(quoted(one) + " does not belong there; the form is " + form_of(v));
      }
    }
    if (!has_core || !has_of) return wrong("something is missing; the form is " + form_of(v));
    out_.actions.push_back(packed(a));
    out_.lines.push_back(number_);
    return {};
  }

  std::string_view text_;
  std::size_t number_ = 0;
  replay out_;
};

}  // namespace

std::string text_of_action(std::uint32_t which) {
  const action a = unpacked(which);
  const verb& v = verbs[static_cast<std::size_t>(a.what)];
  std::string text = std::string{v.name} + " core=" + std::to_string(a.core);
  if (!v.of.empty()) text += " " + std::string{v.of} + "=" + std::to_string(a.of);
  if (a.sent_before_stop != action::to_its_end) text += " stop_after=" + std::to_string(a.sent_before_stop);
  return text;
}

std::string to_text(const replay& what, const std::vector<std::string>& comments) {
  const faults& f = what.options.allowed;
  std::string out = std::string{first_line} + std::string{format} + "\n";
  const auto put = [&](std::string_view name, const std::string& value) {
    out += std::string{name} + " " + value + "\n";
  };
  put("version", what.version);
  put("protocol", what.protocol);
  put("cores", std::to_string(what.options.cores));
  put("operations", std::to_string(what.options.operations));
  put("stops", std::to_string(f.stops));
  put("expirations", std::to_string(f.expirations));
  put("duplicates", std::to_string(f.duplicates));
  put("stops_in_steps", f.stops_in_steps ? "yes" : "no");
  if (!what.options.planted.empty()) put("planted", what.options.planted);
  if (!what.violation.empty()) put("violation", what.violation);
  constexpr std::size_t comments_at = 40;
  for (std::size_t i = 0; i < what.actions.size(); ++i) {
    std::string line = text_of_action(what.actions[i]);
    if (comments.size() == what.actions.size()) {
      line.resize(std::max(line.size() + 1, comments_at), ' ');
      line += "# " + comments[i];
    }
    out += line + "\n";
  }
  return out;
}

result<replay> parse_replay(std::string_view text) { return parser{text}.run(); }

}  // namespace cooper::protocols
