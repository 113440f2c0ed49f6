// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// What a multiboot (version 1) loader leaves in memory. Source: the Multiboot Specification 0.6.96, §3.3.

namespace mshv::standin::multiboot {

constexpr u32 loader_magic = 0x2BADB002;

struct Info {
    u32 flags;
    u32 memory_low, memory_high; // KiB
    u32 boot_device;
    u32 command_line;
    u32 module_count, modules;
    u32 symbols[4];
    u32 map_length, map;
    u32 drives_length, drives;
    u32 configuration_table;
    u32 loader_name;
};
constexpr u32 has_command_line = 1U << 2;
constexpr u32 has_modules = 1U << 3;
constexpr u32 has_map = 1U << 6;
constexpr u32 has_loader_name = 1U << 9;

struct Module {
    u32 begin, end;
    u32 text; ///< its file name and arguments
    u32 reserved;
};

struct [[gnu::packed]] MapEntry {
    u32 size; ///< of what follows
    u64 base, length;
    u32 type; ///< as in the BIOS's E820
};

} // namespace mshv::standin::multiboot
