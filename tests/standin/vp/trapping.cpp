// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/trapping.hpp"

#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::trapping {
namespace {

constexpr u32 child_asid = 2; // its translations are flushed when another VP is dispatched
constexpr u8 virtual_masking = 1;

/// All ports, and all MSRs but those that VMLOAD and VMSAVE switch.
alignas(page_size) u8 all_ports[3 * page_size];
alignas(page_size) u8 most_msrs[2 * page_size];

void let_through(u32 number) {
    constexpr u32 second_range = 0xC0000000;
    const u32 bit = (number < second_range ? number : number - second_range) * 2;
    u8& byte = most_msrs[(number < second_range ? 0 : 0x800) + bit / 8];
    byte = static_cast<u8>(byte & ~(3U << (bit % 8)));
}

} // namespace

void start() {
    constexpr u32 switched[] = {0x174,      0x175,      0x176,      0xC0000081, 0xC0000082,
                                0xC0000083, 0xC0000084, 0xC0000100, 0xC0000101, 0xC0000102};
    __builtin_memset(all_ports, 0xFF, sizeof(all_ports));
    __builtin_memset(most_msrs, 0xFF, sizeof(most_msrs));
    for (const u32 number : switched) {
        let_through(number);
    }
}

void set(ChildVp& vp) {
    svm::Vmcb& v = vp.cpu.vmcb;
    v.intercepts_3 = svm::intercept3::always | svm::intercept3::hlt | svm::intercept3::init;
    v.intercepts_4 = svm::intercept4::always;
    v.iopm_base = address_of(all_ports);
    v.msrpm_base = address_of(most_msrs);
    v.asid = child_asid;
    v.v_intr_masking = virtual_masking;
    v.nested_control = svm::nested_paging;
    set_tables(vp);
}

void set_tables(ChildVp& vp) {
    vp.cpu.vmcb.nested_cr3 = vp.partition.memory.root();
}

} // namespace mshv::standin::trapping
