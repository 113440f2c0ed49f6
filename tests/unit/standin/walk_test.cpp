// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/standin/tables.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv::standin;

constexpr Access read{};
constexpr Access write{true, false, false};
constexpr Access execute{false, false, true};
constexpr Access user_read{false, true, false};
constexpr Access user_write{true, true, false};

/// Four levels at 0x1000 … 0x4000 and a page at 0x7000 for the address 0x8080604321; at
/// 0x8080800000 a page of 2M, at 0x80c0000000 one of 1G.
struct Long {
    Long() {
        memory.word(0x1000 + 8) = 0x2000 | all_rights;
        memory.word(0x2000 + 2 * 8) = 0x3000 | all_rights;
        memory.word(0x3000 + 3 * 8) = 0x4000 | all_rights;
        memory.word(0x4000 + 4 * 8) = 0x7000 | all_rights;
        memory.word(0x3000 + 4 * 8) = 0x40000000 | all_rights | large;
        memory.word(0x2000 + 3 * 8) = 0x80000000 | all_rights | large;
    }
    WalkResult go(std::uint64_t linear, Access access) {
        return walk(memory.reading(), state, linear, access);
    }
    WalkStatus page(Access access) { return go(0x8080604321, access).status; }

    Memory memory;
    PagingState state{cr0_pg | cr0_wp, 0x1000, cr4_pae, efer_lma | efer_nxe, 2, 40, true};
};

BOOST_AUTO_TEST_CASE(no_paging) {
    Memory memory;
    const auto result = walk(memory.marking(), {}, 0x1'2345'6789, write);
    BOOST_TEST(result.ok());
    BOOST_TEST(result.gpa == 0x23456789U);
    BOOST_TEST(result.page_size == 4096U);
}

BOOST_AUTO_TEST_CASE(four_levels) {
    Long tables;
    const auto small = tables.go(0x8080604321, read);
    BOOST_TEST(small.ok());
    BOOST_TEST(small.gpa == 0x7321U);
    BOOST_TEST(small.page_size == 4096U);
    const auto middle = tables.go(0x8080812345, read);
    BOOST_TEST(middle.gpa == 0x40012345U);
    BOOST_TEST(middle.page_size == 0x200000U);
    const auto big = tables.go(0x80c1234567, read);
    BOOST_TEST(big.gpa == 0x81234567U);
    BOOST_TEST(big.page_size == 0x40000000U);
    tables.state.gigabyte_pages = false;
    BOOST_TEST(tables.go(0x80c1234567, read).status == WalkStatus::reserved_bits);
    BOOST_TEST(tables.go(0x0000800000000000, read).status == WalkStatus::non_canonical);
    BOOST_TEST(tables.go(0xffff800000000000, read).status == WalkStatus::not_present);
    BOOST_TEST(int{tables.go(0x8080605000, read).level} == 1);
    tables.state.cr3 = 0x1018; // PCID, or PWT and PCD
    BOOST_TEST(tables.page(read) == WalkStatus::ok);
}

BOOST_AUTO_TEST_CASE(faults_name_the_level) {
    const std::uint64_t entries[] = {0x4000 + 4 * 8, 0x3000 + 3 * 8, 0x2000 + 2 * 8, 0x1000 + 8};
    for (int level = 1; level <= 4; ++level) {
        const auto fault_of = [&](std::uint64_t cleared, std::uint64_t set, Access access) {
            Long tables;
            std::uint64_t& entry = tables.memory.word(entries[level - 1]);
            entry = (entry & ~cleared) | set;
            return tables.go(0x8080604321, access);
        };
        const auto missing = fault_of(present, 0, read);
        BOOST_TEST(missing.status == WalkStatus::not_present);
        BOOST_TEST(int{missing.level} == level);
        const auto reserved = fault_of(0, std::uint64_t{1} << 40U, read);
        BOOST_TEST(reserved.status == WalkStatus::reserved_bits);
        BOOST_TEST(int{reserved.level} == level);
        BOOST_TEST(fault_of(writable, 0, write).status == WalkStatus::write_protected);
        BOOST_TEST(fault_of(writable, 0, read).status == WalkStatus::ok);
        BOOST_TEST(fault_of(user, 0, user_read).status == WalkStatus::supervisor_only);
        BOOST_TEST(fault_of(user, 0, read).status == WalkStatus::ok);
        BOOST_TEST(fault_of(0, no_execute, execute).status == WalkStatus::no_execute);
        BOOST_TEST(fault_of(0, no_execute, read).status == WalkStatus::ok);
        if (level > 1) {
            const auto nowhere = fault_of(~all_rights, 0x9000, read);
            BOOST_TEST(nowhere.status == WalkStatus::unreadable);
            BOOST_TEST(int{nowhere.level} == level - 1);
        }
    }
    Long tables;
    tables.memory.word(0x1000 + 8) |= large;
    BOOST_TEST(tables.page(read) == WalkStatus::reserved_bits);
    tables.memory.word(0x3000 + 4 * 8) |= 0x2000; // inside the 2M page's address
    BOOST_TEST(tables.go(0x8080800000, read).status == WalkStatus::reserved_bits);
}

