// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/register_page.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/vp/guest_code.hpp"
#include "tests/standin/vp/intercept_report.hpp"
#include "tests/standin/vp/pending.hpp"

namespace mshv::standin::register_page {
namespace {

struct [[gnu::packed]] Page {
    u16 version;
    u8 valid;
    u8 reserved;
    u32 dirty;
    u64 general[16];
    u64 rip;
    u64 rflags;
    u64 reserved_98;
    u8 xmm[6][16];
    intercept::SegmentRegister segments[6]; ///< ES, CS, SS, DS, FS, GS
    u64 cr0, cr3, cr4, cr8, efer, dr7;
    u64 pending_interruption;
    u64 interrupt_state;
    u64 emulation_hints;
    u64 xfem;
    u8 reserved_1b0[0x100];
    u64 interrupt_vectors;
};
static_assert(offsetof(Page, rip) == 0x88);
static_assert(offsetof(Page, xmm) == 0xA0);
static_assert(offsetof(Page, segments) == 0x100);
static_assert(offsetof(Page, cr0) == 0x160);
static_assert(offsetof(Page, pending_interruption) == 0x190);
static_assert(offsetof(Page, xfem) == 0x1A8);
static_assert(offsetof(Page, interrupt_vectors) == 0x2B0);

// Bits of `dirty`.
constexpr u32 general = 1U << 0;
constexpr u32 instruction_pointer = 1U << 1;
constexpr u32 vector = 1U << 2;
constexpr u32 segment = 1U << 3;
constexpr u32 flags = 1U << 4;

constexpr std::size_t xmm_at = 160; // in an XSAVE area
constexpr std::size_t xmm_count = 6;

svm::Segment* segments_of(svm::Vmcb& vmcb, u32 index) {
    svm::Segment* const all[6] = {&vmcb.es, &vmcb.cs, &vmcb.ss, &vmcb.ds, &vmcb.fs, &vmcb.gs};
    return all[index];
}

} // namespace

void fill(ChildVp& vp) {
    if (vp.register_page == nullptr) {
        return;
    }
    Page& page = *at<Page>(address_of(vp.register_page));
    svm::Vmcb& v = vp.cpu.vmcb;
    const guest_code::NumberedRegisters registers(vp.cpu);
    __builtin_memcpy(page.general, registers.all, sizeof(page.general));
    page.version = 1;
    page.dirty = 0;
    page.rip = v.rip;
    page.rflags = v.rflags;
    for (u32 i = 0; i < 6; ++i) {
        page.segments[i] = intercept::to_register(*segments_of(v, i));
    }
    page.cr0 = v.cr0;
    page.cr3 = v.cr3;
    page.cr4 = v.cr4;
    page.cr8 = vp.apic.task_priority() >> 4;
    page.efer = v.efer & ~efer::svme;
    page.dr7 = v.dr7;
    page.pending_interruption = pending::interruption(vp);
    page.interrupt_state = pending::interrupt_state(vp);
    page.emulation_hints = 0;
    page.xfem = vp.context.xcr0;
    __builtin_memcpy(page.xmm, vp.context.extended + xmm_at, sizeof(page.xmm));
    __atomic_store_n(&page.valid, 1, __ATOMIC_RELEASE);
}

void apply(ChildVp& vp) {
    if (vp.register_page == nullptr) {
        return;
    }
    Page& page = *at<Page>(address_of(vp.register_page));
    svm::Vmcb& v = vp.cpu.vmcb;
    const u32 dirty = page.valid != 0 ? page.dirty : 0;
    if ((dirty & general) != 0) {
        guest_code::NumberedRegisters registers(vp.cpu);
        __builtin_memcpy(registers.all, page.general, sizeof(page.general));
        registers.put_back(vp.cpu);
    }
    if ((dirty & instruction_pointer) != 0) {
        v.rip = page.rip;
        v.interrupt_shadow = 0;
    }
    if ((dirty & flags) != 0) {
        v.rflags = pending::legal_flags(page.rflags);
    }
    for (u32 i = 0; i < 6 && (dirty & segment) != 0; ++i) {
        *segments_of(v, i) = intercept::to_segment(page.segments[i]);
    }
    if ((dirty & vector) != 0) {
        __builtin_memcpy(vp.context.extended + xmm_at, page.xmm, xmm_count * 16);
        pending::mark_used(vp);
    }
    page.dirty = 0;
    page.valid = 0;
}

void take_interrupts(ChildVp& vp) {
    if (vp.register_page == nullptr) {
        return;
    }
    u64* const place = at<u64>(address_of(vp.register_page) + offsetof(Page, interrupt_vectors));
    if (__atomic_load_n(place, __ATOMIC_RELAXED) == 0) {
        return;
    }
    const u64 vectors = __atomic_exchange_n(place, 0, __ATOMIC_ACQ_REL);
    constexpr u64 most = 7;
    const u64 count = (vectors & 0xFF) < most ? vectors & 0xFF : most;
    for (u64 i = 1; i <= count; ++i) {
        (void)vp.apic.post(static_cast<u32>(vectors >> (8 * i) & 0xFF), false);
    }
}

} // namespace mshv::standin::register_page
