// SPDX-License-Identifier: Apache-2.0
//
// A line for each thing that is checked; who started the program reads them from the console.
#pragma once

#include <cerrno>
#include <cstdio>

namespace lab {

inline bool all_held = true;

inline bool say(bool holds, const char* what) {
    const int error = errno;
    all_held = all_held && holds;
    if (holds) {
        std::printf("ok: %s\n", what);
    } else {
        std::printf("FAILED: %s (errno %d)\n", what, error);
    }
    std::fflush(stdout);
    return holds;
}

} // namespace lab