BOOST_AUTO_TEST_CASE(control_bits) {
    Long tables;
    tables.memory.word(0x4000 + 4 * 8) = 0x7000 | present | no_execute | user;
    tables.state.cr0 = cr0_pg;
    BOOST_TEST(tables.page(write) == WalkStatus::ok);
    BOOST_TEST(tables.page(user_write) == WalkStatus::write_protected);
    tables.state.efer = efer_lma;
    BOOST_TEST(tables.page(read) == WalkStatus::reserved_bits); // NX without NXE
    tables.memory.word(0x4000 + 4 * 8) = 0x7000 | all_rights;
    tables.state.cr4 |= cr4_smep | cr4_smap;
    BOOST_TEST(tables.page(execute) == WalkStatus::user_page);
    BOOST_TEST(tables.page(read) == WalkStatus::user_page);
    BOOST_TEST(tables.page(user_read) == WalkStatus::ok);
    tables.state.rflags = 0x40000;
    BOOST_TEST(tables.page(read) == WalkStatus::ok);
    BOOST_TEST(tables.page(execute) == WalkStatus::user_page);
}

BOOST_AUTO_TEST_CASE(five_levels) {
    Long tables;
    tables.memory.word(0x5000 + 2 * 8) = 0x1000 | all_rights;
    tables.state.cr4 |= cr4_la57;
    tables.state.cr3 = 0x5000;
    const std::uint64_t linear = (std::uint64_t{2} << 48U) | 0x8080604321;
    BOOST_TEST(tables.go(linear, read).gpa == 0x7321U);
    BOOST_TEST(int{tables.go(0, read).level} == 5);
    BOOST_TEST(tables.go(0x0000800000000000, read).status == WalkStatus::not_present);
    BOOST_TEST(tables.go(0x0100000000000000, read).status == WalkStatus::non_canonical);
}

BOOST_AUTO_TEST_CASE(legacy_32_bit) {
    Memory memory;
    memory.set32(0x1000 + 4 * 5, 0x2000 | all_rights);
    memory.set32(0x2000 + 4 * 7, 0x9000 | present | user);
    memory.set32(0x1000 + 4 * 6, 0x00c00000 | all_rights | large);
    memory.set32(0x1000 + 4 * 8, 0x00c02000 | all_rights | large); // PSE-36: 4G and 12M
    memory.set32(0x1000 + 4 * 9, 0x00e00000 | all_rights | large); // bit 21 is reserved
    PagingState state{cr0_pg | cr0_wp, 0x1000, cr4_pse, 0, 2, 40, true};
    const auto go = [&](std::uint64_t linear, Access access) {
        return walk(memory.reading(), state, linear, access);
    };
    BOOST_TEST(go(0x01407abc, read).gpa == 0x9abcU);
    BOOST_TEST(go(0x101407abc, read).gpa == 0x9abcU); // 32 bits of it count
    BOOST_TEST(go(0x01407abc, execute).ok());
    BOOST_TEST(go(0x01407abc, write).status == WalkStatus::write_protected);
    BOOST_TEST(go(0x01408abc, read).status == WalkStatus::not_present);
    const auto big = go(0x01812345, user_write);
    BOOST_TEST(big.gpa == 0x00c12345U);
    BOOST_TEST(big.page_size == 0x400000U);
    BOOST_TEST(int{big.level} == 2);
    BOOST_TEST(go(0x02012345, read).gpa == 0x100c12345U);
    BOOST_TEST(go(0x02412345, read).status == WalkStatus::reserved_bits);
    state.physical_bits = 32;
    BOOST_TEST(go(0x02012345, read).status == WalkStatus::reserved_bits);
    state.cr4 = 0; // now it is a table
    BOOST_TEST(go(0x01812345, read).status == WalkStatus::unreadable);
}

