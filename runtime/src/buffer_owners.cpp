// SPDX-License-Identifier: BSD-3-Clause
// What a user holds of a pool: buffer, the owner of one buffer, and lent_buffer, the reader of one.
#include <cooper/runtime/buffers.hpp>

#include <fmt/format.h>

#include <cooper/vocabulary/assert.hpp>

namespace cooper {

buffer::~buffer() {
  if (holder_ != nullptr) holder_->release(*home_, index_);
}

void buffer::swap(buffer& other) noexcept {
  std::swap(holder_, other.holder_);
  std::swap(home_, other.home_);
  std::swap(index_, other.index_);
  std::swap(length_, other.length_);
  std::swap(spent_, other.spent_);
}

void buffer::disown(bool sent_or_released) noexcept {
  spent_ = sent_or_released && holder_->checking_;
  holder_ = home_ = nullptr;
  index_ = length_ = 0;
}

void buffer::assert_not_spent(const char* message) const noexcept { COOPER_ASSERT(!spent_, message); }

std::size_t buffer::capacity() const noexcept { return home_ == nullptr ? 0 : home_->bytes_; }

std::uint32_t buffer::loans() const noexcept { return home_ == nullptr ? 0 : home_->records_[index_].loans; }

result<void> buffer::resize(std::size_t size) {
  if (home_ == nullptr) return error{errc::buffer_invalid, "there is no buffer: it was sent, released or never taken"};
  if (loans() != 0) return error{errc::buffer_lent, fmt::format("{} loans are out", loans())};
  if (size > capacity()) return error{errc::too_large, fmt::format("{} bytes; a buffer has {}", size, capacity())};
  length_ = static_cast<std::uint32_t>(size);
  return {};
}

std::span<std::byte> buffer::span() noexcept {
  assert_not_spent("a buffer is used after it was sent or released");
  if (home_ == nullptr || loans() != 0) return {};
  return {home_->memory_of(index_), length_};
}

std::span<const std::byte> buffer::bytes() const noexcept {
  assert_not_spent("a buffer is used after it was sent or released");
  if (home_ == nullptr) return {};
  return {home_->memory_of(index_), length_};
}

void buffer::release() noexcept {
  assert_not_spent("a buffer is released twice, or after it was sent");
  if (holder_ == nullptr) return;
  buffer_pool& holder = *holder_;
  buffer_pool& home = *home_;
  const std::uint32_t index = index_;
  disown(true);
  holder.release(home, index);
}

lent_buffer::~lent_buffer() {
  if (holder_ != nullptr) holder_->release_loan(*lender_, loan_);
}

void lent_buffer::swap(lent_buffer& other) noexcept {
  std::swap(holder_, other.holder_);
  std::swap(lender_, other.lender_);
  std::swap(loan_, other.loan_);
  std::swap(bytes_, other.bytes_);
  std::swap(spent_, other.spent_);
}

void lent_buffer::release() noexcept {
  COOPER_ASSERT(!spent_, "a loan is released twice");
  if (holder_ == nullptr) return;
  buffer_pool& holder = *holder_;
  spent_ = holder.checking_;
  bytes_ = {};
  holder_ = nullptr;
  holder.release_loan(*lender_, loan_);
}

}  // namespace cooper
