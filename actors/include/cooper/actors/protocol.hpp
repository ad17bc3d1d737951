// SPDX-License-Identifier: BSD-3-Clause
// What may be said to an actor in lines: a list of message types, checked when it is compiled.
//
//   struct add { std::int64_t amount; };
//   struct get {};
//   struct total { std::int64_t value; };
//   using counting = cooper::actors::protocol<one_way<add>, request<get, total>>;
//
// A message is a trivially copyable struct: its bytes travel in the line, so it must not hold a pointer to anything
// that the receiver would follow. One-way messages have room for 56 bytes, requests and replies for 48: the number of
// the call takes eight. Larger payloads travel in a bulk buffer, whose handle goes in the message.
#pragma once

#include <cstddef>
#include <type_traits>

#include <cooper/vocabulary/ids.hpp>
#include <cooper/vocabulary/line.hpp>

namespace cooper::actors {

inline constexpr std::size_t one_way_bytes_max = line_payload_bytes;
inline constexpr std::size_t call_bytes_max = line_payload_bytes - 8;

template <class Message>
concept travels_inline = std::is_trivially_copyable_v<Message> && alignof(Message) <= 8;

// A message without an answer.
template <class Message>
struct one_way {
  static_assert(travels_inline<Message>,
                "a line message must be trivially copyable: send larger things as CAF messages");
  static_assert(
      sizeof(Message) <= one_way_bytes_max,
      "a one-way message has 56 bytes of room in a line: put the payload in a bulk buffer and send its handle");
  using message = Message;
  using reply = void;
};

// A message that is answered with one Reply.
template <class Message, class Reply>
struct request {
  static_assert(travels_inline<Message> && travels_inline<Reply>,
                "a request and its reply must be trivially copyable: send larger things as CAF messages");
  static_assert(
      sizeof(Message) <= call_bytes_max && sizeof(Reply) <= call_bytes_max,
      "a request or reply has 48 bytes of room in a line: put the payload in a bulk buffer and send its handle");
  using message = Message;
  using reply = Reply;
};

template <class... Entries>
struct protocol {
  static_assert(sizeof...(Entries) <= 1024, "a protocol has at most 1024 messages");
  static constexpr std::size_t size = sizeof...(Entries);
};

namespace detail {

template <class Message, class Protocol>
struct entry_of;

template <class Message, class... Entries>
struct entry_of<Message, protocol<Entries...>> {
  static constexpr std::size_t find() {
    std::size_t at = 0;
    const bool found = ((std::is_same_v<Message, typename Entries::message> || (++at, false)) || ...);
    return found ? at : sizeof...(Entries);
  }
  static constexpr std::size_t index = find();
  static constexpr bool known = index < sizeof...(Entries);
};

template <class Message, class Entry, class... Rest>
struct reply_in {
  using type = typename reply_in<Message, Rest...>::type;
};
template <class Message, class Entry, class... Rest>
requires std::is_same_v<Message, typename Entry::message>
struct reply_in<Message, Entry, Rest...> {
  using type = typename Entry::reply;
};

template <class Message, class Protocol>
struct reply_of;
template <class Message, class... Entries>
struct reply_of<Message, protocol<Entries...>> {
  using type = typename reply_in<Message, Entries...>::type;
};

// A request is marked in its line, so that one without a receiver can be answered.
inline constexpr message_type request_mark = 0x400;
inline constexpr message_type index_mask = 0x3ff;

template <class Message, class Protocol>
consteval message_type type_number() {
  static_assert(entry_of<Message, Protocol>::known, "this message is not in the receiver's protocol");
  constexpr auto index = static_cast<message_type>(entry_of<Message, Protocol>::index);
  return std::is_void_v<typename reply_of<Message, Protocol>::type> ? index
                                                                    : static_cast<message_type>(index | request_mark);
}

}  // namespace detail
}  // namespace cooper::actors
