// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/lp.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/local_apic.hpp"

extern "C" {
extern const mshv::standin::u8 interrupt_stubs[256][16];
extern const mshv::standin::u8 wait_looks[], wait_ends[];
extern const mshv::standin::u8 ap_start[], ap_start_end[];
extern mshv::standin::u64 ap_stack;
extern mshv::standin::u32 ap_number;
}

namespace mshv::standin {
namespace {

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

struct Gate {
    u16 offset_low, selector, type, offset_middle;
    u32 offset_high, reserved;
};

constexpr u16 code_selector = 8;
constexpr u16 data_selector = 16;
constexpr u16 tss_selector = 32;

constinit Lp all[max_lps];
std::size_t count = 0;
alignas(16) Gate idt[256];

void fill_idt() {
    for (std::size_t vector = 0; vector < 256; ++vector) {
        const u64 entry = address_of(interrupt_stubs[vector]);
        idt[vector] = {static_cast<u16>(entry), code_selector, 0x8E00, static_cast<u16>(entry >> 16),
                       static_cast<u32>(entry >> 32), 0};
    }
}

void fill_gdt(Lp& lp) {
    const u64 tss = address_of(lp.tss);
    lp.gdt[1] = 0x00AF9B000000FFFF;
    lp.gdt[2] = 0x00CF93000000FFFF;
    lp.gdt[4] = (sizeof(lp.tss) - 1) | (tss & 0xFFFFFF) << 16 | 0x89ULL << 40 |
                (tss >> 24 & 0xFF) << 56;
    lp.gdt[5] = tss >> 32;
}

/// A wait of about `microseconds`, by port 0x80, whose access takes one on the ISA bus and in its
/// emulations: used before any clock is known.
void settle(u32 microseconds) {
    for (u32 i = 0; i < microseconds; ++i) {
        out8(0x80, 0);
    }
}

bool wait_up(const Lp& lp) {
    for (u32 tries = 0; tries < 1'000'000; ++tries) {
        if (__atomic_load_n(&lp.up, __ATOMIC_ACQUIRE)) {
            return true;
        }
        settle(1);
        pause();
    }
    return false;
}

} // namespace

void enter_lp(Lp& lp) {
    fill_gdt(lp);
    const TablePointer gdt_pointer{sizeof(lp.gdt) - 1, address_of(lp.gdt)};
    const TablePointer idt_pointer{sizeof(idt) - 1, address_of(idt)};
    asm volatile("lgdt %0\n\t"
                 "lidt %1\n\t"
                 "mov %2, %%ds\n\tmov %2, %%es\n\tmov %2, %%ss\n\t"
                 "ltr %w3"
                 :
                 : "m"(gdt_pointer), "m"(idt_pointer), "r"(u32{data_selector}),
                   "r"(u32{tss_selector})
                 : "memory");
    write_msr(msr::gs_base, address_of(&lp));
    // The APIC answers, whatever the firmware left.
    local_apic::write(local_apic::reg::spurious,
                      local_apic::read(local_apic::reg::spurious) | 0x100 | 0xFF);
    __atomic_store_n(&lp.up, true, __ATOMIC_RELEASE);
}

Lp& this_lp() {
    return *at<Lp>(read_msr(msr::gs_base));
}

std::span<Lp> lps() {
    return {all, count};
}

void kick(Lp& lp) {
    if (!__atomic_exchange_n(&lp.kicked, true, __ATOMIC_ACQ_REL)) {
        local_apic::send(lp.apic_id, local_apic::icr::nmi | local_apic::icr::assert_level);
    }
}

void kick_self(Lp& self) {
    // Another one has set it and may not have sent its NMI yet, which comes after this one then.
    const bool is_kicked = __atomic_exchange_n(&self.kicked, true, __ATOMIC_SEQ_CST);
    if (is_kicked && self.late_kicks + 1 < count) {
        ++self.late_kicks;
    }
    local_apic::send(self.apic_id, local_apic::icr::nmi | local_apic::icr::assert_level);
}

void start_lps(std::span<const u32> apic_ids, PhysicalAddress page) {
    fill_idt();
    for (const u32 id : apic_ids) {
        if (count < max_lps) {
            all[count].index = static_cast<u32>(count);
            all[count++].apic_id = id;
        }
    }
    enter_lp(all[0]);
    __builtin_memcpy(at<u8>(page), ap_start, static_cast<std::size_t>(ap_start_end - ap_start));
    for (Lp& lp : lps().subspan(1)) {
        ap_stack = address_of(lp.stack) + sizeof(lp.stack);
        ap_number = lp.index;
        local_apic::send(lp.apic_id, local_apic::icr::init | local_apic::icr::assert_level);
        settle(10'000);
        for (int i = 0; i < 2 && !__atomic_load_n(&lp.up, __ATOMIC_ACQUIRE); ++i) {
            local_apic::send(lp.apic_id,
                             local_apic::icr::startup | static_cast<u32>(page / page_size));
            settle(200);
        }
        if (!wait_up(lp)) {
            Log() << "lp " << lp.index << " apic " << lp.apic_id << " does not start";
        }
    }
}

namespace {

/// What the stubs in interrupts.S push.
struct Frame {
    u64 r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};

} // namespace

/// An interrupt is left in service: it is the root's, whose end of interrupt ends it. An exception is
/// the hypervisor's own fault.
extern "C" void on_interrupt(Frame* frame) {
    constexpr u64 nmi = 2;
    if (frame->vector == nmi) {
        if (frame->rip >= address_of(wait_looks) && frame->rip < address_of(wait_ends)) {
            frame->rip = address_of(wait_ends);
        }
        Lp& self = this_lp();
        __atomic_store_n(&self.nmi_came, 1, __ATOMIC_SEQ_CST);
        if (__atomic_exchange_n(&self.kicked, false, __ATOMIC_ACQ_REL)) {
            return;
        }
        if (self.late_kicks != 0) {
            --self.late_kicks;
        } else {
            __atomic_store_n(&self.nmi_for_root, true, __ATOMIC_SEQ_CST);
        }
        return;
    }
    if (frame->vector >= 32) {
        this_lp().taken_vector = static_cast<u32>(frame->vector);
        // One at a time: a second one, of a higher class, would take the place of the first.
        frame->rflags &= ~rflags::interrupts_on;
        return;
    }
    Log() << "exception " << frame->vector << " error " << Hex{frame->error_code} << " rip "
          << Hex{frame->rip} << " rsp " << Hex{frame->rsp} << " cr2 " << Hex{read_cr2()} << " lp "
          << this_lp().index;
    stop();
}

} // namespace mshv::standin
