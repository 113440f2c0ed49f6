// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"

namespace mshv::standin {

/// What the first VP of the root starts with, in long mode with flat segments.
struct LinuxEntry {
    u64 rip = 0;
    u64 rsi = 0; ///< the boot parameters
    u64 cr3 = 0; ///< maps the first 512 GiB at themselves
    u64 gdt = 0;
    u16 gdt_limit = 0;
};

/// The root's VP of this processor, which never does anything else again: the first one begins
/// where the kernel does, each other one when the root starts it as it would start a processor.
[[noreturn]] void run_root_from(Lp& lp, const LinuxEntry& entry);
[[noreturn]] void run_root_when_started(Lp& lp);

} // namespace mshv::standin
