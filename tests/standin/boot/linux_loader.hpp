// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/memory/memory_map.hpp"
#include "tests/standin/root/root_vp.hpp"

#include <span>
#include <string_view>

namespace mshv::standin {

struct LinuxImage {
    std::span<const u8> kernel;
    std::span<const u8> initrd; ///< may be empty
    std::string_view command_line;
    std::span<const u8> acpi_root_pointer; ///< empty = it finds that where a BIOS leaves it
};

/// Puts the kernel, its initial RAM disk, command line and boot parameters where the kernel's boot
/// protocol wants them, within what `map` calls usable. `map` is what the kernel will be told of
/// the memory. Kernel and RAM disk may lie where something else has to go: they are moved. Panics
/// with the reason when this is no kernel that can be started.
LinuxEntry load_linux(const LinuxImage& linux, const MemoryMap& map);

} // namespace mshv::standin
