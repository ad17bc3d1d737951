// SPDX-License-Identifier: BSD-3-Clause
// Claims on cores between processes: one lock file a hardware thread, held with flock(2) while the machine runs.
//
// The kernel drops the lock with the process, however it ends, so a stale claim cannot exist. The file names its
// holder for the error message of the next one.
#pragma once

#include <string>
#include <vector>

#include <cooper/vocabulary/error.hpp>

namespace cooper::detail {

// Where claims are kept: $COOPER_LOCK_DIR, else /run/lock/cooper or, where that cannot be made, /tmp/cooper-lock.
// Shared by all users of this computer.
std::string claim_directory();

class core_claim {
 public:
  core_claim() = default;
  core_claim(core_claim&& other) noexcept : fd_{other.fd_} { other.fd_ = -1; }
  core_claim& operator=(core_claim&& other) noexcept;
  ~core_claim();

  // Errors: core_claimed (naming the holder), claim_failed.
  static result<core_claim> take(unsigned pu_index);

 private:
  explicit core_claim(int fd) : fd_{fd} {}
  int fd_ = -1;
};

}  // namespace cooper::detail
