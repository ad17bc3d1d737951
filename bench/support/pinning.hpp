// SPDX-License-Identifier: BSD-3-Clause
// Pins the calling thread to one CPU, by the operating system's number.
#pragma once

namespace cooper::bench {

// False where that is not permitted; the thread then runs where the system likes.
bool pin_this_thread(unsigned cpu) noexcept;

}  // namespace cooper::bench
