// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/boot/linux_loader.hpp"
#include "tests/standin/lp/lp.hpp"

namespace mshv::standin {

/// The root's VP of this processor, which never does anything else again: the first one begins where
/// the kernel does, each other one when the root starts it as it would start a processor.
[[noreturn]] void run_root_from(Lp& lp, const LinuxEntry& entry);
[[noreturn]] void run_root_when_started(Lp& lp);

} // namespace mshv::standin
