// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/boot/memory_map.hpp"

#include <span>
#include <string_view>

namespace mshv::standin {

/// What the first VP of the root starts with, in long mode with flat segments.
struct LinuxEntry {
    u64 rip = 0;
    u64 rsi = 0; ///< the boot parameters
    u64 cr3 = 0; ///< maps the first 512 GiB at themselves
    u64 gdt = 0;
    u16 gdt_limit = 0;
};

/// Puts the kernel, its initial RAM disk (may be empty), command line and boot parameters where the
/// kernel's boot protocol wants them, within what `map` calls usable. `map` is what the kernel will be
/// told of the memory. `image` and `initrd` may lie where something else has to go: they are moved.
/// Panics with the reason when this is no kernel that can be started.
LinuxEntry load_linux(std::span<const u8> image, std::span<const u8> initrd,
                      std::string_view command_line, const MemoryMap& map);

} // namespace mshv::standin
