// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// What a multiboot loader of version 2 leaves in memory: a list of tags, each on an 8-byte border.
// Source: the Multiboot2 Specification 2.0, §3.4 and §3.6.

namespace mshv::standin::multiboot2 {

constexpr u32 loader_magic = 0x36D76289;

struct Info {
    u32 total_size;
    u32 reserved;
};

struct Tag {
    u32 type;
    u32 size; ///< with these eight bytes, without what fills up to the next border
};
constexpr u32 tag_end = 0;
constexpr u32 tag_command_line = 1;
constexpr u32 tag_module = 3;
constexpr u32 tag_map = 6;
constexpr u32 tag_acpi_old = 14; ///< a copy of the root pointer, of ACPI 1.0
constexpr u32 tag_acpi_new = 15; ///< likewise, of a later one

struct Module {
    Tag tag;
    u32 begin, end;
    // and its text
};

struct Map {
    Tag tag;
    u32 entry_size, entry_version;
    // and the entries
};

struct MapEntry {
    u64 base, length;
    u32 type; ///< as in the BIOS's E820
    u32 reserved;
};

} // namespace mshv::standin::multiboot2
