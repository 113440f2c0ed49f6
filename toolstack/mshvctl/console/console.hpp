// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"

#include <cstdint>
#include <functional>

namespace mshv::ctl {

class Context;

/// All that the keeper's ring holds.
inline constexpr std::uint64_t replay_all = UINT64_MAX;

struct ConsoleOptions {
    std::uint64_t replay = 16UL * 1024; ///< bytes of the past shown at first
    bool no_input = false;              ///< read only: takes the writer's place from nobody
    bool steal = false;                 ///< take the writer's place from who has it
    bool filter = true;                 ///< on a terminal, drop titles, clipboard and old queries
    char escape = 0x1d;                 ///< Ctrl-]
    std::function<void()> attached;     ///< called once, when nothing can be missed any more
};

/// Attaches until the user detaches, the partition ends or --timeout runs out. Goes on where it was
/// when the connection breaks. Restores the terminal on every way out.
void run_console(Context& context, const api::Selector& selector, const ConsoleOptions& options);

/// Prints the console's log, rotated files first; with `follow` goes on with what comes, without a
/// gap and without a byte twice.
void print_console_log(Context& context, const api::Selector& selector, bool follow,
                       const ConsoleOptions& options);

} // namespace mshv::ctl