BOOST_AUTO_TEST_CASE(pae) {
    Memory memory;
    memory.word(0x1020 + 8 * 3) = 0x2000 | present;
    memory.word(0x2000 + 8 * 511) = 0x3000 | all_rights;
    memory.word(0x3000 + 8 * 511) = 0x900000000 | all_rights | no_execute;
    memory.word(0x2000 + 8 * 1) = 0x80000000 | present | large;
    PagingState state{cr0_pg | cr0_wp, 0x1020, cr4_pae, efer_nxe, 2, 40, true};
    const auto go = [&](std::uint64_t linear, Access access) {
        return walk(memory.reading(), state, linear, access);
    };
    BOOST_TEST(go(0xfffff123, user_write).gpa == 0x900000123U);
    BOOST_TEST(go(0xfffff123, execute).status == WalkStatus::no_execute);
    const auto big = go(0xc0234567, read);
    BOOST_TEST(big.gpa == 0x80034567U);
    BOOST_TEST(big.page_size == 0x200000U);
    BOOST_TEST(int{go(0, read).level} == 3);
    memory.word(0x1020 + 8 * 3) |= writable; // no such right there
    BOOST_TEST(go(0xc0234567, read).status == WalkStatus::reserved_bits);
}

BOOST_AUTO_TEST_CASE(accessed_and_dirty) {
    Long tables;
    const auto mark = [&](Access access) {
        return walk(tables.memory.marking(), tables.state, 0x8080604321, access).status;
    };
    tables.state.cr0 |= cr0_wp;
    BOOST_TEST(mark(read) == WalkStatus::ok);
    BOOST_TEST(tables.memory.word(0x1000 + 8) == (0x2000 | all_rights | accessed));
    BOOST_TEST(tables.memory.word(0x4000 + 4 * 8) == (0x7000 | all_rights | accessed));
    tables.memory.exchanges_to_refuse = 3;
    BOOST_TEST(mark(write) == WalkStatus::ok);
    BOOST_TEST(tables.memory.word(0x3000 + 3 * 8) == (0x4000 | all_rights | accessed));
    BOOST_TEST(tables.memory.word(0x4000 + 4 * 8) == (0x7000 | all_rights | accessed | dirty));
    tables.memory.word(0x4000 + 4 * 8) = 0x7000 | all_rights;
    tables.memory.exchanges_to_refuse = 1000;
    BOOST_TEST(mark(write) == WalkStatus::contended);
    // What faults leaves no mark.
    tables.memory.exchanges_to_refuse = 0;
    tables.memory.word(0x4000 + 4 * 8) = 0x7000 | present;
    BOOST_TEST(mark(write) == WalkStatus::write_protected);
    BOOST_TEST(tables.memory.word(0x4000 + 4 * 8) == (0x7000 | present));
    // A 32-bit entry's neighbour is left alone.
    Memory memory;
    memory.set32(0x1004, 0x00400000 | all_rights | large);
    const PagingState legacy{cr0_pg, 0x1000, cr4_pse, 0, 2, 40, true};
    BOOST_TEST(walk(memory.marking(), legacy, 0x400000, write).ok());
    BOOST_TEST(memory.word(0x1000) == (0x00400000 | all_rights | large | accessed | dirty) << 32U);
}

BOOST_AUTO_TEST_CASE(error_codes) {
    const Long tables;
    const auto& state = tables.state;
    BOOST_TEST(page_fault_code(state, WalkStatus::not_present, user_write) == 6U);
    BOOST_TEST(page_fault_code(state, WalkStatus::write_protected, write) == 3U);
    BOOST_TEST(page_fault_code(state, WalkStatus::supervisor_only, user_read) == 5U);
    BOOST_TEST(page_fault_code(state, WalkStatus::reserved_bits, read) == 9U);
    BOOST_TEST(page_fault_code(state, WalkStatus::no_execute, execute) == 0x11U);
    BOOST_TEST(page_fault_code({}, WalkStatus::not_present, execute) == 0U);
}

} // namespace
