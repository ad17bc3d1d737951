// SPDX-License-Identifier: BSD-3-Clause
// The table's rows, one source each.
#pragma once

#include <cooper/protocols/subjects.hpp>

namespace cooper::protocols {

extern const subject two_phase_commit_subject;
extern const subject multicast_subject;
extern const subject broadcast_subject;
extern const subject barrier_subject;
extern const subject call_subject;

// Errors of explore() that all subjects have.
result<void> check(const subject& of, const subject_options& options);

}  // namespace cooper::protocols
