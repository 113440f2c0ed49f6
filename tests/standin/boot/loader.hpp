// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/memory/memory_map.hpp"

#include <string_view>

namespace mshv::standin {

/// What the loader brought and said, whichever of the two multiboot protocols it speaks. The texts
/// are copies; the modules lie where the loader put them, in memory that will be the root's.
struct Handover {
    MemoryMap map;
    std::string_view options; ///< the hypervisor's own command line
    std::span<const u8> kernel;
    std::string_view kernel_arguments;
    std::span<const u8> initrd;            ///< may be empty
    std::span<const u8> acpi_root_pointer; ///< a copy; empty = where a BIOS leaves it
};

/// Reads what is at `info`, which the loader announced with `magic`. To be called once, before
/// anything else is written to memory. Panics when there is no kernel.
const Handover& read_loader(u32 magic, PhysicalAddress info);

} // namespace mshv::standin
