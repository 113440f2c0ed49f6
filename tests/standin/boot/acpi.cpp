// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/boot/acpi.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::acpi {
namespace {

struct [[gnu::packed]] Header {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
};
static_assert(sizeof(Header) == 36);

template <typename T>
T field(const Header* table, u32 offset) {
    T value{};
    if (offset + sizeof(T) <= table->length) {
        __builtin_memcpy(&value, reinterpret_cast<const u8*>(table) + offset, sizeof(T));
    }
    return value;
}

bool sums_to_zero(PhysicalAddress where, u32 length) {
    u8 sum = 0;
    for (u32 i = 0; i < length; ++i) {
        sum = static_cast<u8>(sum + at<const u8>(where)[i]);
    }
    return sum == 0;
}

/// The root pointer: on a 16-byte border in the BIOS's area.
PhysicalAddress find_root_pointer() {
    for (PhysicalAddress where = 0xE0000; where < 0x100000; where += 16) {
        if (__builtin_memcmp(at<const char>(where), "RSD PTR ", 8) == 0 && sums_to_zero(where, 20)) {
            return where;
        }
    }
    return 0;
}

void read_madt(const Header* table, Facts& facts) {
    const u32 own = cpuid(1).ebx >> 24;
    facts.lp_apic_ids[0] = own;
    facts.lp_count = 1;
    for (u32 at_byte = 44; at_byte + 8 <= table->length;) {
        const u8 type = field<u8>(table, at_byte);
        const u8 length = field<u8>(table, at_byte + 1);
        const u32 id = field<u8>(table, at_byte + 3);
        const bool enabled = (field<u32>(table, at_byte + 4) & 1) != 0;
        if (type == 0 && enabled && id != own && facts.lp_count < 64) {
            facts.lp_apic_ids[facts.lp_count++] = id;
        }
        if (length < 2) {
            return;
        }
        at_byte += length;
    }
}

void read_fadt(const Header* table, Facts& facts) {
    facts.pm1a_control = field<u32>(table, 64);
    facts.pm1b_control = field<u32>(table, 68);
    facts.pm_timer = field<u32>(table, 76);
    const u32 flags = field<u32>(table, 112);
    facts.pm_timer_is_wide = (flags & 1U << 8) != 0;
}

/// The list of all tables; an entry of it has four bytes, or eight in the later form.
struct TableList {
    const Header* header;
    u32 entry_size;
};

TableList find_tables(PhysicalAddress pointer) {
    constexpr u64 revision = 15;
    constexpr u64 rsdt = 16;
    constexpr u64 xsdt = 24;
    if (*at<const u8>(pointer + revision) >= 2) {
        u64 where = 0;
        __builtin_memcpy(&where, at<const u8>(pointer + xsdt), sizeof(where));
        if (where != 0) {
            return {at<const Header>(where), 8};
        }
    }
    return {at<const Header>(*at<const u32>(pointer + rsdt)), 4};
}

} // namespace

void read(std::span<const u8> root_pointer, Facts& facts) {
    const PhysicalAddress pointer =
        root_pointer.empty() ? find_root_pointer() : address_of(root_pointer.data());
    if (pointer == 0) {
        panic("no ACPI root pointer");
    }
    const TableList list = find_tables(pointer);
    for (u32 i = sizeof(Header); i + list.entry_size <= list.header->length; i += list.entry_size) {
        const PhysicalAddress where =
            list.entry_size == 8 ? field<u64>(list.header, i) : field<u32>(list.header, i);
        const auto* table = at<const Header>(where);
        if (__builtin_memcmp(table->signature, "APIC", 4) == 0) {
            read_madt(table, facts);
        } else if (__builtin_memcmp(table->signature, "FACP", 4) == 0) {
            read_fadt(table, facts);
        }
    }
    if (facts.lp_count == 0) {
        panic("no MADT");
    }
}

} // namespace mshv::standin::acpi
